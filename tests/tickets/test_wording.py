"""Times in words, as the reader writes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import timezone, translation

from tickets import wording


@pytest.mark.parametrize(("language", "year"), [("en", "2026"), ("id", "2026"), ("ms", "2026"), ("th", "2569")])
def test_the_year_is_the_readers(language: str, year: str) -> None:
    with translation.override(language), timezone.override("Asia/Bangkok"):
        shown = wording.moment(datetime(2026, 12, 31, 10, 5, tzinfo=UTC))
    assert year in shown
    assert "17" in shown or "5:05" in shown
