"""No mail of ours is ever caused by a machine, a list or ourselves: rule by rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from channels_app.adapters.email import loops, parser, verdicts
from channels_app.adapters.email.headers import Headers
from tests.channels_app.email.mails import mail

OWN = ["help@shop.example", "Sales@Shop.example"]


def reason(*lines: str, sender: str = "Ana <ana@mail.example>", subject: str = "Halo") -> str | None:
    read = parser.read(mail(f"Subject: {subject}", *lines, sender=sender))
    return loops.may_answer_automatically(read, OWN, "shop.example")


def test_a_person_is_answered() -> None:
    assert reason() is None
    assert reason("Auto-Submitted: no", "Return-Path: <ana@mail.example>", "Precedence: normal") is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("Auto-Submitted: auto-replied", "auto-submitted"),
        ("Auto-Submitted: auto-generated; owner-email=x", "auto-submitted"),
        ("Auto-Submitted: auto-notified (vacation)", "auto-submitted"),
        ("Precedence: bulk", "precedence"),
        ("Precedence: LIST", "precedence"),
        ("Precedence: junk", "precedence"),
        ("X-Precedence: auto_reply", "precedence"),
        ("X-Auto-Response-Suppress: All", "suppressed"),
        ("X-Auto-Response-Suppress: DR, OOF, AutoReply", "suppressed"),
        ("X-Autoreply: yes", "autoreply-mark"),
        ("X-Autorespond: away", "autoreply-mark"),
        ("X-AutoReply-From: x@x.example", "autoreply-mark"),
        ("X-Mail-Autoreply: yes", "autoreply-mark"),
        ("X-Loop: help@other.example", "loop-mark"),
        ("List-Id: News <news.x.example>", "list"),
        ("List-Unsubscribe: <https://x.example>", "list"),
        ("List-Post: <mailto:x@x.example>", "list"),
        ("Return-Path: <>", "null-sender"),
        ("Reply-To: SALES+tag@shop.example", "own-address"),
        ("Message-ID: <12.34@shop.example>", "own-message"),
        (f"{loops.INSTANCE_HEADER}: abc", "own-message"),
    ],
)
def test_by_a_header(line: str, why: str) -> None:
    assert reason(line) == why


def test_a_colleague_on_our_own_domain_is_a_person() -> None:
    """Their mail server's ids end in it as ours do; an id that looks like ours is ours."""
    colleague = "Bo <bo@shop.example>"
    assert reason("Message-ID: <20250303.AB12@shop.example>", sender=colleague) is None
    assert reason(f"Message-ID: <12.{'0a' * 10}@shop.example>", sender=colleague) == "own-message"


@pytest.mark.parametrize(
    "line", ["X-Auto-Response-Suppress: DR", "Precedence: first-class", "X-Autoreply: no", "Auto-Submitted: No"]
)
def test_headers_that_mean_nothing_here(line: str) -> None:
    assert reason(line) is None


@pytest.mark.parametrize(
    ("sender", "why"),
    [
        ("MAILER-DAEMON@x.example", "daemon"),
        ("postmaster@x.example", "daemon"),
        ("no-reply@x.example", "no-reply"),
        ("Bank <noreply+12@x.example>", "no-reply"),
        ("do_not_reply@x.example", "no-reply"),
        ("", "no-sender"),
        ("Ana <>", "no-sender"),
        ("Help <HELP@shop.example>", "own-address"),
        ("Help <help+abc@shop.example>", "own-address"),
    ],
)
def test_by_the_sender(sender: str, why: str) -> None:
    assert reason(sender=sender) == why


@pytest.mark.parametrize(
    "subject",
    ["Automatic reply: Halo", "Out of Office: x", "Balasan otomatis: x", "Balasan automatik: x", "ตอบกลับอัตโนมัติ: x", "Abwesenheitsnotiz",
     "Réponse automatique : x", "自动回复: x", "Thư trả lời tự động: x"],
)  # fmt: skip
def test_by_the_subject_of_an_away_notice(subject: str) -> None:
    assert reason(subject=subject) == "autoreply-mark"
    assert parser.read(mail(f"Subject: {subject}")).automatic.is_reply


def test_what_we_send_by_ourselves_is_refused_by_our_own_rules() -> None:
    """Two of our channels cannot answer each other, by each header alone."""
    for name, value in loops.automatic_headers("auto-replied", "instance-1").items():
        assert reason(f"{name}: {value}") is not None
    assert reason(*(f"{name}: {value}" for name, value in loops.agent_headers("instance-1").items())) == "own-message"


def test_an_agents_mail_bears_no_mark_of_a_machine() -> None:
    assert set(loops.agent_headers("x")) == {loops.INSTANCE_HEADER}


def test_caps() -> None:
    now = datetime(2025, 3, 3, tzinfo=UTC)
    nine = [now - timedelta(minutes=minute) for minute in range(9)]
    assert not loops.over_the_cap(nine, now)
    assert loops.over_the_cap([*nine, now - timedelta(minutes=9)], now)
    assert loops.over_the_cap([now - timedelta(minutes=5 * step) for step in range(100)], now)
    assert not loops.over_the_cap([now - timedelta(days=1)] * 1000, now)


def test_ids_of_what_we_send() -> None:
    chain = [f"{number}@x.example" for number in range(50)]
    ours = loops.outgoing_ids("7.12", "shop.example", "49@x.example", chain)
    assert ours.message_id == "7.12@shop.example"
    assert ours.headers["In-Reply-To"] == "<49@x.example>"
    references = ours.headers["References"].split()
    assert len(references) == 20
    assert (references[0], references[-1]) == ("<0@x.example>", "<49@x.example>")
    assert loops.outgoing_ids("1.1", "shop.example", "", []).headers == {}


# ── What our own mail server says ────────────────────────────────────────────────────────────


def headers(*values: str) -> Headers:
    return Headers([("authentication-results", value) for value in values])


def test_only_the_topmost_results_count() -> None:
    found = verdicts.read(
        headers("mx.shop.example; spf=fail; dkim=none; dmarc=fail", "evil.example; spf=pass; dkim=pass; dmarc=pass")
    )
    assert (found.authserv, found.spf, found.dkim, found.dmarc) == ("mx.shop.example", "fail", "none", "fail")


def test_or_those_of_the_server_that_is_named() -> None:
    both = headers(
        "relay.example; dmarc=pass",
        "MX.shop.example 1; dkim=fail; dkim=pass (2048 bit) header.d=x; dmarc=fail action=none",
    )
    found = verdicts.read(both, "mx.shop.example")
    assert (found.dkim, found.dmarc) == ("pass", "fail")
    assert verdicts.read(both, "other.example") == verdicts.Verdicts()


def test_a_comment_is_no_result() -> None:
    assert verdicts.read(headers("mx.example; (dmarc=pass; ) dmarc=fail (p=none; dmarc=pass)")).dmarc == "fail"


@pytest.mark.parametrize(
    ("name", "value", "spam"),
    [
        ("x-spam-flag", "YES", True), ("x-spam-status", "Yes, score=7", True), ("x-spam-status", "No, score=0", False), ("x-spam", "Yes", True),
        ("x-forefront-antispam-report", "CIP:1;SFV:SPM;", True), ("x-ms-exchange-organization-scl", "6", True), ("x-spam-score", "9", False),
    ],
)  # fmt: skip
def test_spam(name: str, value: str, spam: bool) -> None:
    assert verdicts.read(Headers([(name, value)])).spam is spam


@pytest.mark.parametrize(
    "subject",
    ["Automatic reply: x", "Jawaban otomatis: x", "ตอบกลับอัตโนมัติ: x", "Автовідповідь: x", "Automatikus válasz: x", "Vacation: x",
     "I'm on vacation", "On holiday until Monday", "Absence du bureau : x", "Currently out of the office", "不在通知", "부재중입니다"],
)  # fmt: skip
def test_a_subject_says_that_a_machine_answers(subject: str) -> None:
    assert reason(subject=subject) == "autoreply-mark"


@pytest.mark.parametrize(
    "subject",
    ["Vacation rental question", "On holiday delivery?", "Absent item in my order", "Absence de réponse", "Currently out of stock?",
     "不在票が入っていました", "外出用バッグについて", "부재중 택배 문의", "Automatic door broken"],
)  # fmt: skip
def test_a_person_who_writes_about_holidays_is_answered(subject: str) -> None:
    assert reason(subject=subject) is None
