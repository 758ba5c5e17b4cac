"""What templates need beyond Django: icons, safe links in customers' texts, initials."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlsplit
from zipfile import ZipFile

from django import template
from django.conf import settings
from django.utils.html import escape, format_html, json_script
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from agents import pictures
from agents.models import Agent
from channels_app import filetypes, registry
from channels_app.contract import Words
from channels_app.models import Address, Channel
from tickets import hits, media, shapes, wording
from tickets.models import Attachment

register = template.Library()

# All that the templates and scripts name; the adapters' own are added.
ICONS = (
    "alarm-clock", "arrow-down", "arrow-left", "ban", "bell", "bell-off", "building-2", "calendar-days", "check",
    "check-check", "chevron-down", "chevron-left", "chevron-right", "circle-alert", "circle-check", "circle-dashed",
    "clock", "contact", "copy", "download", "ellipsis", "external-link", "eye", "file", "file-x", "flag",
    "flask-conical", "forward", "gauge", "globe", "hand", "image", "inbox", "key-round", "keyboard", "languages",
    "layout-template", "loader", "lock", "log-out", "mail", "mail-warning", "map-pin", "megaphone", "menu",
    "messages-square", "mic", "monitor-smartphone", "mouse-pointer-click", "music", "paperclip", "pause", "pencil",
    "phone", "play", "plug", "plus", "power", "reply", "rotate-ccw", "search", "send-horizontal", "settings",
    "shopping-bag", "smile-plus", "tag", "timer", "timer-off", "trash-2", "triangle-alert", "undo-2", "unplug",
    "upload", "user-round", "users", "volume-2", "wifi-off", "x",
)  # fmt: skip
LONGEST_SHOWN = 20_000
_URL = re.compile(r"https?://[^\s<>\"'“”]{1,2000}", re.IGNORECASE)
_TRAILING = ".,;:!?)]}…"
_THAI_VOWELS_BEFORE = "เแโใไ"


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """Decoration only: what it means must stand beside it in words."""
    return format_html('<svg class="i {}" aria-hidden="true"><use href="#i-{}"></use></svg>', extra, name)


@register.filter
def drawing(channel: Channel) -> str:
    """The adapter's icon; a channel outlives an adapter that is not installed any more."""
    try:
        return channel.adapter.icon
    except registry.UnknownKind:
        return "unplug"


@register.filter
def vouched(address: Address) -> bool:
    """False: they typed name, e-mail and phone themselves, and nobody has checked it."""
    return shapes.vouched(address)


@register.simple_tag
def icons() -> SafeString:
    """The drawings, once per page, for ``icon`` to point at."""
    return mark_safe(_sprite(tuple(registry.adapter(kind).icon for kind in registry.kinds())))  # noqa: S308 (our own)


@cache
def _sprite(more: tuple[str, ...]) -> str:
    # The package opens its archive for each drawing anew: with 80 of them a process's first page took over a second.
    with (files("lucide") / "lucide.zip").open("rb") as data, ZipFile(data) as drawings:
        symbols = "".join(_symbol(name, drawings) for name in dict.fromkeys((*ICONS, *more)))
    return f'<svg class="sprite" aria-hidden="true" width="0" height="0">{symbols}</svg>'


def _symbol(name: str, drawings: ZipFile) -> str:
    try:
        drawing = drawings.read(f"{name}.svg").decode()
    except KeyError:
        drawing = drawings.read("message-circle.svg").decode()
    inner = drawing.partition("<svg")[2].partition(">")[2].rpartition("</svg>")[0]
    return f'<symbol id="i-{name}" viewBox="0 0 24 24">{" ".join(inner.split())}</symbol>'


@register.simple_tag
@cache
def favicon() -> str:
    """In the page itself: one request less, and the scripts can put a dot on it."""
    drawing = (settings.BASE_DIR / "static" / "icons" / "pelanggan.svg").read_text()
    return f"data:image/svg+xml,{quote(drawing.strip())}"


@register.simple_tag
def words() -> SafeString:
    """The scripts' texts, as JSON that nothing runs."""
    return json_script({name: str(text) for name, text in wording.FOR_SCRIPTS.items()}, "words")


register.filter("moment", wording.moment)
register.filter("written", wording.written, expects_localtime=True)


@register.filter
def linked(text: str, found: hits.Hits | None = None) -> SafeString:
    """A customer's text: escaped, with links that tell the target nothing, and what was looked for marked."""
    parts: list[str] = []
    at = 0
    text = text[:LONGEST_SHOWN]
    for match in _URL.finditer(text):
        url = match[0].rstrip(_TRAILING)
        parts.append(hits.marked(text[at : match.start()], found))
        shown = hits.marked(url, found)
        parts.append(f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer nofollow">{shown}</a>')
        at = match.start() + len(url)
    parts.append(hits.marked(text[at:], found))
    return mark_safe("".join(parts))  # noqa: S308 (each part is escaped above)


@register.filter
def is_long(text: str) -> bool:
    return len(text) > LONGEST_SHOWN


@register.filter
def initials(name: str) -> str:
    """One or two letters; a Thai vowel that is written first is not where the name begins."""
    parts = ["".join(c for c in word if c.isalnum()).lstrip(_THAI_VOWELS_BEFORE) for word in name[:200].split()]
    letters = [part[0] for part in parts if part]
    shown = letters[:1] if len(letters) == 1 else letters[:1] + letters[-1:]
    return "".join(c for c in shown if not unicodedata.combining(c)).upper() or "?"


@register.filter
def face(address: Address | None, name: str) -> str:
    """What stands in an avatar: the platform's picture of them where there is one, else their initials."""
    if address is None or not address.picture_url:
        return initials(name)
    return format_html(
        '<img src="{}" alt="" loading="lazy" decoding="async" width="38" height="38">', address.picture_url
    )


@register.filter
def portrait(agent: Agent) -> str:
    """The same of a colleague."""
    address = pictures.address_of(str(agent.picture.name or ""))
    if not address:
        return initials(agent.name)
    return format_html('<img src="{}" alt="" loading="lazy" decoding="async" width="38" height="38">', address)


@register.filter
def hue(value: Any) -> int:
    """One of eight colours, always the same for the same person."""
    return sum(str(value).encode()) % 8


@register.filter
def iso(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


@register.filter
def said(text: str) -> str:
    """A reason that was stored in English, in the reader's language."""
    return gettext(text) if text else ""


@register.filter
def shown_as(row: Attachment) -> str:
    """How an attachment stands in its place: image, video, audio, or a file to download."""
    if row.kind in media.NO_FILE:
        return row.kind
    if row.kind in media.CARDS:
        return "shared"
    return stored_as(row)


def stored_as(row: Attachment) -> str:
    if row.state != Attachment.State.STORED or not row.file:
        return "absent"
    return row.mime.partition("/")[0] if row.mime in filetypes.INLINE else "file"


@register.filter
def pictured(row: Attachment) -> str:
    """What a card has to show: image, video, or "" for nothing but words."""
    found = stored_as(row)
    return found if found in ("image", "video") else ""


CARD_NAMES = {
    "share": _("Shared"),
    "story": _("Story"),
    "product": _("Product"),
    "template": _("Message with buttons"),
}
CARD_ICONS = {"share": "forward", "story": "circle-dashed", "product": "shopping-bag", "template": "layout-template"}


@register.filter
def opens(row: Attachment) -> str:
    return media.link_of(row)


@register.filter
def host(link: str) -> str:
    """Where a link leads, for whoever is about to follow it."""
    try:
        return urlsplit(link).hostname or link[:80]
    except ValueError:
        return link[:80]


@register.filter
def card_name(row: Attachment) -> Words:
    return CARD_NAMES.get(row.kind, "")


@register.filter
def card_icon(row: Attachment) -> str:
    return CARD_ICONS.get(row.kind, "file")


@register.filter
def href(row: Attachment) -> str:
    return media.path_of(row)


@register.filter
def thumb(row: Attachment) -> str:
    """Of a picture: the small one where there is one. The link behind it is ``href``."""
    return media.thumb_path_of(row)
