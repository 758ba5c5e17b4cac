"""What these pages share: who asks, one row or 404, and a list a page at a time."""

from __future__ import annotations

from typing import TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, QueryDict

from agents.models import Agent
from agents.settings_pages import ADMIN, LEAD, open_to

M = TypeVar("M", bound=Model)
AT_A_TIME = 50
LONGEST_SEARCH = 200

administrators = open_to(ADMIN)
leaders = open_to(ADMIN, LEAD)


def me(request: HttpRequest) -> Agent:
    assert isinstance(request.user, Agent)
    return request.user


def sent(request: HttpRequest) -> QueryDict | None:
    """What was sent, be it nothing at all; None: the page is only looked at."""
    return request.POST if request.method == "POST" else None


def one(rows: QuerySet[M], pk: int) -> M:
    """What one may not see is not there."""
    found = rows.filter(pk=pk).first() if pk < 2**63 else None
    if found is None:
        raise Http404
    return found


def page(request: HttpRequest, rows: QuerySet[M]) -> Page[M]:
    return Paginator(rows, AT_A_TIME).get_page(request.GET.get("page"))


def searched(request: HttpRequest) -> str:
    """What is looked for; no text of the database has a NUL, and none is that long."""
    return request.GET.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]


def number(text: str | None) -> int | None:
    """An id that a form sent."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
