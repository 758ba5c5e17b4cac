"""Translations without gettext: what is found, kept, compiled, and what the check says."""

from __future__ import annotations

import gettext
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from hub import translations

PYTHON = """
from django.utils.translation import gettext as _, ngettext, pgettext
A = _("Send")
B = ngettext("%(count)s ticket", "%(count)s tickets", 2)
C = pgettext("verb", "Open")
"""
TEMPLATE = """{% load i18n %}<p>{% translate "Hello" %}</p>
{% blocktranslate count counter=n %}One message{% plural %}{{ counter }} messages{% endblocktranslate %}"""
SCRIPT = 'const line = gettext("Typing…"); other("not this");'


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for name, text in {
        "tickets/a.py": PYTHON,
        "templates/a.html": TEMPLATE,
        "static/js/a.js": SCRIPT,
        "static/vendor/b.js": 'gettext("vendored")',
        "tests/a.py": '_("a test")',
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def fill(base: Path, language: str, **texts: str) -> None:
    """Translate everything: as given, else by itself."""
    catalog = translations.read(language, base)
    for message in catalog:
        if message.pluralizable:
            message.string = tuple(message.id)[-catalog.num_plurals :]
        elif message.id:
            message.string = texts.get(message.id, message.id)
    translations.po_path(language, base).write_bytes(translations.dumped(catalog))


def test_python_templates_and_scripts_are_read(base: Path) -> None:
    found = {translations.key(message): message for message in translations.template(base) if message.id}
    assert set(found) == {"Send", "%(count)s ticket", "Open", "Hello", "One message", "Typing…"}
    assert found["Open"].context == "verb"
    assert found["One message"].id == ("One message", "%(counter)s messages")


def test_extracting_twice_changes_nothing(base: Path) -> None:
    assert len(translations.extract_all(base)) == 4
    assert translations.extract_all(base) == []


def test_moving_a_line_changes_nothing(base: Path) -> None:
    translations.extract_all(base)
    (base / "tickets/a.py").write_text("\n\n\n" + PYTHON)
    assert translations.extract_all(base) == []


def test_translations_survive_and_unused_texts_go(base: Path) -> None:
    translations.extract_all(base)
    fill(base, "id", Send="Kirim")
    (base / "static/js/a.js").write_text("")
    translations.extract_all(base)
    catalog = translations.read("id", base)
    assert catalog.get("Send").string == "Kirim"
    assert catalog.get("Typing…") is None


def test_complete_languages_pass(base: Path) -> None:
    translations.extract_all(base)
    for language in ("id", "ms", "th"):
        fill(base, language)
    assert translations.check_all(base) == []


def test_every_fault_is_named(base: Path) -> None:
    translations.extract_all(base)
    assert "id: not translated: 'Send'" in translations.check_all(base)
    fill(base, "id")
    path = translations.po_path("id", base)
    spoilt = path.read_text().replace('msgstr[0] "%(count)s', 'msgstr[0] "%(n)s')
    path.write_text(spoilt.replace("#: static", "#, fuzzy\n#: static"))
    found = [line for line in translations.check_all(base) if line.startswith("id:")]
    assert "id: placeholders differ: '%(count)s ticket'" in found
    assert "id: fuzzy: 'Typing…'" in found
    (base / "static/js/a.js").write_text('gettext("New")')
    found = translations.check_all(base)
    assert "id: not there: 'New' (make messages)" in found
    assert "id: no longer used: 'Typing…' (make messages)" in found


def test_wrong_number_of_plural_forms_is_named() -> None:
    message = Message(("%d ticket", "%d tickets"), ("%d tiket", "%d tiket"))
    assert list(translations.faults(message, 1)) == ["needs 1 plural forms, has 2"]
    assert list(translations.faults(message, 2)) == []


def test_indonesian_malay_and_thai_have_one_form(base: Path) -> None:
    translations.extract_all(base)
    assert [translations.read(language, base).num_plurals for language in translations.LANGUAGES] == [2, 1, 1, 1]


def test_compiled_catalogues_speak(base: Path, tmp_path: Path) -> None:
    translations.extract_all(base)
    fill(base, "id", Send="Kirim")
    translations.compile_all(base, tmp_path / "out")
    with (tmp_path / "out/id/LC_MESSAGES/django.mo").open("rb") as file:
        spoken = gettext.GNUTranslations(file)
    assert spoken.gettext("Send") == "Kirim"
    assert spoken.ngettext("%(count)s ticket", "%(count)s tickets", 1) == "%(count)s tickets"
    with (tmp_path / "out/en/LC_MESSAGES/django.mo").open("rb") as file:
        english = gettext.GNUTranslations(file)
    assert english.ngettext("%(count)s ticket", "%(count)s tickets", 1) == "%(count)s ticket"
