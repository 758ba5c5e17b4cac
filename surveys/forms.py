"""What leads type about a survey, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agents.forms import Ids, Line
from agents.models import Agent, Team
from channels_app import registry
from channels_app.models import Channel, MessageTemplate
from customers.models import Customer
from surveys import checking, definition, texts
from surveys.models import FollowUp, Survey

LOOKS = (
    (definition.STARS, gettext_lazy("Stars")),
    (definition.FACES, gettext_lazy("Faces")),
    (definition.NUMBERS, gettext_lazy("Numbers")),
)
LONGEST = {"ask": 500, "low": 60, "high": 60, "comment": 300, "thanks": 500, "remind": 300}
MOST_QUESTIONS, MOST_RULES, MOST_OPTIONS = 10, 20, 12
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
        low, high = self.scale
        said["low"] = low if said.get("low") is None else said["low"]
        said["high"] = high if said.get("high") is None else said["high"]
        if not low <= said["low"] <= said["high"] <= high:
            words = _("The scores go from %(low)d to %(high)d, the lower one first.")
            self.add_error("low", words % {"low": low, "high": high})
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


# ── When ─────────────────────────────────────────────────────────────────────────────────────


class WhenForm(forms.Form):
    delay = forms.IntegerField(label=gettext_lazy("Ask after"), min_value=0, max_value=60 * 24 * 60)
    unit = forms.ChoiceField(
        label=gettext_lazy("Unit"),
        choices=(("1", gettext_lazy("minutes")), ("60", gettext_lazy("hours")), ("1440", gettext_lazy("days"))),
    )
    quiet_from = forms.TimeField(
        label=gettext_lazy("Quiet from"), required=False, widget=forms.TimeInput({"type": "time"}, format="%H:%M")
    )
    quiet_to = forms.TimeField(
        label=gettext_lazy("until"), required=False, widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        help_text=gettext_lazy("In the customer's own time: by their phone number's country, else the channel's zone."),
    )  # fmt: skip
    every_days = forms.IntegerField(
        label=gettext_lazy("Days before the same customer is asked again"), min_value=0, max_value=3650
    )
    percent = forms.IntegerField(label=gettext_lazy("Percent of tickets asked about"), min_value=0, max_value=100)
    remind_days = forms.IntegerField(label=gettext_lazy("Days until one reminder (0: none)"), min_value=0, max_value=90)
    expire_days = forms.IntegerField(label=gettext_lazy("Days to answer in"), min_value=1, max_value=365)
    teams = Ids(label=gettext_lazy("Teams"))
    channels = Ids(label=gettext_lazy("Channels"))
    types = forms.MultipleChoiceField(
        label=gettext_lazy("Customers"),
        choices=Customer.Type.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    not_tags = forms.CharField(
        label=gettext_lazy("Not for tickets with one of these tags"), max_length=500, required=False,
        help_text=gettext_lazy("Names with commas between them."),
    )  # fmt: skip

    def __init__(self, survey: Survey, agent: Agent, data: Any = None) -> None:
        self.when = definition.when(survey.when)
        self.agent = agent
        super().__init__(data, initial=self._initial())
        teams = Team.objects.all() if agent.is_admin else agent.teams.all()
        self._offer("teams", teams)
        self._offer("channels", Channel.objects.filter(agent.sight().where("team_id")))
        self.templated = self._with_templates()

    def _initial(self) -> dict[str, Any]:
        minutes = int(self.when.delay.total_seconds() // 60)
        unit = next(one for one in (1440, 60, 1) if minutes % one == 0) if minutes else 1
        return {
            "delay": minutes // unit,
            "unit": str(unit),
            "quiet_from": self.when.quiet_from,
            "quiet_to": self.when.quiet_to,
            "every_days": self.when.every_days,
            "percent": self.when.percent,
            "remind_days": self.when.remind_days,
            "expire_days": self.when.expire_days,
            "teams": sorted(self.when.teams),
            "channels": sorted(self.when.channels),
            "types": list(self.when.types),
            "not_tags": ", ".join(self.when.not_tags),
        }

    def _offer(self, name: str, rows: Iterable[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, Ids)
        field.choices = [(row.pk, str(row)) for row in rows]

    def _with_templates(self) -> list[Channel]:
        """A choice for each channel that has approved texts, and what stands in their blanks."""
        rows = Channel.objects.filter(self.agent.sight().where("team_id"), templates__status__iexact="approved")
        found = []
        for channel in rows.distinct():
            chosen = self.when.template(channel.pk)
            approved = MessageTemplate.objects.filter(channel=channel, status__iexact="approved")
            self.fields[f"template_{channel.pk}"] = forms.ChoiceField(
                label=channel.name,
                choices=[("", _("None: not asked")), *((f"{row.name}|{row.language}", str(row)) for row in approved)],
                required=False,
                initial=f"{chosen.name}|{chosen.language}" if chosen else "",
            )
            self.fields[f"blanks_{channel.pk}"] = forms.CharField(
                label=_("What stands in its blanks, one line each"), required=False, max_length=1000,
                widget=forms.Textarea({"rows": 2}),
                initial="\n".join(chosen.blanks.values()) if chosen else "{name}\n{link}",
                help_text=_("{link} is the survey's address, {name} the customer's name."),
            )  # fmt: skip
            found.append(channel)
        return found

    def templates(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"template_{channel.pk}"], self[f"blanks_{channel.pk}"]) for channel in self.templated]

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.agent.is_admin and not said.get("teams"):
            self.add_error("teams", _("Choose at least one of your teams: a survey for all is for administrators."))
        if bool(said.get("quiet_from")) != bool(said.get("quiet_to")):
            self.add_error("quiet_from", _("Give both times, or none."))
        if (said.get("remind_days") or 0) >= (said.get("expire_days") or 1) and said.get("remind_days"):
            self.add_error("remind_days", _("The reminder must come before the time to answer is over."))
        for channel in self.templated:
            chosen = said.get(f"template_{channel.pk}")
            if chosen:
                self._check_blanks(channel, chosen, said)
        return said

    def _check_blanks(self, channel: Channel, chosen: str, said: dict[str, Any]) -> None:
        name, _bar, language = chosen.rpartition("|")
        row = MessageTemplate.objects.filter(channel=channel, name=name, language=language).first()
        lines = said.get(f"blanks_{channel.pk}", "").splitlines()
        lines = [line.strip() for line in lines if line.strip()]
        if row is None or len(lines) != len(row.variables):
            count = len(row.variables) if row else 0
            words = _("This template has %(count)d blanks: give as many lines.") % {"count": count}
            self.add_error(f"blanks_{channel.pk}", words)
            return
        said[f"filled_{channel.pk}"] = {
            "channel": channel.pk,
            "name": name,
            "language": language,
            "blanks": dict(zip(row.variables, lines, strict=True)),
        }

    def kept(self) -> dict[str, Any]:
        said = self.cleaned_data
        quiet_from, quiet_to = said["quiet_from"], said["quiet_to"]
        filled = [said[f"filled_{channel.pk}"] for channel in self.templated if said.get(f"filled_{channel.pk}")]
        return {
            "channels": said["channels"],
            "teams": said["teams"],
            "types": said["types"],
            "not_tags": [name.strip() for name in said["not_tags"].split(",") if name.strip()],
            "delay_minutes": said["delay"] * int(said["unit"]),
            "quiet_from": f"{quiet_from:%H:%M}" if quiet_from else "",
            "quiet_to": f"{quiet_to:%H:%M}" if quiet_to else "",
            **{name: said[name] for name in ("every_days", "percent", "remind_days", "expire_days")},
            "templates": filled,
        }


# ── What follows ─────────────────────────────────────────────────────────────────────────────


class RuleForm(forms.Form):
    """One rule; without a name it is none."""

    name = Line(label=gettext_lazy("Name"), max_length=100, required=False)
    low = forms.IntegerField(label=gettext_lazy("From score"), required=False)
    high = forms.IntegerField(label=gettext_lazy("to score"), required=False)
    with_comment = forms.BooleanField(label=gettext_lazy("Only with a comment"), required=False)
    follow_up_hours = forms.IntegerField(
        label=gettext_lazy("A lead follows up within hours"), min_value=1, max_value=24 * 90, required=False
    )
    reopen = forms.BooleanField(label=gettext_lazy("Open the ticket again"), required=False)
    thank = forms.BooleanField(label=gettext_lazy("Thank them in the conversation"), required=False)
    review = forms.CharField(
        label=gettext_lazy("Ask for a review at this address"), max_length=500, required=False,
        widget=forms.URLInput({"placeholder": "https://"}),
    )  # fmt: skip

    def __init__(self, survey: Survey, said: Mapping[str, Any], prefix: str, data: Any = None) -> None:
        self.scale = definition.SCALES[survey.kind]
        self.anonymous = survey.content.get("anonymous") is True
        low, high = self.scale
        super().__init__(data, initial={"low": low, "high": high, **said}, prefix=prefix)
        for name in ("low", "high"):
            self.fields[name].widget.attrs.update(min=low, max=high)

    @property
    def is_empty(self) -> bool:
        return not self.cleaned_data.get("name")

    def clean_review(self) -> str:
        address: str = self.cleaned_data["review"].strip()
        if address:
            try:
                parts = urlsplit(address)
            except ValueError as error:
                raise forms.ValidationError(_("This is not an address.")) from error
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise forms.ValidationError(_("An address begins with https://."))
        return address

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors or self.is_empty:
            return said
        low, high = self.scale
        said["low"] = low if said.get("low") is None else said["low"]
        said["high"] = high if said.get("high") is None else said["high"]
        if not low <= said["low"] <= said["high"] <= high:
            words = _("The scores go from %(low)d to %(high)d, the lower one first.")
            self.add_error("low", words % {"low": low, "high": high})
        if said["reopen"] and self.anonymous:
            self.add_error("reopen", _("Nobody is to see who answered: the ticket cannot open again."))
        if not any(said[name] for name in ("follow_up_hours", "reopen", "thank", "review")):
            self.add_error("name", _("Say what is to follow."))
        return said

    def kept(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.fields}


def rules(survey: Survey, data: Any = None) -> list[RuleForm]:
    rows = [*list(survey.rules), *[{}] * EMPTY_ROWS][:MOST_RULES]
    return [RuleForm(survey, one, f"r{place}", data) for place, one in enumerate(rows)]


class DefectsForm(forms.Form):
    late_minutes = forms.IntegerField(
        label=gettext_lazy("First reply later than minutes"), min_value=1, max_value=60 * 24 * 90, required=False,
        help_text=gettext_lazy("Left empty, lateness is no defect."),
    )  # fmt: skip
    low_score = forms.IntegerField(label=gettext_lazy("Score of this or lower"), required=False)
    reopened = forms.BooleanField(label=gettext_lazy("Open again after it was resolved"), required=False)

    def __init__(self, survey: Survey, data: Any = None) -> None:
        said = definition.defects(survey.defects)
        initial = {"late_minutes": said.late_minutes, "low_score": said.low_score, "reopened": said.reopened}
        super().__init__(data, initial=initial, prefix="d")

    def kept(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class OutcomeForm(forms.Form):
    outcome = forms.ChoiceField(label=gettext_lazy("What came of it"), choices=FollowUp.Outcome.choices)
    note = forms.CharField(
        label=gettext_lazy("Note"), max_length=2000, required=False, widget=forms.Textarea({"rows": 3})
    )


def clean_kinds() -> list[str]:
    """Kinds of channel that one can play the customer of."""
    return [kind for kind in registry.kinds() if registry.adapter(kind).has_playground]
