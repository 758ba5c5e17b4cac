"""What a search has found, shown: the words around a hit, and the hit marked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.db.models import BigIntegerField, Case, OuterRef, Subquery, Value, When
from django.db.models.functions import Coalesce, Greatest, Lower, NullIf, StrIndex, Substr
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from tickets.models import Message, TicketQuerySet
from tickets.terms import Term, phone_number

BEFORE, WIDTH = 80, 400
SHOWN, LEAD = 160, 24
MARKS = 200
THAI_BEHIND = "ะาำๅ"
Hits = re.Pattern[str]


@lru_cache(maxsize=64)
def pattern(q: str) -> Hits | None:
    """What to mark for a search; None for none. A phone number is marked whole, however it is written."""
    literal = Term.of(q).literal
    if not literal:
        return None
    forms = [re.escape(literal)]
    number = phone_number(literal)
    if len(number) >= 8:
        # As in terms.written: the end of the number decides; before it stand country or zero, and separators.
        forms.insert(0, r"\+?(?:[0-9][ ().\-]{0,2}){0,9}" + r"[ ().\-]{0,2}".join(number[-7:]))
    return re.compile("|".join(forms), re.IGNORECASE)


def marked(text: str, hits: Hits | None) -> SafeString:
    """Escaped, each hit in <mark>."""
    if hits is None:
        return SafeString(escape(text))
    parts: list[str] = []
    at = 0
    for count, match in enumerate(hits.finditer(text)):
        if count == MARKS or not match[0]:
            break
        parts += [escape(text[at : match.start()]), "<mark>", escape(match[0]), "</mark>"]
        at = match.end()
    parts.append(escape(text[at:]))
    return mark_safe("".join(parts))  # noqa: S308 (each part is escaped above)


def around(text: str, hits: Hits | None) -> str:
    """A line's worth of words with the first hit near its beginning; "" without a hit."""
    text = " ".join(text.split())
    match = hits.search(text) if hits else None
    if match is None:
        return ""
    start = _beginning(text, match.start())
    end = start + max(SHOWN, match.end() - start)
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


def _beginning(text: str, hit: int) -> int:
    """Of the words shown before a hit. A few more letters than LEAD are no reason to cut."""
    if hit <= LEAD + LEAD // 2:
        return 0
    start = hit - LEAD
    # From a word's beginning where there are spaces; Thai has none, and there no sign stands without its letter.
    gap = text.find(" ", start, hit)
    if gap >= 0:
        return gap + 1
    while start < hit and (unicodedata.category(text[start]).startswith("M") or text[start] in THAI_BEHIND):
        start += 1
    return start


def with_excerpts(rows: TicketQuerySet, q: str, keys: dict[int, int]) -> TicketQuerySet:
    """Rows with ``hit``, the message by which each was found, and ``excerpt``, what it says around the hit.

    Only a stretch leaves the database: a text may be a megabyte.
    """
    whens = [When(pk=number, then=Value(key)) for number, key in keys.items()]
    rows = rows.annotate(hit=Case(*whens, default=Value(0), output_field=BigIntegerField()))
    places: list[Any] = [NullIf(StrIndex(Lower("text"), Lower(Value(form))), 0) for form in Term.of(q).typed]
    text = Message.objects.filter(pk=OuterRef("hit"), ticket=OuterRef("pk")).values_list(
        Substr("text", Greatest(Coalesce(*places, Value(1)) - BEFORE, Value(1)), WIDTH)
    )
    return rows.annotate(excerpt=Subquery(text[:1]))


def only_hits(rows: Iterable[Any], q: str) -> None:
    """What was found by its subject or customer has the newest message for a key, which may say something else."""
    wanted = pattern(q)
    for row in rows:
        if wanted is None or not wanted.search(row.excerpt or ""):
            row.hit = None
