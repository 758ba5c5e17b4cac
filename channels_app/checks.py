"""What an administrator types for a channel: completed, checked, and guarded when it would lead secrets away."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.utils.translation import gettext as _

from channels_app import registry, vault
from channels_app.contract import CheckLine, Field, SettingsInvalid, clean_text
from channels_app.models import Channel
from channels_app.outbound import SEALED_LAZY, http_for

log = structlog.get_logger(__name__)

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def complete(kind: str, given: Mapping[str, Any], old: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """All settings of a channel of that kind, from what was given and what there was.

    Secrets of our own making are generated when left out; a secret left out keeps its old value,
    unless an address to which credentials go was changed. Raises SettingsInvalid.
    """
    adapter = registry.adapter(kind)
    known = {field.name: field for field in adapter.fields}
    errors: dict[str, Any] = {name: _("There is no such setting.") for name in given if name not in known}
    values: dict[str, Any] = {}
    moved = old is not None and any(field.redirects and _moves(field, given, old) for field in adapter.fields)
    for field in adapter.fields:
        value = given.get(field.name)
        if value is None and old is not None:
            if field.secret and moved and old.get(field.name):
                errors[field.name] = _("Type this secret again, because the address it is sent to has changed.")
                continue
            value = old.get(field.name)
        if value in (None, "") and old is None:
            value = field.generate() if field.generate and value is None else (value or field.default)
        problem = _problem(field, value)
        if problem:
            errors[field.name] = problem
        values[field.name] = value
    if errors:
        raise SettingsInvalid(errors)
    adapter.check_settings(values)
    return {name: value for name, value in values.items() if value not in (None, "")}


def _moves(field: Field, given: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Whether credentials would go elsewhere than before."""
    if given.get(field.name) is None:
        return False
    now, before = str(given[field.name]), str(old.get(field.name) or "")
    # An address with its own user and password in it may get new ones, and one that is emptied gets nothing at all.
    return bool(now) and destination(now) != destination(before) if field.secret else now != before


def destination(url: str) -> tuple[str, str, int | None, str]:
    """Whom an address names, and how it is spoken to: what stands in it besides may change."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port, parts.query
    except ValueError:
        return url, "", None, ""


def _problem(field: Field, value: Any) -> str:
    if value in (None, ""):
        return _("This is needed.") if field.required else ""
    if not isinstance(value, str) and (field.is_url or field.secret or field.choices):
        return _("This must be a text.")
    if isinstance(value, str):
        if len(value) > field.longest:
            return _("This is too long.")
        if clean_text(value) != value:
            return _("This has characters that cannot be kept.")
        if field.choices and value not in [choice for choice, _words in field.choices]:
            return _("This is not one of the choices.")
        if field.is_url and not _is_url(value, field.schemes):
            if "https" in field.schemes:
                return _("This must be an address like https://shop.example/path.")
            return _("This must be an address like %(example)s.") % {
                "example": f"{field.schemes[0]}://mail.example.com"
            }
    return _misshapen(field, value)


def _misshapen(field: Field, value: Any) -> str:
    if field.shape == "colour" and not COLOUR.fullmatch(str(value)):
        return _("This must be a colour like #0b57d0.")
    if field.shape == "number":
        text = str(value)
        if not (text.isascii() and text.isdigit() and len(text) < 10 and field.least <= int(text) <= field.most):
            return _("This must be a whole number from %(least)d to %(most)d.") % {
                "least": field.least, "most": field.most,
            }  # fmt: skip
    if field.names_channel and not any(str(row.pk) == str(value) for row in choosable(field)):
        return _("This is not one of the choices.")
    return ""


def choosable(field: Field) -> list[Channel]:
    """The channels that a field with ``names_channel`` may name."""
    kinds = [kind for kind in registry.kinds() if getattr(registry.adapter(kind), field.names_channel, False)]
    return list(Channel.objects.filter(kind__in=kinds).order_by("name", "pk")[:200])


def _is_url(value: str, schemes: Sequence[str]) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def live(channel: Channel) -> Sequence[CheckLine]:
    """The adapter's own check against the real platform, in words."""
    account = channel.account()
    return channel.adapter.check(account, http_for(account, channel.adapter.fields))


def connect(channel: Channel) -> Sequence[CheckLine]:
    """Have the platform told where to post (Adapter.can_connect), in words."""
    account = channel.account()
    return channel.adapter.connect(account, http_for(account, channel.adapter.fields))


def first(kind: str, name: str, settings: dict[str, Any]) -> list[CheckLine]:
    """What ``live`` would say of settings that are not kept yet."""
    row = Channel(kind=kind, name=name)
    row.put_settings(settings)
    return told(row)


def told(channel: Channel, act: Callable[[Channel], Sequence[CheckLine]] | None = None) -> list[CheckLine]:
    """The lines of ``live`` or ``connect``, whatever goes wrong. Takes as long as the platform's time limits."""
    try:
        return list((act or live)(channel))
    except vault.Unreadable:
        return [CheckLine(ok=False, words=SEALED_LAZY)]
    except Exception as error:  # noqa: BLE001 (an adapter met a platform that answered anything at all)
        log.warning("a live check broke", channel=channel.pk, kind=channel.kind, error=type(error).__name__)
        return [CheckLine(ok=False, words=_("The check could not be made."))]
