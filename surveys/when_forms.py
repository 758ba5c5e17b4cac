"""When a survey is asked, and of whom: what leads type, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agents.forms import Ids
from agents.models import Agent, Team
from channels_app.models import Channel, MessageTemplate
from customers.models import Customer
from surveys import definition
from surveys.models import Survey

LONGEST_DELAY = 60 * 24 * 60
"""Minutes; as ``definition`` reads it."""


class WhenForm(forms.Form):
    delay = forms.IntegerField(label=gettext_lazy("Ask after"), min_value=0, max_value=LONGEST_DELAY)
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
        if (said.get("delay") or 0) * int(said.get("unit") or 1) > LONGEST_DELAY:
            # What is longer would be read as the usual few minutes.
            self.add_error("delay", _("At most 60 days."))
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
