"""Tickets through the API: lists, one of them, and the verbs as resources."""

from __future__ import annotations

from typing import Any

import pytest

from tickets.models import Activity, Ticket


def test_list(api: Any, bea: Any, carl: Any, ticket: Ticket) -> None:
    page = api(bea).get("/tickets/")
    assert [row["number"] for row in page["results"]] == [ticket.pk]
    assert page["next"] is None
    assert page["previous"] is None
    assert api(carl).get("/tickets/")["results"] == []


def test_one(api: Any, bea: Any, carl: Any, ticket: Ticket) -> None:
    assert api(bea).get(f"/tickets/{ticket.pk}/")["number"] == ticket.pk
    assert api(carl)("GET", f"/tickets/{ticket.pk}/").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/tickets/", "/activity/", "/customers/", "/channels/", "/agents/", "/teams/", "/tags/", "/me/", "/tokens/"],
)
def test_all_answer(api: Any, bea: Any, ticket: Ticket, path: str) -> None:
    api(bea).get(path)
    assert Activity.objects.count() == 2
