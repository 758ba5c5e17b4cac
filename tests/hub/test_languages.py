"""Indonesian, Malay and Thai are whole: the pages come out in them, with no English left between."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import translation
from django.utils.formats import date_format

from agents.models import Agent
from hub import foreign_texts, translations
from tests.conftest import PASSWORD
from tickets import lifecycle, replies
from tickets.models import Actor, Attachment, Ticket


@dataclass(frozen=True)
class Speech:
    """What must stand on a page of this language."""

    sign_in: tuple[str, ...]
    wrong: str
    reset: tuple[str, ...]
    rules: tuple[str, ...]
    inbox: tuple[str, ...]
    ticket: tuple[str, ...]
    absent: str


SPEECH = {
    "en": Speech(
        sign_in=("Sign in", "E-mail address", "Password", "Forgot your password?"),
        wrong="The e-mail address or the password is not right.",
        reset=("Reset password", "Send the link"),
        rules=("at least 10 characters", "too common", "too similar to the e-mail address"),
        inbox=("All open", "Unassigned", "Snoozed", "Search", "Choose a ticket"),
        ticket=("Reply", "Note", "Resolve", "Snooze", "Ana took the ticket", "Waiting to be sent"),
        absent="This is not here",
    ),
    "id": Speech(
        sign_in=("Masuk", "Alamat email", "Kata sandi", "Lupa kata sandi?"),
        wrong="Alamat email atau kata sandi salah.",
        reset=("Atur ulang kata sandi", "Kirim tautan"),
        rules=("Minimal 10 karakter", "terlalu umum", "terlalu mirip dengan alamat email"),
        inbox=("Semua yang terbuka", "Belum ditugaskan", "Ditunda", "Cari", "Pilih tiket"),
        ticket=("Balas", "Catatan", "Selesaikan", "Tunda", "Ana mengambil tiket", "Menunggu dikirim"),
        absent="Tidak ditemukan di sini",
    ),
    "ms": Speech(
        sign_in=("Log masuk", "Alamat e-mel", "Kata laluan", "Lupa kata laluan?"),
        wrong="Alamat e-mel atau kata laluan tidak betul.",
        reset=("Tetapkan semula kata laluan", "Hantar pautan"),
        rules=("Sekurang-kurangnya 10 aksara", "terlalu lazim", "terlalu serupa dengan alamat e-mel"),
        inbox=("Semua yang terbuka", "Belum ditugaskan", "Ditangguhkan", "Cari", "Pilih tiket"),
        ticket=("Balas", "Nota", "Selesaikan", "Tangguh", "Ana mengambil tiket", "Menunggu dihantar"),
        absent="Tidak ditemui di sini",
    ),
    "th": Speech(
        sign_in=("เข้าสู่ระบบ", "อีเมล", "รหัสผ่าน", "ลืมรหัสผ่าน?"),
        wrong="อีเมลหรือรหัสผ่านไม่ถูกต้อง",
        reset=("ตั้งรหัสผ่านใหม่", "ส่งลิงก์"),
        rules=("ต้องมีอย่างน้อย 10 อักขระ", "เดาง่ายเกินไป", "คล้ายกับอีเมลมากเกินไป"),
        inbox=("ที่เปิดอยู่ทั้งหมด", "ยังไม่มอบหมาย", "เลื่อนไว้", "ค้นหา", "เลือกทิกเก็ต"),
        ticket=("ตอบกลับ", "บันทึกภายใน", "ปิดเรื่อง", "เลื่อน", "Ana รับดูแลทิกเก็ต", "รอส่ง"),
        absent="ไม่พบหน้านี้",
    ),
}
OTHERS = sorted(set(SPEECH) - {"en"})
# Words that stand on nearly every English page and in none of the other languages.
ENGLISH = re.compile(
    r"\b(the|your?|this|that|with|and|are|was|must|please|sign|password|address|back|search|send|reply|note|notes"
    r"|ticket|tickets|customer|team|teams|channels|resolve|resolved|snooze|assign|save|open|close|nobody|messages)\b",
    re.IGNORECASE,
)
KEPT = re.compile(r"\bEnglish\b|\bEnter\b")


@pytest.fixture(autouse=True)
def compiled(settings: Any, tmp_path: Path) -> None:
    """The catalogues as they stand in the repository, whatever was compiled before."""
    translations.compile_all(target=tmp_path / "locale")
    settings.LOCALE_PATHS = [tmp_path / "locale"]


@pytest.fixture(params=sorted(SPEECH))
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def browser(language: str, agent: Agent | None = None) -> Client:
    client = Client(headers={"accept-language": f"{language};q=0.9,en;q=0.1"}, raise_request_exception=False)
    if agent:
        # The agent's own choice wins over what the browser asks for.
        client = Client(headers={"accept-language": "en"})
        Agent.objects.filter(pk=agent.pk).update(language=language)
        client.force_login(agent)
    return client


def page(response: Any, language: str, status: int = 200) -> str:
    text = str(response.content.decode())
    assert response.status_code == status, text
    assert f'<html lang="{language}">' in text
    return html.unescape(text)


def shown(text: str) -> Iterator[str]:
    """What a person reads or hears: text, labels, placeholders, the scripts' words."""
    text = re.sub(r"<(code|kbd|style)\b.*?</\1>", " ", text, flags=re.DOTALL)
    yield from re.findall(r'<script id="words"[^>]*>(.*?)</script>', text, re.DOTALL)
    text = re.sub(r"<script\b.*?</script>", " ", text, flags=re.DOTALL)
    yield from re.findall(r'\b(?:aria-label|placeholder|title|alt)="([^"]*)"', text)
    yield re.sub(r"<[^>]+>", " ", text)


def no_english(text: str, language: str) -> None:
    if language == "en":
        return
    found = {word for part in shown(text) for word in ENGLISH.findall(re.sub(r'"\w+":', "", KEPT.sub("", part)))}
    assert found == set()


def written(letter: mail.EmailMessage) -> str:
    """Subject and body without addresses."""
    return re.sub(r"https?://\S+|\S+@\S+", "", f"{letter.subject}\n{letter.body}")


def holds(text: str, words: tuple[str, ...], language: str) -> None:
    assert [word for word in words if word not in text] == []
    no_english(text, language)


# ── Before the sign-in ───────────────────────────────────────────────────────────────────────


@pytest.mark.django_db
def test_sign_in(language: str) -> None:
    holds(page(browser(language).get("/accounts/login/"), language), SPEECH[language].sign_in, language)


def test_wrong_password(language: str, bea: Agent) -> None:
    given = {"login": bea.email, "password": "wrong"}
    text = page(browser(language).post("/accounts/login/", given), language)
    holds(text, (*SPEECH[language].sign_in, SPEECH[language].wrong), language)


def test_each_language_is_named_in_itself(language: str, db: None) -> None:
    text = page(browser(language).get("/accounts/login/"), language)
    assert re.findall(r'name="language"[^>]*>([^<]*)<', text) == ["English", "Bahasa Indonesia", "Bahasa Melayu", "ไทย"]


def test_reset_and_the_rules_of_passwords(language: str, bea: Agent) -> None:
    client, words = browser(language), SPEECH[language]
    holds(page(client.get("/accounts/password/reset/"), language), words.reset, language)
    sent = client.post("/accounts/password/reset/", {"email": bea.email}, follow=True)
    holds(page(sent, language), (words.reset[0],), language)
    (letter,) = mail.outbox
    no_english(written(letter), language)
    link = re.search(r"https?://[^/\s]+(\S+/reset/key/\S+)", str(letter.body))
    assert link
    form = client.get(link[1], follow=True)
    no_english(page(form, language), language)
    path = form.redirect_chain[-1][0]
    for password, rule in zip(("x", "password1234", bea.email), words.rules, strict=True):
        holds(page(client.post(path, {"password1": password, "password2": password}), language), (rule,), language)


def test_letter_to_an_address_without_account(language: str, db: None) -> None:
    browser(language).post("/accounts/password/reset/", {"email": "nobody@example.com"})
    for letter in mail.outbox:
        no_english(written(letter), language)


# ── The desk ─────────────────────────────────────────────────────────────────────────────────


def test_inbox(language: str, ticket: Ticket, bea: Agent) -> None:
    holds(page(browser(language, bea).get("/"), language), SPEECH[language].inbox, language)


@pytest.mark.parametrize("view", ["mine", "unassigned", "snoozed", "resolved"])
def test_empty_views(language: str, view: str, bea: Agent) -> None:
    no_english(page(browser(language, bea).get(f"/?view={view}"), language), language)


def test_ticket(language: str, ticket: Ticket, ana: Agent) -> None:
    lifecycle.assign(ticket.pk, ana, Actor.of(ana))
    replies.reply(ticket.pk, ana, replies.Draft(text="Halo"))
    text = page(browser(language, ana).get(f"/tickets/{ticket.pk}/"), language)
    holds(text, SPEECH[language].ticket, language)


KINDS = [("image", "story"), ("voice", "ad"), ("sticker", "product"), ("file", "message")]


@pytest.mark.parametrize(("kind", "about"), KINDS)
def test_kinds_are_not_shown_as_they_are_stored(
    language: str, ticket: Ticket, bea: Agent, kind: str, about: str
) -> None:
    ticket.messages.update(about={"id": "1", "kind": about, "url": "", "snippet": ""})
    Attachment.objects.create(message=ticket.messages.get(), kind=kind, state=Attachment.State.EXPIRED)
    text = page(browser(language, bea).get(f"/tickets/{ticket.pk}/"), language)
    no_english(text, language)
    # Indonesian and Malay call some of them the same.
    stored = {kind, about} - {"id": {"story", "file"}, "ms": {"story"}}.get(language, set())
    if language != "en":
        # The scripts' words have names, which nobody reads.
        parts = [re.sub(r'"\w+":', "", part) for part in shown(text)]
        assert [word for part in parts for word in stored if re.search(rf"\b{word}\b", part)] == []


def test_the_afternoon_is_not_night(language: str) -> None:
    with translation.override(language):
        clock = date_format(datetime(2026, 11, 9, 15, 4), "SHORT_DATETIME_FORMAT")
    assert {"en": "15:04", "id": "15.04", "ms": "3:04 PTG", "th": "15:04"}[language] in clock


@pytest.mark.parametrize("path", ["/settings/profile/", "/accounts/password/change/", "/accounts/logout/"])
def test_own_pages(language: str, path: str, bea: Agent) -> None:
    text = page(browser(language, bea).get(path), language)
    no_english(re.sub(r"<optgroup.*?</select>", "", text, flags=re.DOTALL), language)


def test_wrong_current_password(language: str, bea: Agent) -> None:
    given = {"oldpassword": "wrong", "password1": PASSWORD, "password2": "another"}
    no_english(page(browser(language, bea).post("/accounts/password/change/", given), language), language)


# ── Errors ───────────────────────────────────────────────────────────────────────────────────


def test_not_found(language: str, bea: Agent) -> None:
    text = page(browser(language, bea).get("/tickets/999999/"), language, 404)
    holds(text, (SPEECH[language].absent,), language)


def test_old_form(language: str, db: None) -> None:
    client = Client(headers={"accept-language": language}, enforce_csrf_checks=True)
    no_english(page(client.post("/accounts/login/", {"login": "a@example.com"}), language, 403), language)


@pytest.fixture
def uncounted() -> Iterator[None]:
    """Attempts are counted in the cache, for all tests of this process."""
    cache.clear()
    yield
    cache.clear()


def test_too_many_attempts(language: str, bea: Agent, uncounted: None) -> None:
    client, given = browser(language), {"login": bea.email, "password": "wrong"}
    answers = [client.post("/accounts/login/", given) for _ in range(31)]
    no_english(page(answers[20], language), language)
    no_english(page(answers[30], language, 429), language)


# ── The check itself ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/password/reset/", "/accounts/inactive/"])
def test_english_would_be_seen(path: str, db: None) -> None:
    text = page(browser("en").get(path), "en")
    with pytest.raises(AssertionError):
        no_english(text, "id")


@pytest.mark.parametrize(
    "text",
    ['<a title="Send">x</a>', '<input placeholder="Search">', '<script id="words">{"sent":"Reply sent"}</script>'],
)
def test_english_would_be_seen_in_attributes_and_scripts(text: str) -> None:
    with pytest.raises(AssertionError):
        no_english(text, "th")


# ── The texts of others ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", OTHERS)
def test_texts_of_the_packages_are_ours(language: str) -> None:
    catalog = translations.read(language)
    with translation.override(language):
        for text in foreign_texts.SIGN_IN:
            assert translation.gettext(text) == catalog[text].string
