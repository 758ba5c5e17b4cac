"""Times in words, as the reader writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.template import Context, Template
from django.utils import timezone, translation

from tickets import wording


@pytest.mark.parametrize(("language", "year"), [("en", "2026"), ("id", "2026"), ("ms", "2026"), ("th", "2569")])
def test_the_year_is_the_readers(language: str, year: str) -> None:
    with translation.override(language), timezone.override("Asia/Bangkok"):
        shown = wording.moment(datetime(2026, 12, 31, 10, 5, tzinfo=UTC))
    assert year in shown
    assert "17" in shown or "5:05" in shown


def test_a_page_writes_days_and_times_alike() -> None:
    page = Template('{% load desk %}{{ day|written:"SHORT_DATE_FORMAT" }} {{ at|written:"DATE_FORMAT" }}')
    known = Context({"day": date(2027, 3, 10), "at": datetime(2026, 12, 31, 20, 5, tzinfo=UTC)})
    with translation.override("en"), timezone.override("Asia/Bangkok"):
        assert page.render(known) == "10 Mar 2027 1 January 2027"
    with translation.override("th"), timezone.override("Asia/Bangkok"):
        assert page.render(known).count("2570") == 2
