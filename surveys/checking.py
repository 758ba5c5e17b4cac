"""Is a survey whole? What is missing is said in words that name the language and the text."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf.locale import LANG_INFO
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from surveys import definition

NAMES = {
    "ask": gettext_lazy("the question"),
    "low": gettext_lazy("the word for the lowest score"),
    "high": gettext_lazy("the word for the highest score"),
    "comment": gettext_lazy("what asks for a comment"),
    "thanks": gettext_lazy("the thank-you"),
    "remind": gettext_lazy("the reminder"),
}


def language_name(code: str) -> str:
    return str(LANG_INFO.get(code, {}).get("name_local", code))


def gaps(content: definition.Content) -> list[str]:
    """What has to be filled in before anybody can be asked; nothing: it is whole."""
    if not content.languages:
        return [_("Choose at least one language.")]
    return [line for code in content.languages for line in _of(content, code)]


def _of(content: definition.Content, code: str) -> Iterator[str]:
    language = language_name(code)
    for name, label in NAMES.items():
        if not content.word(name, code).strip():
            yield _("%(language)s: %(what)s is missing.") % {"language": language, "what": label}
    for number, question in enumerate(content.questions, 1):
        said = {"language": language, "number": number}
        if not question.text.get(code, "").strip():
            yield _("%(language)s: further question %(number)d is missing.") % said
        if any(not option.text.get(code, "").strip() for option in question.options):
            yield _("%(language)s: an option of further question %(number)d is missing.") % said
