"""Real mail: 630 messages with what their own projects say is in them, scored by field. Without them: skipped."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings

from channels_app.adapters.email import parser
from hub.bench import mail as bench

SHARED = settings.BASE_DIR.parent / "shared"
MANIFEST = SHARED / "mail" / "MANIFEST.json"
LEAST = {
    "from_address": 99, "from_name": 98, "to": 99, "subject": 98, "message_id": 99, "in_reply_to": 100,
    "references": 100, "date": 98, "text": 92, "attachment_names": 95, "reply_text": 75, "reply_rules": 90,
    "is_bounce": 90, "is_auto_reply": 90,
}  # fmt: skip
pytestmark = pytest.mark.skipif(not MANIFEST.exists(), reason="no ../shared/mail beside the checkout")


def scorer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mail_score", SHARED / "tools" / "mail_score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def score() -> dict[str, Any]:
    result = scorer().score(str(MANIFEST), parser.parse)
    assert isinstance(result, dict)
    return result


@pytest.fixture(scope="module")
def notes() -> dict[str, tuple[str, ...]]:
    return {name: parser.read(raw).notes for name, raw in bench.messages(SHARED / "mail")}


def test_nothing_crashes(score: dict[str, Any]) -> None:
    assert score["crashes"] == []


def test_nothing_is_unreadable_and_no_real_mail_meets_a_limit(notes: dict[str, tuple[str, ...]]) -> None:
    assert len(notes) == 630
    assert {name: met for name, met in notes.items() if met} == {}


@pytest.mark.parametrize(("name", "least"), LEAST.items())
def test_a_field_is_right_as_often_as_it_has_to_be(score: dict[str, Any], name: str, least: int) -> None:
    found = score["fields"][name]
    assert found["stated_n"] > 0
    assert 100 * found["stated_ok"] / found["stated_n"] >= least, [fail[0] for fail in score["_fails"][name]][:20]


def test_no_html_is_active(score: dict[str, Any]) -> None:
    assert score["fields"]["html_safe"]["ok"] == score["fields"]["html_safe"]["n"] > 100
    assert score["html_attacks"]["n"] == 99
    assert score["html_attacks"]["unsafe"] == 0
