"""What messages and the composer need in their templates: what a channel takes, in words; reactions; referrals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.translation import gettext as _

from channels_app import filetypes
from channels_app.contract import Abilities
from tickets import choices
from tickets.models import Attachment, Message
from tickets.templatetags.desk import shown_as

register = template.Library()

SHOWN = " ".join(sorted(filetypes.INLINE))
KINDS = ("image", "video", "audio")
MEGABYTE = 1024 * 1024


@register.simple_tag
def shown_types() -> str:
    """The types that are a picture, a film or a sound here; all others are files."""
    return SHOWN


@register.filter
def takes(able: Abilities) -> str:
    """Which files the channel carries, where it does not carry all: to be said before one is sent in vain."""
    kinds = able.attachment_kinds
    if not kinds:
        return _("This channel takes no files.")
    if "file" in kinds:
        return ""
    words = {"image": _("pictures"), "video": _("videos"), "audio": _("sound")}
    return _("This channel takes only %(kinds)s.") % {
        "kinds": ", ".join(words[name] for name in KINDS if name in kinds)
    }


@register.filter
def accepted(able: Abilities) -> str:
    """The picker's ``accept``; "" for everything."""
    if "file" in able.attachment_kinds:
        return ""
    return ",".join(sorted(mime for mime in filetypes.INLINE if mime.partition("/")[0] in able.attachment_kinds))


@register.filter
def by_emoji(reactions: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str], bool]]:
    """(emoji, who, whether one of us), in the order in which the emojis came."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in reactions:
        found.setdefault(str(one["emoji"]), []).append(one["author"])
    return [
        (emoji, [str(who.get("name") or who.get("address") or "") for who in all_], _ours(all_))
        for emoji, all_ in found.items()
    ]


def _ours(authors: Sequence[Mapping[str, Any]]) -> bool:
    return any(one.get("type") == "agent" for one in authors)


@register.filter
def web_address(value: Any) -> str:
    """A link that may be offered; "" for what is none."""
    text = str(value or "")
    return text if text.lower().startswith(("https://", "http://")) and len(text) < 4000 else ""


_TITLES = ("headline", "title", "ad_title", "name", "body", "text", "ref")
_LINKS = ("source_url", "url", "link")


@register.filter
def referral(message: Message) -> dict[str, str] | None:
    """Where the customer came from (an ad, a shop page, a link with a word of ours), as far as the platform says."""
    given = message.extra.get("referral")
    if not isinstance(given, Mapping):
        return None
    inside = given.get("ads_context_data")
    given = {**given, **inside} if isinstance(inside, Mapping) else given

    def first(names: Sequence[str]) -> str:
        return next((str(given[name]) for name in names if given.get(name)), "")

    kind = first(("source_type", "source", "type")).lower()
    return {"kind": "ad" if "ad" in kind else kind, "title": first(_TITLES), "url": web_address(first(_LINKS))}


@register.filter
def quotes_openly(message: Message) -> bool:
    """Whether whoever sees this message may see the one that it answers, too: that may stand on an older ticket, which
    another team has."""
    quoted = message.reply_to
    return quoted is not None and quoted.team_id in (None, message.team_id)


@register.filter
def clock(seconds: Any) -> str:
    """A length as 1:05; "" where it is not known."""
    try:
        whole = round(float(seconds))
    except (TypeError, ValueError, OverflowError):
        return ""
    return f"{whole // 60}:{whole % 60:02d}" if 0 < whole < 360_000 else ""


@register.filter
def offered(message: Message) -> Sequence[Mapping[str, Any]]:
    """What the customer may press under it."""
    return choices.as_json(message)


@register.filter
def album(message: Message) -> str:
    """What pictures that were sent together have in common; "" for one alone."""
    key = message.extra.get("group_key", "")
    pictures = [row for row in message.attachments.all() if _is_picture(row)]
    return f"{message.direction}-{message.address_id or ''}-{key}" if key and pictures else ""


def _is_picture(row: Attachment) -> bool:
    return row.kind in ("image", "video")


@register.filter
def frame(message: Message) -> str:
    """The look of a bubble that holds nothing but files: those bring a frame of their own."""
    files = list(message.attachments.all())
    more = (message.text, message.postback, message.reply_to_id, message.about, message.unsupported)
    if (
        not files
        or getattr(message, "has_html", False)
        or any(more)
        or any(row.caption for row in files)
        or message.extra.get("forwarded")
    ):
        return ""
    looks = {shown_as(row) for row in files}
    if looks <= {"image", "video"}:
        return "as-sticker" if {row.kind for row in files} == {"sticker"} else "as-media"
    if len(files) > 1:
        return ""
    return "as-sound" if looks == {"audio"} else "as-chip"
