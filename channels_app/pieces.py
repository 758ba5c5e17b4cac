"""A setting that a form asks for in pieces (``Field.parts``): to the pieces, and back to the one text that is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from channels_app import checks
from channels_app.contract import Field, SettingsInvalid

Pieces = tuple[Field, ...]


def name(field: Field, piece: Field) -> str:
    return f"{field.name}-{piece.name}"


def of(field: Field) -> Pieces:
    """As fields of their own, under names of their own; of a setting in one piece this itself."""
    if field.parts is None:
        return (field,)
    return tuple(replace(piece, name=name(field, piece), group=field.group) for piece in field.parts.fields)


def kept(fields: Iterable[Field], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, and the pieces of those that have some."""
    found = dict(settings)
    for field in fields:
        if field.parts is not None:
            split = field.parts.split(str(settings.get(field.name) or ""))
            found.update({name(field, piece): split.get(piece.name, "") for piece in field.parts.fields})
    return found


def joined(field: Field, typed: Mapping[str, str], old: str, removed: frozenset[str] = frozenset()) -> str | None:
    """The text to keep; None: nothing is said about it, and what is kept stays.

    typed: piece → text. A secret piece that was left empty keeps its value as long as it goes to the same place, or
    until it is ``removed``. Raises SettingsInvalid with the names of pieces.
    """
    assert field.parts is not None
    before = field.parts.split(old) if old else {}
    secrets = [piece.name for piece in field.parts.fields if piece.secret]
    now = {piece.name: (typed.get(piece.name) or "").strip() for piece in field.parts.fields}
    now.update({one: typed.get(one) or "" for one in secrets})
    same = all(now[one] == before.get(one, "") for one in now if one not in secrets)
    if old and same and not removed and not any(now[one] for one in secrets):
        return None if any(before.get(one) for one in secrets) else old
    text = field.parts.join(now)
    waiting = [one for one in secrets if not now[one] and before.get(one) and one not in removed]
    if not waiting or not text:
        return text
    if checks.destination(text) != checks.destination(field.parts.join(before)):
        again = _("Type this secret again, because the address it is sent to has changed.")
        raise SettingsInvalid(dict.fromkeys(waiting, again))
    return field.parts.join({**now, **{one: before[one] for one in waiting}})
