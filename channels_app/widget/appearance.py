"""How the chat looks and what it says: all that a browser needs in one answer, in the visitor's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings as django_settings
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from channels_app.models import Channel
from channels_app.widget import fields, opening, wording
from channels_app.widget.visitors import LONGEST, MAX_FILES

LIGHT, DARK = "#ffffff", "#000000"
READABLE = 4.5
TYPES = {"name": "text", "email": "email", "phone": "tel"}


def of(channel: Channel, now: datetime | None = None) -> dict[str, Any]:
    """Of a channel, at this moment, in the language that is active.

    {"language", "colour", "on_colour", "position", "theme", "title", "greeting", "expected", "prechat": [{"name",
    "label", "type", "required"}], "describe": the same shape, asked while closed, "hours": {"open", "opens_at"},
    "out_of_hours", "sound", "limits", "texts": wording.CHAT}. Nothing in it is secret.
    """
    found = shown(channel.public_settings, channel.name)
    if not _own(channel.public_settings, "out_of_hours"):
        found["out_of_hours"] = opening.words(channel, found["language"]) or found["out_of_hours"]
    return {**found, "hours": opening.hours(channel, now or timezone.now())}


def shown(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The same without the hours, of settings that need not be saved yet. Pure; what is not valid is the default."""
    return {
        **looks(settings),
        "language": get_language() or "en",
        "sound": _one_of(settings, "sound") == "on",
        "title": _text(settings, "title") or name,
        "greeting": _own(settings, "greeting") or _("Hello! How can we help you?"),
        "expected": _expected(_one_of(settings, "expected")),
        "out_of_hours": _own(settings, "out_of_hours")
        or _("We are closed now. Leave us a message and your e-mail address, and we will answer you."),
        "prechat": _asked(settings),
        "describe": [{"name": "email", "label": _("E-mail"), "type": "email", "required": False}],
        "hours": {"open": True, "opens_at": None},
        "limits": {"text": LONGEST, "files": MAX_FILES, "file": django_settings.MAX_ATTACHMENT_BYTES},
        "texts": wording.texts(get_language() or "en"),
    }


def looks(settings: Mapping[str, Any]) -> dict[str, str]:
    """All that the button shows: every page of every website asks for that much."""
    colour = _colour(settings)
    return {
        "colour": colour,
        "on_colour": on(colour),
        "position": _one_of(settings, "position"),
        "theme": _one_of(settings, "theme"),
    }


# ── Settings as they may be ──────────────────────────────────────────────────────────────────

_FIELDS = {field.name: field for field in fields.ALL}


def _text(settings: Mapping[str, Any], name: str) -> str:
    value = settings.get(name)
    return value.strip() if isinstance(value, str) else ""


def _own(settings: Mapping[str, Any], name: str) -> str:
    """Their own words in the visitor's language; in another they would not be understood."""
    return _text(settings, f"{name}_{get_language() or 'en'}")


def _one_of(settings: Mapping[str, Any], name: str) -> str:
    field = _FIELDS[name]
    given = _text(settings, name)
    return given if given in {choice for choice, _words in field.choices} else field.default


def _asked(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    labels = {"name": _("Name"), "email": _("E-mail"), "phone": _("Phone")}
    found = []
    for name in fields.ASKED:
        how = _one_of(settings, f"prechat_{name}")
        if how != "off":
            found.append(
                {"name": name, "label": labels[name], "type": TYPES[name], "required": how == "required"},
            )
    return found


def _expected(choice: str) -> str:
    return {
        "minutes": _("We usually answer within a few minutes."),
        "hour": _("We usually answer within an hour."),
        "hours": _("We usually answer within a few hours."),
        "day": _("We usually answer within a day."),
    }.get(choice, "")


# ── Colours ──────────────────────────────────────────────────────────────────────────────────


def _colour(settings: Mapping[str, Any]) -> str:
    given = _text(settings, "colour").lower()
    return given if _channels(given) is not None else fields.DEFAULT_COLOUR


def on(colour: str) -> str:
    """White or black, whichever can be read on it: one of the two always has 4.5:1 (WCAG 2.2, 1.4.3)."""
    return LIGHT if contrast(colour, LIGHT) >= READABLE else DARK


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _channels(colour: str) -> tuple[int, int, int] | None:
    if len(colour) != 7 or colour[0] != "#" or not all(letter in "0123456789abcdef" for letter in colour[1:]):
        return None
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    def linear(value: int) -> float:
        part = value / 255
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(value) for value in _channels(colour) or (0, 0, 0))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
