"""What a rule asks of attributes: plan = gold, orders > 10, or a name alone; several with && between. Pure.

All in small letters, values as text. Two numbers are compared as numbers, everything else as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from operator import eq, ge, gt, le, lt

TOGETHER = "&&"
_SIGN = re.compile("<=|>=|=|<|>")
# No text is a number by chance: “nan”, “1_000”, “1e9” are none.
_NUMBER = re.compile(r"[-+]?[0-9]{1,30}(\.[0-9]{1,30})?", re.ASCII)
_ORDERS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}


def spelled(text: str) -> str | None:
    """The same in one spelling; None: it cannot be meant."""
    read = _read(text)
    return None if read is None else f" {TOGETHER} ".join(map(str, read))


def holds(text: str, known: Mapping[str, str]) -> bool:
    """All parts of it."""
    read = _read(text)
    return read is not None and all(one.holds(known) for one in read)


@dataclass(frozen=True, slots=True)
class _Compared:
    name: str
    sign: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.name} {self.sign} {self.wanted}".strip()

    def holds(self, known: Mapping[str, str]) -> bool:
        has = known.get(self.name)
        if has is None or not self.sign:
            return has is not None
        one, other = _amount(has), _amount(self.wanted)
        if one is not None and other is not None:
            return _ORDERS[self.sign](one, other)
        return self.sign == "=" and has == self.wanted


@lru_cache(maxsize=1000)
def _read(text: str) -> tuple[_Compared, ...] | None:
    found = tuple(map(_part, text.split(TOGETHER)))
    return tuple(one for one in found if one is not None) if None not in found else None


def _part(text: str) -> _Compared | None:
    sign = _SIGN.search(text)
    if sign is None:
        return _Compared(text.strip(), "", "") if text.strip() else None
    name, wanted = text[: sign.start()].strip(), text[sign.end() :].strip()
    if not name or not wanted or (sign[0] != "=" and _amount(wanted) is None):
        return None
    return _Compared(name, sign[0], wanted)


def _amount(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None
