"""Small pieces that several adapters share: strict JSON, clean text, natural seams."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from channels_app.contract.down import Abilities, OutboundMessage
from channels_app.contract.failures import BadBody, NoSeam

MAX_JSON_DEPTH = 64
LONGEST_NUMBER = 1000
"""Digits of an integer; a thousand and more are an attack, not an id."""


def read_json(body: bytes) -> Any:
    """Strict JSON: UTF-8, at most 64 levels deep, no monster integers, no NaN. BadBody otherwise."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadBody("the body is not UTF-8") from error
    if _depth(text) > MAX_JSON_DEPTH:
        raise BadBody(f"the JSON is nested over {MAX_JSON_DEPTH} levels")
    try:
        # The hook costs every number a call, so it is used only where there is a long one to refuse.
        as_int = _long_number if _MANY_DIGITS.search(text) else None
        return json.loads(text, parse_constant=_no_constant, parse_int=as_int)
    except (ValueError, RecursionError) as error:
        raise BadBody(f"the body is not JSON: {str(error)[:200]}") from error


def read_json_object(body: bytes) -> dict[str, Any]:
    value = read_json(body)
    if not isinstance(value, dict):
        raise BadBody("the JSON is not an object")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _long_number(digits: str) -> Any:
    if len(digits) >= LONGEST_NUMBER:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


# A string is swallowed whole; possessive (++), so that a missing quote cannot make it slow.
_JSON_TOKENS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|([\[{])|[\]}]', re.DOTALL)
# Begins only where a run of digits does: tried at each digit of a long one, it would take a thousand times as long.
_MANY_DIGITS = re.compile(rf"\d(?<!\d\d)\d{{{LONGEST_NUMBER - 2}}}")


def _depth(text: str) -> int:
    """Deepest nesting, counted before parsing: the parser itself would recurse."""
    if text.count("[") + text.count("{") <= MAX_JSON_DEPTH:
        return 0
    depth = deepest = 0
    for token in _JSON_TOKENS.finditer(text):
        if token[1]:
            depth += 1
            deepest = max(deepest, depth)
        elif token[0] in "]}":
            depth -= 1
    return deepest


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean_text(text: str) -> str:
    """NUL and lone surrogates become U+FFFD; nothing else in a customer's text is changed or cut."""
    return text if text.isascii() and "\x00" not in text else _UNSTORABLE.sub("\ufffd", text)


def fit_id(external_id: str, limit: int = 255) -> str:
    """An id in the length of its column: a longer one keeps its start and gets a digest."""
    external_id = clean_text(external_id)
    if len(external_id) <= limit:
        return external_id
    digest = hashlib.sha256(external_id.encode()).hexdigest()
    return external_id[: limit - 65] + "#" + digest


# No platform's id has it; what people see and look for is the id behind it.
SCOPE = "\x1f"


def scoped_id(scope: str, external_id: str) -> str:
    """The id of a message that its platform numbers per conversation, made one of a kind in its channel."""
    return f"{scope}{SCOPE}{external_id}"


def platform_id(external_id: str) -> str:
    """The id as the platform itself writes it, without the scope that keeps it one of a kind."""
    return external_id.rpartition(SCOPE)[2]


# Where writing without spaces may be cut and no syllable is: before a Thai or Lao vowel that is written first, and
# before an ideograph or a kana that follows another.
_UNSPACED = re.compile(
    "(?=[\u0e40-\u0e44\u0ec0-\u0ec4])|(?<=[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])(?=[\u3041-\u30fa\u3400-\u9fff\uf900-\ufaff])"
)


def split_text(text: str, abilities: Abilities) -> list[str]:
    """Cut where it is natural: paragraph, line, sentence, word.

    Joined by what was at the seams the parts are the text again; no part is over the limit and a
    NoSeam is raised where only a cut inside a word would do.
    """
    limit = abilities.max_length
    if limit is None or abilities.length(text) <= limit:
        return [text]
    parts: list[str] = []
    rest = text
    while abilities.length(rest) > limit:
        cut = _cut(rest, _fitting(rest, limit, abilities))
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    if rest:
        parts.append(rest)
    return [part for part in parts if part]


def _fitting(text: str, limit: int, abilities: Abilities) -> int:
    """How many characters from the start fit (binary search: bytes and UTF-16 count differently)."""
    low, high = 1, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        if abilities.length(text[:middle]) <= limit:
            low = middle
        else:
            high = middle - 1
    return low


def _cut(text: str, fits: int) -> int:
    """Where to cut: after the last seam of the best kind that is not too near the start."""
    for seam in ("\n\n", "\n", ". ", "! ", "? ", "。", " "):
        at = text.rfind(seam, 1, fits + 1)
        if at >= fits // 2:
            return min(at + len(seam.rstrip()), fits)
    at = max(text.rfind(seam, 1, fits + 1) for seam in ("\n", " "))
    if at >= 1:
        return at
    unspaced = [found.start() for found in _UNSPACED.finditer(text, 1, fits + 1) if found.start() <= fits]
    if not unspaced:
        raise NoSeam(fits)
    return unspaced[-1]


def with_texts(message: OutboundMessage, texts: Sequence[str]) -> list[OutboundMessage]:
    """The attachments travel with the first part, what can be pressed stands under the last."""
    last = len(texts) - 1
    return [
        replace(
            message, text=text, attachments=message.attachments if place == 0 else (),
            quick_replies=message.quick_replies if place == last else (),
        )
        for place, text in enumerate(texts)
    ]  # fmt: skip
