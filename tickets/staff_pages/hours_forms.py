"""What is typed about opening hours. A week is pairs of times; an empty pair is none, and a new one stands below."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agents.forms import Line, zones
from agents.hours import weekly
from agents.hours.models import Away, Schedule
from agents.models import Team
from tickets import holidays

PAIRS = 2
LONGEST_TEXT = 1000


class Week:
    """Seven days of pairs as they stand in a form: ``d0-0-from``, ``d0-0-to``."""

    def __init__(self, stored: list[list[list[str]]], sent: QueryDict | None = None) -> None:
        self.sent = sent
        self.days = [self._day(sent, day) for day in range(7)] if sent is not None else stored
        self.errors: dict[int, str] = {}

    @staticmethod
    def _day(sent: QueryDict, day: int) -> list[list[str]]:
        pairs = [
            [sent.get(f"d{day}-{place}-from", "").strip()[:5], sent.get(f"d{day}-{place}-to", "").strip()[:5]]
            for place in range(weekly.MOST_A_DAY + 1)
        ]
        return [pair for pair in pairs if any(pair)]

    def copy_monday(self) -> None:
        """To the other weekdays."""
        self.days = [list(self.days[0]) if 0 < day < 5 else self.days[day] for day in range(7)]

    def is_valid(self) -> bool:
        for place, day in enumerate(self.days):
            try:
                self.days[place] = weekly.written(weekly.spans(day))
            except weekly.Unreadable as error:
                self.errors[place] = str(error)
        return not self.errors

    def rows(self) -> list[dict[str, Any]]:
        """For the page: each day's name, its pairs and an empty one, and what is wrong with it."""
        found = []
        for day, pairs in enumerate(self.days):
            shown = [[start, "00:00" if end == "24:00" else end] for start, end in pairs]
            shown += [["", ""]] * (1 if len(pairs) >= PAIRS else PAIRS - len(pairs))
            error = self.errors.get(day, "")
            found.append({"day": day, "name": WEEKDAYS[day], "pairs": shown, "error": error, "open": bool(pairs)})
        return found


class ScheduleForm(forms.Form):
    name = Line(label=gettext_lazy("Name"), max_length=100)
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"))
    team = forms.TypedChoiceField(
        label=gettext_lazy("Whose leads may change it"), required=False, coerce=int, empty_value=None
    )
    is_default = forms.BooleanField(
        label=gettext_lazy("For every team and channel that has no hours of its own"), required=False
    )

    def __init__(self, *args: Any, teams: Iterable[Team], by_admin: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone, team = self.fields["time_zone"], self.fields["team"]
        assert isinstance(zone, forms.ChoiceField)
        assert isinstance(team, forms.ChoiceField)
        zone.choices = zones()[1:]
        zone.initial = settings.TIME_ZONE
        rows = [(row.pk, row.name) for row in teams]
        team.choices = [("", _("Administrators alone")), *rows] if by_admin else rows
        if not by_admin:
            team.required = True
            del self.fields["is_default"]


class HolidayForm(forms.Form):
    first = forms.DateField(label=gettext_lazy("Day"), widget=forms.DateInput({"type": "date"}))
    last = forms.DateField(
        label=gettext_lazy("Until (if it is several days)"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
    )
    name = Line(label=gettext_lazy("Name"), max_length=200, required=False)
    opens = forms.TimeField(label=gettext_lazy("Open from"), required=False, widget=forms.TimeInput({"type": "time"}))
    closes = forms.TimeField(label=gettext_lazy("Open until"), required=False, widget=forms.TimeInput({"type": "time"}))

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        first, last = given.get("first"), given.get("last")
        if first and last and last < first:
            self.add_error("last", _("The last day is before the first."))
        if first and last and (last - first).days > 366:
            self.add_error("last", _("That is longer than a year."))
        opens, closes = given.get("opens"), given.get("closes")
        if "opens" in given and "closes" in given and (opens is None) != (closes is None):
            self.add_error("closes", _("Give both times, or none for a day that is closed."))
        given["last"] = last or first
        given["hours"] = [[f"{opens:%H:%M}", f"{closes:%H:%M}"]] if opens is not None and closes is not None else []
        return given


class FeedForm(forms.Form):
    feed_url = forms.CharField(
        label=gettext_lazy("Address of the feed"),
        max_length=500,
        required=False,
        widget=forms.URLInput({"placeholder": "https://…/holidays.ics", "autocomplete": "off"}),
        help_text=gettext_lazy("Read once a day. Its whole days are holidays; leave it empty to end that."),
    )

    def clean_feed_url(self) -> str:
        url: str = self.cleaned_data["feed_url"]
        if not holidays.is_address(url):
            raise forms.ValidationError(_("Write a web address like https://calendar.example/holidays.ics."))
        return url


class FileForm(forms.Form):
    file = forms.FileField(label=gettext_lazy("iCalendar file (.ics)"))


class KeptForm(forms.Form):
    """A team's or a channel's hours, and what is said while nobody is there."""

    schedule = forms.TypedChoiceField(label=gettext_lazy("Opening hours"), required=False, coerce=int, empty_value=None)
    away_on = forms.BooleanField(
        label=gettext_lazy("Tell customers who write while it is closed"),
        required=False,
        help_text=gettext_lazy("Once per conversation until it opens again. {opens} becomes the time of opening."),
    )

    def __init__(self, *args: Any, row: Away, schedules: Iterable[Schedule], nothing: str, **kwargs: Any) -> None:
        initial = {"schedule": getattr(row, "schedule_id", None), "away_on": row.away_on}
        initial |= {f"text_{code}": row.away_texts.get(code, "") for code, _name in settings.LANGUAGES}
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        chosen = self.fields["schedule"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = [("", nothing), *((one.pk, one.name) for one in schedules)]
        for code, name in settings.LANGUAGES:
            self.fields[f"text_{code}"] = forms.CharField(
                label=name,
                max_length=LONGEST_TEXT,
                required=False,
                widget=forms.Textarea({"rows": 2, "lang": code}),
            )

    def texts(self) -> dict[str, str]:
        found = {code: self.cleaned_data[f"text_{code}"].strip() for code, _name in settings.LANGUAGES}
        return {code: text for code, text in found.items() if text}

    def text_fields(self) -> list[forms.BoundField]:
        return [self[f"text_{code}"] for code, _name in settings.LANGUAGES]
