"""A mail's HTML as it is stored and as it is shown: safe twice, and loading nothing that nobody asked for.

The adapter makes it safe by what it knows of mail; here it goes through a second lock, whichever channel it came
by. Pictures stand without ``src``: ``data-cid`` names a file that came with the message, ``data-src`` an address
elsewhere, which tells its owner who looks, when and from where, and so is loaded only once an agent allows it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from html import unescape

import nh3
from django.utils.html import escape

from channels_app import filetypes
from channels_app.models import Address
from tickets.models import Attachment, Message, PicturesAllowed

STYLES = {
    "background-color", "border", "border-bottom", "border-collapse", "border-color", "border-left", "border-radius",
    "border-right", "border-spacing", "border-style", "border-top", "border-width", "color", "direction", "display",
    "font", "font-family", "font-size", "font-style", "font-variant", "font-weight", "height", "letter-spacing",
    "line-height", "list-style-type", "margin", "margin-bottom", "margin-left", "margin-right", "margin-top",
    "max-height", "max-width", "min-width", "padding", "padding-bottom", "padding-left", "padding-right",
    "padding-top", "table-layout", "text-align", "text-decoration", "text-indent", "text-transform",
    "unicode-bidi", "vertical-align", "white-space", "width", "word-break", "word-spacing", "word-wrap",
}  # fmt: skip
EVERYWHERE = {"style", "class", "dir", "lang", "title", "align", "valign", "width", "height", "bgcolor", "border"}
ATTRIBUTES = {tag: found | EVERYWHERE | {"cellpadding", "cellspacing"} for tag, found in nh3.ALLOWED_ATTRIBUTES.items()}
ATTRIBUTES["*"] = EVERYWHERE
ATTRIBUTES["img"] |= {"data-cid", "data-src", "loading"}
ATTRIBUTES["font"] = {"color", "face", "size"}
ATTRIBUTES["blockquote"] |= {"type"}
MOST_IN_PLACE = 6 * 1024 * 1024
"""Bytes of pictures in one answer."""
_PICTURE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_PARKED = re.compile(r' data-(cid|src)="([^"]*)"')


def safe(markup: str) -> str:
    """For storing. Nothing in it runs; a picture's own ``src`` stays only where it is written into the mail."""
    return nh3.clean(
        markup,
        tags=nh3.ALLOWED_TAGS | {"font", "section", "main"},
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto", "tel", "data"},
        filter_style_properties=STYLES,
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "style" and ("url(" in value.lower().replace(" ", "") or "\\" in value):
        return None
    if value.lower().lstrip().startswith("data:") and not (tag == "img" and value[5:].startswith("image/")):
        return None
    return value


# ── Showing ──────────────────────────────────────────────────────────────────────────────────


def shown(message: Message, *, remote: bool) -> str:
    """With the pictures that came along in their place, and those from elsewhere where ``remote`` says so."""
    files = _Pictures(message)

    def put(tag: re.Match[str]) -> str:
        parked = _PARKED.search(tag[0])
        if parked is None:
            return tag[0]
        address = unescape(parked[2])
        if parked[1] == "cid":
            found = files.get(address.strip("<>"))
        else:
            found = address if remote and address.lower().startswith("https://") else None
        return tag[0].replace(parked[0], f' src="{escape(found)}" referrerpolicy="no-referrer"', 1) if found else tag[0]

    return _PICTURE.sub(put, message.html or "")


class _Pictures:
    """What came with the mail, by content id, as data: the frame it stands in could fetch nothing from us."""

    def __init__(self, message: Message) -> None:
        self.rows = {row.content_id.strip("<>"): row for row in message.attachments.all() if row.content_id}
        self.left = MOST_IN_PLACE

    def get(self, content_id: str) -> str | None:
        """None for what is no picture, not there, or too much for one page; it is a file under the message anyway."""
        row = self.rows.get(content_id)
        if row is None or not row.file or row.state != Attachment.State.STORED or row.mime not in filetypes.INLINE:
            return None
        if not row.mime.startswith("image/") or row.file.size > self.left:
            return None
        self.left -= row.file.size
        with row.file.open("rb") as file:
            return f"data:{row.mime};base64,{b64encode(file.read()).decode()}"


def has_remote(markup: str | None) -> bool:
    """Whether there is anything that an agent could allow."""
    return bool(markup) and ' data-src="' in (markup or "")


def remembered(message: Message, author: Address) -> None:
    """A new mail whose sender's pictures an agent has allowed before; not of somebody who only says to be them."""
    said = message.extra.get("mail", {})
    if not message.extra.get("remote_pictures") or said.get("dmarc") == "fail":
        return
    if PicturesAllowed.objects.filter(address=author).exists():
        message.extra = {**message.extra, "pictures": "sender"}
        Message.objects.filter(pk=message.pk).update(extra=message.extra)
