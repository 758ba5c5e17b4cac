"""What a client sends: read strictly, in words that say which field is wrong. NUL and lone surrogates become U+FFFD."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import IO, Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime
from rest_framework import serializers
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from channels_app.contract import BadBody, clean_text, read_json
from tickets.api.problems import Problem

LARGEST = 2**63 - 1
"""What a database id can be."""


class StrictJson(BaseParser):
    """UTF-8, not too deep, no monster numbers, no NaN; an object, as all that this API takes."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        body = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        if len(body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise Problem(413, "The body is too large.")
        if not body.strip():
            return {}
        try:
            value = read_json(body)
        except BadBody as error:
            raise ParseError(str(error)) from error
        if not isinstance(value, dict):
            raise ParseError("The body is not a JSON object.")
        return value


class Strict(serializers.Serializer[Any]):
    """Says so when a field is unknown, instead of letting a slip of the pen pass."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = {clean_text(str(name)): ["There is no such field."] for name in data if name not in self.fields}
            if unknown:
                raise ValidationError(unknown)
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """A string and nothing that could be turned into one; kept as it is."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("trim_whitespace", False)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = clean_text(data)
        return text.strip() if self.trim_whitespace else text


class Line(Text):
    """One line of text: a name, a subject."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=True, **options)

    def to_internal_value(self, data: Any) -> str:
        return " ".join(super().to_internal_value(data).split())


class Id(serializers.IntegerField):
    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=LARGEST, **options)


class Choice(serializers.ChoiceField):
    """Names the choices instead of repeating what came."""

    def __init__(self, choices: Sequence[Any], **options: Any) -> None:
        super().__init__(choices=choices, **options)
        self.error_messages["invalid_choice"] = f"This is not one of: {', '.join(map(str, self.choices))}."


class Yes(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input="This")
        return data


class Moment(serializers.DateTimeField):
    """ISO 8601 with its zone; a time without one would mean something else to everybody."""

    def to_internal_value(self, value: Any) -> datetime:
        try:
            moment = parse_datetime(value) if isinstance(value, str) and len(value) < 60 else None
            if moment is None or moment.tzinfo is None:
                raise ValueError
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError(
                "This must be an ISO 8601 time with its zone, like 2026-01-31T09:00:00+07:00."
            ) from None


class Plain(serializers.DictField):
    """A JSON object that any database can keep."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        return storable(super().to_internal_value(data))  # type: ignore[no-any-return]


def storable(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(name)): storable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValidationError("A number here is too large.")
    return value


# ── What stands in the address ───────────────────────────────────────────────────────────────


def wrong(name: str, words: str) -> ValidationError:
    return ValidationError({name: [words]})


def given(request: Request | HttpRequest, name: str) -> str:
    return clean_text(request.GET.get(name, "")).strip()


def number(request: Request, name: str) -> int | None:
    """An id; None if it is not asked for."""
    text = given(request, name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= LARGEST):
        raise wrong(name, "This is not an id.")
    return int(text)


def choice(request: Request, name: str, choices: Iterable[str]) -> str:
    text = given(request, name)
    if text and text not in choices:
        raise wrong(name, f"This is not one of: {', '.join(choices)}.")
    return text


def words(request: Request, name: str, longest: int = 500) -> str:
    text = given(request, name)
    if len(text) > longest:
        raise wrong(name, f"This is longer than {longest} characters.")
    return text


def position(request: Request, name: str) -> int:
    """A number of the log: absent and negative are 0, beyond everything is the end."""
    text = given(request, name) or "0"
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise wrong(name, "This is not a number.")
    if text.startswith("-"):
        return 0
    return min(int(digits), LARGEST) if len(digits) < 20 else LARGEST
