"""What follows from answers, what counts as a defect, and what came of it: what leads type, and what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agents.forms import Line
from surveys import definition
from surveys.forms import EMPTY_ROWS, check_scores
from surveys.models import FollowUp, Survey

MOST_RULES = 20


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
        check_scores(self, said, self.scale)
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
