"""What a search has found, marked where it stands: the page's own ``q`` says what was looked for."""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.utils.safestring import SafeString

from tickets import hits, people
from tickets.models import Ticket
from tickets.templatetags.desk import linked

register = template.Library()
register.filter("phone", people.phone)
register.filter("as_json", json.dumps)


def _hits(context: Any) -> hits.Hits | None:
    request = context.get("request")
    q = request.GET.get("q", "") if request is not None else ""
    return hits.pattern(q) if q else None


@register.simple_tag(takes_context=True)
def found(context: Any, text: str) -> SafeString:
    return hits.marked(text, _hits(context))


@register.simple_tag(takes_context=True)
def found_linked(context: Any, text: str) -> SafeString:
    return linked(text, _hits(context))


@register.simple_tag(takes_context=True)
def words_of(context: Any, row: Ticket) -> SafeString:
    """What a row of a search says: the words around the hit; else the subject or address meant; else nothing."""
    pattern = _hits(context)
    address = row.address
    meant = (getattr(row, "excerpt", None) or "", row.subject, address.external_id, address.email, address.phone)
    for text in meant:
        words = hits.around(text, pattern)
        if words:
            return hits.marked(words, pattern)
    return SafeString("")
