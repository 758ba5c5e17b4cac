"""A mail's HTML as it is stored and as it is shown: safe twice, and loading nothing that nobody asked for.

The adapter makes it safe by what it knows of mail; here it goes through a second lock, whichever channel it came
by. Pictures stand without ``src``: ``data-cid`` names a file that came with the message, ``data-src`` an address
elsewhere, which tells its owner who looks, when and from where, and so is loaded only once an agent allows it.
"""

from __future__ import annotations

import re
from html import unescape

import nh3
from django.utils.html import escape

from tickets import media
from tickets.models import Message

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
    files = {row.content_id.strip("<>"): media.path_of(row) for row in message.attachments.all() if _is_there(row)}

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


def _is_there(row: object) -> bool:
    return bool(getattr(row, "content_id", "") and getattr(row, "file", None))


def has_remote(markup: str | None) -> bool:
    """Whether there is anything that an agent could allow."""
    return bool(markup) and ' data-src="' in (markup or "")


def in_place(markup: str | None) -> set[str]:
    """Content ids of pictures that stand in the mail itself, and so are not listed under it once more."""
    return {unescape(found[1]).strip("<>") for found in re.finditer(r' data-cid="([^"]*)"', markup or "")}
