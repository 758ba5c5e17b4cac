"""Which parts of a message are read, which are files: RFC 2046 and RFC 8621 (4.1.4) with the habits of mailers."""

from __future__ import annotations

from dataclasses import dataclass, field

from channels_app.adapters.email import html, rendering, transfer, winmail
from channels_app.adapters.email.limits import LIMITS
from channels_app.adapters.email.mail import File
from channels_app.adapters.email.structure import WHOLE, Part
from channels_app.contract import clean_text

SHOWN = {"text/plain", "text/html", "text/enriched", "text/richtext"}
STATUS = {"message/delivery-status", "message/global-delivery-status", "message/disposition-notification"}
RETURNED = {*WHOLE, "text/rfc822-headers", "message/rfc822-headers", "message/global-headers"}


@dataclass(slots=True)
class Piece:
    """One stretch of the message, in the forms it came in; html is sanitised already."""

    text: str | None = None
    html: str | None = None


@dataclass(slots=True)
class Content:
    """All of a message's bodies and files, in order."""

    pieces: list[Piece] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    calendars: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    """Texts of delivery-status parts."""
    returned: list[bytes] = field(default_factory=list)
    """The mail, or its headers, that a report gives back."""
    notes: list[str] = field(default_factory=list)
    hidden: list[Piece] = field(default_factory=list)
    """Bodies out of a winmail.dat: shown where there is no other."""

    def add(self, other: Content) -> None:
        self.pieces += other.pieces
        self.rest_of(other)

    def rest_of(self, other: Content) -> None:
        self.files += other.files
        self.calendars += other.calendars
        self.reports += other.reports
        self.returned += other.returned
        self.notes += other.notes
        self.hidden += other.hidden

    @property
    def text(self) -> str:
        """The whole as text; HTML is turned into text only where nothing else was sent."""
        return _joined(
            [
                piece.text if piece.text and piece.text.strip() else rendering.text_of(piece.html or "")
                for piece in self.pieces
            ]
        )

    @property
    def quoted(self) -> str:
        """The same for the reply trimmer, with HTML's quotes marked."""
        return _joined(
            [
                piece.text if piece.text and piece.text.strip() else rendering.quoted_text(piece.html or "")
                for piece in self.pieces
            ]
        )

    @property
    def html(self) -> str | None:
        """The whole as safe HTML; None where no part is HTML."""
        if all(piece.html is None for piece in self.pieces):
            return None
        return "<hr>".join(
            piece.html or rendering.from_text(piece.text or "") for piece in self.pieces if piece.html or piece.text
        )


def _joined(texts: list[str]) -> str:
    return "\n".join(text for text in texts if text)


def read(root: Part) -> Content:
    """Everything that the tree holds. Recursion is bounded by the tree's own depth."""
    content = _read(root, first=True, within="")
    if content.hidden and not content.text.strip():
        content.pieces += content.hidden
    return content


def _read(part: Part, *, first: bool, within: str) -> Content:
    if part.closed:
        return Content(files=[File(filename="message.eml", mime="message/rfc822", data=part.source())])
    if part.mime == "multipart/alternative":
        return _alternative(part)
    if part.kind == "multipart":
        content = Content()
        for number, child in enumerate(part.children):
            # The first that can be shown is the root, wherever it stands.
            related = part.mime == "multipart/related" and bool(content.pieces)
            first = number == 0 or (part.mime == "multipart/related" and not content.pieces)
            content.add(_read(child, first=first, within="related" if related else part.mime))
        return content
    return _leaf(part, first=first, within=within)


def _alternative(part: Part) -> Content:
    """One text in several forms: the first plain and the last HTML are kept, the files of all."""
    content, text, markup = Content(), None, None
    for child in part.children:
        found = _read(child, first=True, within=part.mime)
        content.rest_of(found)
        plain = [piece.text for piece in found.pieces if piece.text is not None]
        rich = [piece.html for piece in found.pieces if piece.html is not None]
        if plain and not rich and text is None:
            text = _joined(plain)
        elif rich:
            markup = "".join(rich)
            if plain and text is None:
                text = _joined([piece.text or rendering.text_of(piece.html or "") for piece in found.pieces])
    if text is not None or markup is not None:
        content.pieces.append(Piece(text, markup))
    return content


def _leaf(part: Part, *, first: bool, within: str) -> Content:
    mime, name = part.mime, part.filename
    if mime in STATUS:
        return Content(reports=[part.text()], files=[_file(part)])
    if mime in RETURNED and within != "":
        return Content(returned=[part.content()[: LIMITS.header_block]], files=[_file(part)])
    if mime == "text/calendar" or (mime == "application/ics" and part.disposition != "attachment"):
        return Content(calendars=[part.text()], files=[_file(part)])
    if mime == "application/ms-tnef" or name.lower() == "winmail.dat":
        return _opened(part)
    if mime in SHOWN and part.disposition != "attachment" and within != "related" and (first or not name):
        content = _body(part)
        if name:  # Shown, and still the file that it was sent as.
            content.files.append(_file(part))
        return content
    return Content(files=[_file(part)])


def _file(part: Part) -> File:
    inline = part.disposition == "inline" or bool(
        part.content_id and part.kind == "image" and part.disposition != "attachment"
    )
    return File(
        filename=clean_text(part.filename),
        mime=part.mime,
        content_id=clean_text(part.content_id),
        inline=inline,
        data=part.content(),
    )


def _opened(part: Part) -> Content:
    """winmail.dat: what is in it; as it is where it cannot be opened."""
    opened = winmail.read(part.content())
    if opened is None:
        return Content(files=[_file(part)])
    content = Content(files=list(opened.files))
    if opened.html:
        content.hidden = _markup(opened.html, None).pieces
    elif opened.text:
        content.hidden = [Piece(text=clean_text(opened.text))]
    if not content.files:
        content.files = [_file(part)]
    return content


def _body(part: Part) -> Content:
    if part.mime == "text/html":
        return _markup(part.text(), part)
    if part.mime in ("text/enriched", "text/richtext"):
        return _markup(part.text(), part)
    content = Content()
    data = part.content()
    if b"begin " in data or b"begin-base64 " in data:
        kept, at = [], 0
        for start, end, name, inside in transfer.uuencoded(data):
            kept.append(data[at:start])
            at = end
            content.files.append(File(filename=clean_text(name), mime=winmail.mime_of(name), data=inside))
        kept.append(data[at:])
        data = b"".join(kept)
    text = clean_text(part.as_text(data))
    if part.params.get("format", "").lower() == "flowed":
        text = unflowed(text, part.params.get("delsp", "").lower() == "yes")
    if len(text) > LIMITS.text:
        content.notes.append("text-cut")
        content.files.append(File(filename="message.txt", mime="text/plain", data=part.content()))
        text = text[: LIMITS.text]
    content.pieces.append(Piece(text=text))
    return content


def _markup(source: str, part: Part | None) -> Content:
    """HTML made safe; where there is too much of it the text is shown and the part kept as a file."""
    source = clean_text(source)
    if html.too_much(source):
        content = Content(notes=["html-cut"], pieces=[Piece(text=rendering.rough_text(source)[: LIMITS.text])])
        data = part.content() if part else source.encode()
        content.files.append(File(filename="message.html", mime="text/html", data=data))
        return content
    return Content(pieces=[Piece(html=html.sanitise(source))])


def unflowed(text: str, delsp: bool) -> str:
    """RFC 3676: a line that ends in a blank goes on in the next one of the same quoting depth."""
    out: list[str] = []
    open_depth = -1
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        body = line[depth:].removeprefix(" ")
        soft = body.endswith(" ") and body != "-- "
        if open_depth == depth and body != "-- ":
            out[-1] = (out[-1][:-1] if delsp else out[-1]) + body
        else:
            out.append((">" * depth + " " if depth else "") + body)
        open_depth = depth if soft else -1
    return "\n".join(out)
