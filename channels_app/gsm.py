"""How many SMS a text is: GSM 03.38 counts septets, and one letter outside it turns the whole text to UCS-2.

Thai and emoji cost twice as many messages as Latin letters; the agent sees that while typing.
"""

from __future__ import annotations

from dataclasses import dataclass

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")
# (one message, each of several): the header that joins several takes seven septets or three letters.
ROOM = {"GSM-7": (160, 153), "UCS-2": (70, 67)}


@dataclass(frozen=True, slots=True)
class Segments:
    encoding: str
    count: int
    remaining: int
    """What still fits into the last one."""


def segments(text: str) -> Segments:
    encoding = "GSM-7" if BASIC.union(EXTENDED).issuperset(text) else "UCS-2"
    alone, joined = ROOM[encoding]
    wide = EXTENDED if encoding == "GSM-7" else None
    costs = [2 if (c in wide if wide else ord(c) > 0xFFFF) else 1 for c in text]
    total = sum(costs)
    if total <= alone:
        return Segments(encoding, 1 if total else 0, alone - total)
    return Segments(encoding, *_filled(costs, joined))


def _filled(costs: list[int], room: int) -> tuple[int, int]:
    """A character of two units never straddles two messages."""
    count, left = 1, room
    for cost in costs:
        if cost > left:
            count, left = count + 1, room
        left -= cost
    return count, left
