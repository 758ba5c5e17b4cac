"""What was typed into the search: as what it may stand in a text, and as what in an address."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from django.db import connection

from channels_app.contract import clean_text

LONGEST = 200


@dataclass(frozen=True, slots=True)
class Term:
    literal: str
    typed: tuple[str, ...] = ()
    """As which it may stand in a text."""
    addresses: tuple[str, ...] = ()
    """As which it may stand in an address."""

    @classmethod
    def of(cls, q: str) -> Term:
        literal = clean_text(q).strip()[:LONGEST].strip()
        number = phone_number(literal)
        return cls(
            literal,
            _shortest([literal, *written(number)]),
            _shortest([literal, number or literal]),
        )

    @property
    def pattern(self) -> str:
        """All of `typed` in one, for PostgreSQL's index, which then is read once instead of three times."""
        whole = next((form for form in self.typed if len(self.typed) == 3 and form.isdigit()), "")
        return f"{whole[:3]}[- ]?{whole[3:]}" if whole else ""

    @property
    def indexed(self) -> bool:
        return all(map(_has_trigrams, {*self.typed, *self.addresses}))


def phone_number(literal: str) -> str:
    """The digits by which a number is found as platforms give it (+6281…), however it was typed; "" for none."""
    if not re.fullmatch(r"\+?[0-9 ().\-/]{4,30}", literal):
        return ""
    digits = re.sub(r"[^0-9]", "", literal)
    if literal.startswith("+") or digits.startswith("00"):
        digits = digits.lstrip("0")
    elif digits.startswith("0"):
        # National: the country stands in place of the zero.
        digits = digits[1:]
    return digits if len(digits) >= 3 else ""


def written(number: str) -> list[str]:
    """How the end of these digits stands in a text: …4567890, …456-7890 or …456 7890."""
    return [f"{number[-7:-4]}{between}{number[-4:]}" for between in ("", "-", " ")] if len(number) >= 8 else []


def _shortest(words: list[str]) -> tuple[str, ...]:
    """Without those that hold another of them: they would find nothing more."""
    return tuple(word for word in dict.fromkeys(words) if not any(other in word and other != word for other in words))


def _has_trigrams(word: str) -> bool:
    if connection.vendor == "sqlite":
        return len(word) >= 3
    # PostgreSQL takes trigrams of letters, their marks and digits alone.
    kinds = "".join("x" if unicodedata.category(letter)[0] in "LMN" else " " for letter in word)
    return "xxx" in kinds
