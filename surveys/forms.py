"""What leads type about a survey (its words, its further questions), and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agents.forms import Line
from surveys import checking, definition, texts
from surveys.models import Survey

LOOKS = (
    (definition.STARS, gettext_lazy("Stars")),
    (definition.FACES, gettext_lazy("Faces")),
    (definition.NUMBERS, gettext_lazy("Numbers")),
)
LONGEST = {"ask": 500, "low": 60, "high": 60, "comment": 300, "thanks": 500, "remind": 300}
MOST_QUESTIONS, MOST_OPTIONS = 10, 12
EMPTY_ROWS = 1


class NewSurvey(forms.Form):
    name = Line(label=gettext_lazy("Name"), max_length=100)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=Survey.Kind.choices)

    def made(self) -> Survey:
        """With the usual texts in all languages; off."""
        kind = self.cleaned_data["kind"]
        content = {
            "look": definition.STARS,
            "languages": list(texts.LANGUAGES),
            "texts": texts.usual(kind),
            "questions": [],
            "anonymous": False,
        }
        low = {definition.CSAT: 2, definition.NPS: 6, definition.CES: 3}[kind]
        rules = [{"name": str(_("Low score")), "low": definition.SCALES[kind][0], "high": low, "follow_up_hours": 24}]
        return Survey(
            name=self.cleaned_data["name"], kind=kind, content=content, rules=rules, defects={"low_score": low}
        )


class Words(forms.Form):
    """Name, look, and the texts in each language."""

    name = Line(label=gettext_lazy("Name"), max_length=100)
    look = forms.ChoiceField(label=gettext_lazy("Shown as"), choices=LOOKS, required=False)
    anonymous = forms.BooleanField(
        label=gettext_lazy("Agents do not see who answered"),
        help_text=gettext_lazy("Asked by a link alone, with no line on the ticket. Leads still see who it was."),
        required=False,
    )
    languages = forms.MultipleChoiceField(
        label=gettext_lazy("Languages"), choices=settings.LANGUAGES, widget=forms.CheckboxSelectMultiple, required=False
    )

    def __init__(self, survey: Survey, data: Any = None) -> None:
        self.survey = survey
        content = survey.content
        initial = {
            "name": survey.name,
            "look": content.get("look"),
            "anonymous": content.get("anonymous"),
            "languages": content.get("languages", []),
        }
        super().__init__(data, initial=initial)
        if survey.kind != definition.CSAT:
            del self.fields["look"]
        for code, _name in settings.LANGUAGES:
            for name in definition.WORDS:
                self.fields[f"{name}_{code}"] = forms.CharField(
                    label=checking.NAMES[name],
                    max_length=LONGEST[name],
                    required=False,
                    initial=content.get("texts", {}).get(code, {}).get(name, ""),
                    widget=forms.Textarea({"rows": 2, "lang": code})
                    if LONGEST[name] > 100
                    else forms.TextInput({"lang": code}),
                )

    def by_language(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        return [
            (code, checking.language_name(code), [self[f"{name}_{code}"] for name in definition.WORDS])
            for code, _name in settings.LANGUAGES
        ]

    def content(self) -> dict[str, Any]:
        said = self.cleaned_data
        return {
            **self.survey.content,
            "look": said.get("look") or self.survey.content.get("look", definition.STARS),
            "anonymous": said["anonymous"],
            "languages": said["languages"],
            "texts": {
                code: {name: said[f"{name}_{code}"].strip() for name in definition.WORDS}
                for code, _name in settings.LANGUAGES
            },
        }


# ── Further questions ────────────────────────────────────────────────────────────────────────


def check_scores(form: forms.Form, said: dict[str, Any], scale: tuple[int, int]) -> None:
    """Which scores are meant, ``low`` to ``high``: whatever is left out is the end of the scale."""
    low, high = scale
    said["low"] = low if said.get("low") is None else said["low"]
    said["high"] = high if said.get("high") is None else said["high"]
    if not low <= said["low"] <= said["high"] <= high:
        words = _("The scores go from %(low)d to %(high)d, the lower one first.")
        form.add_error("low", words % {"low": low, "high": high})


class QuestionForm(forms.Form):
    """One of them; what is left empty is no question."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Answered by"),
        choices=(
            (definition.TEXT, gettext_lazy("a text")),
            (definition.CHOICE, gettext_lazy("one of several options")),
            (definition.CHOICES, gettext_lazy("some of several options")),
        ),
    )
    low = forms.IntegerField(label=gettext_lazy("Asked from score"), required=False)
    high = forms.IntegerField(label=gettext_lazy("to score"), required=False)

    def __init__(self, survey: Survey, said: Mapping[str, Any], prefix: str, data: Any = None) -> None:
        self.key = said.get("key", "")
        low, high = definition.SCALES[survey.kind]
        self.scale = (low, high)
        initial = {
            "kind": said.get("kind", definition.TEXT),
            "low": said.get("low", low),
            "high": said.get("high", high),
        }
        super().__init__(data, initial=initial, prefix=prefix)
        for name in ("low", "high"):
            self.fields[name].widget.attrs.update(min=low, max=high)
        options = said.get("options", [])
        for code, _name in settings.LANGUAGES:
            self.fields[f"text_{code}"] = forms.CharField(
                label=checking.language_name(code), max_length=300, required=False,
                initial=said.get("text", {}).get(code, ""), widget=forms.TextInput({"lang": code}),
            )  # fmt: skip
            self.fields[f"options_{code}"] = forms.CharField(
                label=_("Options, one line each (%(language)s)") % {"language": checking.language_name(code)},
                max_length=2000, required=False, widget=forms.Textarea({"rows": 3, "lang": code}),
                initial="\n".join(one.get("text", {}).get(code, "") for one in options),
            )  # fmt: skip

    def pairs(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"text_{code}"], self[f"options_{code}"]) for code, _name in settings.LANGUAGES]

    @property
    def is_empty(self) -> bool:
        return not any(self.cleaned_data.get(f"text_{code}", "").strip() for code, _name in settings.LANGUAGES)

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors or self.is_empty:
            return said
        check_scores(self, said, self.scale)
        if said["kind"] == definition.TEXT:
            return said
        counts = {len(self._lines(code)) for code, _name in settings.LANGUAGES if self._lines(code)}
        if not counts or min(counts) < 2:
            self.add_error("kind", _("Give at least two options."))
        elif len(counts) > 1:
            self.add_error("kind", _("Give the same number of options in every language."))
        elif max(counts) > MOST_OPTIONS:
            self.add_error("kind", _("At most %(count)d options.") % {"count": MOST_OPTIONS})
        return said

    def _lines(self, code: str) -> list[str]:
        return [line.strip() for line in self.cleaned_data.get(f"options_{code}", "").splitlines() if line.strip()]

    def kept(self, number: int) -> dict[str, Any]:
        said = self.cleaned_data
        codes = [code for code, _name in settings.LANGUAGES]
        lines = {code: self._lines(code) for code in codes}
        count = 0 if said["kind"] == definition.TEXT else max(len(found) for found in lines.values())
        return {
            "key": self.key or f"q{number}",
            "kind": said["kind"],
            "low": said["low"],
            "high": said["high"],
            "text": {code: said[f"text_{code}"].strip() for code in codes},
            "options": [
                {"key": f"o{place + 1}", "text": {code: lines[code][place] for code in codes if lines[code]}}
                for place in range(count)
            ],
        }


def questions(survey: Survey, data: Any = None) -> list[QuestionForm]:
    said = list(survey.content.get("questions", []))
    rows = [*said, *[{}] * EMPTY_ROWS][:MOST_QUESTIONS]
    return [QuestionForm(survey, one, f"q{place}", data) for place, one in enumerate(rows)]


def kept_questions(rows: Sequence[QuestionForm]) -> list[dict[str, Any]]:
    """A key is never given twice, so that an old answer stays with its question."""
    used = {row.key for row in rows if row.key}
    number, kept = 0, []
    for row in rows:
        if row.is_empty:
            continue
        while (not row.key and f"q{number}" in used) or number == 0:
            number += 1
        kept.append(row.kept(number))
        used.add(kept[-1]["key"])
    return kept
