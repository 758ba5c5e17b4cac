"""SLA policies: what is promised for which tickets, in order, and what follows when it is not kept."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from agents.forms import Ids, Line
from agents.hours import weekly
from agents.models import Agent, Team
from channels_app.hours import book
from channels_app.models import Channel
from tickets.models import Ticket
from tickets.sla import following
from tickets.sla.models import MOST_MINUTES, Kind, Policy
from tickets.staff_pages.doors import administrators, leaders, me, one, sent

GET_OR_POST = ["GET", "POST"]
MOMENTS = ("warned", "breached")
NOTHING = gettext_lazy("Leave it")


class PolicyForm(forms.Form):
    name = Line(label=gettext_lazy("Name"), max_length=100)
    enabled = forms.BooleanField(label=gettext_lazy("In force"), required=False)
    business = forms.BooleanField(label=gettext_lazy("Count opening hours only"), required=False)
    warn_percent = forms.IntegerField(
        label=gettext_lazy("Warn after this part of the time (%)"), required=False, min_value=1, max_value=99
    )
    warn_minutes = forms.IntegerField(
        label=gettext_lazy("or so many minutes before"), required=False, min_value=1, max_value=MOST_MINUTES
    )
    priorities = forms.MultipleChoiceField(
        label=gettext_lazy("Priorities"),
        required=False,
        choices=Ticket.Priority.choices,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, policy: Policy, **kwargs: Any) -> None:
        kwargs["initial"] = _initial(policy)
        super().__init__(*args, **kwargs)
        teams, channels = list(Team.objects.all()), list(Channel.objects.all())
        self.fields["teams"] = Ids(teams, label=_("Teams"))
        self.fields["channels"] = Ids(channels, label=_("Channels"))
        for priority, _words in Ticket.Priority.choices:
            for kind, _words in Kind.choices:
                self.fields[f"target-{priority}-{kind}"] = forms.IntegerField(
                    required=False, min_value=1, max_value=MOST_MINUTES
                )
        agents = list(Agent.objects.filter(is_active=True))
        for moment in MOMENTS:
            self.fields[f"{moment}-notify"] = forms.BooleanField(
                label=_("Tell the team’s leads and whoever has it"), required=False
            )
            self.fields[f"{moment}-priority"] = _choice(_("Raise the priority to"), Ticket.Priority.choices)
            self.fields[f"{moment}-team"] = _choice(_("Move to the team"), [(row.pk, row.name) for row in teams])
            self.fields[f"{moment}-assign"] = _choice(_("Assign to"), [(row.pk, row.name) for row in agents])
            self.fields[f"{moment}-release"] = forms.BooleanField(label=_("Give it back to the queue"), required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("warn_percent") and given.get("warn_minutes"):
            self.add_error("warn_minutes", _("Give one of the two."))
        if not any(value for name, value in given.items() if name.startswith("target-")) and not any(
            name.startswith("target-") for name in self.errors
        ):
            self.add_error(None, _("Promise something: fill in at least one time."))
        for moment in MOMENTS:
            if given.get(f"{moment}-assign") and given.get(f"{moment}-release"):
                self.add_error(f"{moment}-assign", _("It can be assigned or given back, not both."))
        return given

    def rows(self) -> list[tuple[str, list[tuple[str, forms.BoundField]]]]:
        """Of the table: (priority, [(kind, field)])."""
        return [
            (str(words), [(str(label), self[f"target-{priority}-{kind}"]) for kind, label in Kind.choices])
            for priority, words in Ticket.Priority.choices
        ]

    def moments(self) -> list[tuple[str, list[forms.BoundField], list[forms.BoundField]]]:
        """(title, what is ticked, what is chosen)."""
        titles = {"warned": _("When it is nearly due"), "breached": _("When it is overdue")}
        return [
            (
                titles[moment],
                [self[f"{moment}-{name}"] for name in ("notify", "release")],
                [self[f"{moment}-{name}"] for name in ("priority", "team", "assign")],
            )
            for moment in MOMENTS
        ]

    def put(self, policy: Policy) -> None:
        given = self.cleaned_data
        for name in ("name", "enabled", "business", "warn_percent", "warn_minutes", "teams", "channels", "priorities"):
            setattr(policy, name, given[name])
        policy.targets = {
            priority: targets
            for priority in Ticket.Priority.values
            if (targets := {k: v for k in Kind.values if (v := given.get(f"target-{priority}-{k}"))})
        }
        policy.escalations = {moment: self._deeds(moment) for moment in MOMENTS}

    def _deeds(self, moment: str) -> list[dict[str, Any]]:
        """In the order in which they are done: whoever is told is told of where it went."""
        given = self.cleaned_data
        deeds: list[dict[str, Any]] = []
        for name, number in (("priority", False), ("team", True), ("assign", True)):
            value = given[f"{moment}-{name}"]
            if value:
                deeds.append({"do": name, "value": int(value) if number else value})
        deeds += [{"do": name} for name in ("release", "notify") if given[f"{moment}-{name}"]]
        return deeds


def _choice(label: str, choices: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=[("", NOTHING), *choices])


def _initial(policy: Policy) -> dict[str, Any]:
    names = ("name", "enabled", "business", "warn_percent", "warn_minutes", "teams", "channels", "priorities")
    found = {name: getattr(policy, name) for name in names}
    for priority, targets in policy.targets.items():
        found |= {f"target-{priority}-{kind}": minutes for kind, minutes in targets.items()}
    for moment, deeds in policy.escalations.items():
        found |= {f"{moment}-{deed['do']}": deed.get("value", True) for deed in deeds}
    return found


@leaders
@require_http_methods(["GET"])
def policies(request: HttpRequest) -> HttpResponse:
    """In the order in which they are asked. Leads look; administrators change."""
    rows = list(Policy.objects.all())
    teams, channels = dict(Team.objects.values_list("pk", "name")), dict(Channel.objects.values_list("pk", "name"))
    covered = False
    shown = []
    for row in rows:
        shown.append((row, _conditions(row, teams, channels), _warnings(row, teams, channels, covered)))
        covered = covered or (row.enabled and not (row.teams or row.channels or row.priorities))
    return render(request, "settings/policies.html", {"rows": shown, "by_admin": me(request).is_admin})


def _conditions(row: Policy, teams: dict[int, str], channels: dict[int, str]) -> list[str]:
    labels = dict(Ticket.Priority.choices)
    said = [
        ", ".join(teams.get(pk, _("a team that is gone")) for pk in row.teams),
        ", ".join(channels.get(pk, _("a channel that is gone")) for pk in row.channels),
        ", ".join(str(labels.get(name, name)) for name in row.priorities),
    ]
    return [words for words in said if words] or [_("All tickets")]


def _warnings(row: Policy, teams: dict[int, str], channels: dict[int, str], covered: bool) -> list[str]:
    said = []
    if row.enabled and covered:
        said.append(_("A policy above takes all tickets, so this one is only reached by rules."))
    if row.teams and not any(pk in teams for pk in row.teams):
        said.append(_("Its teams are gone: it fits no ticket."))
    if row.channels and not any(pk in channels for pk in row.channels):
        said.append(_("Its channels are gone: it fits no ticket."))
    today = timezone.now().date()
    never = any(weekly.never(one.weekly, one.special.items(), today) for one in book.get().schedules.values())
    if row.enabled and row.business and never:
        said.append(_("There are opening hours that never open: for whoever keeps them nothing is ever due."))
    promised = {kind for targets in row.targets.values() for kind in targets}
    if not promised:
        said.append(_("It promises nothing."))
    return said


@administrators
@require_http_methods(GET_OR_POST)
def new(request: HttpRequest) -> HttpResponse:
    last = Policy.objects.order_by("-position").values_list("position", flat=True).first()
    return _edited(request, Policy(position=(last or 0) + 1, warn_percent=80))


@administrators
@require_http_methods(GET_OR_POST)
def policy(request: HttpRequest, policy_id: int) -> HttpResponse:
    return _edited(request, one(Policy.objects.all(), policy_id))


def _edited(request: HttpRequest, row: Policy) -> HttpResponse:
    form = PolicyForm(sent(request), policy=row)
    if request.method == "POST" and form.is_valid():
        changed = Policy.objects.get(pk=row.pk) if row.pk else row
        form.put(changed)
        try:
            with transaction.atomic():
                changed.save()
        except IntegrityError:
            form.add_error("name", _("Another policy has this name."))
        else:
            following.policies.forget()
            messages.success(request, _("Saved"))
            return redirect("settings_sla")
    return render(request, "settings/policy.html", {"policy": row, "form": form}, status=422 if form.errors else 200)


@administrators
@require_POST
def move(request: HttpRequest, policy_id: int) -> HttpResponse:
    """One place up or down."""
    row = one(Policy.objects.all(), policy_id)
    with transaction.atomic():
        order = list(Policy.objects.select_for_update().order_by("position", "pk"))
        place = next(place for place, found in enumerate(order) if found.pk == row.pk)
        other = place + (-1 if request.POST.get("to") == "up" else 1)
        if 0 <= other < len(order):
            order[place], order[other] = order[other], order[place]
        for position, found in enumerate(order):
            Policy.objects.filter(pk=found.pk).update(position=position)
        following.policies.forget()
    return redirect("settings_sla")


@administrators
@require_http_methods(GET_OR_POST)
def delete(request: HttpRequest, policy_id: int) -> HttpResponse:
    row = one(Policy.objects.all(), policy_id)
    if request.method == "POST":
        row.delete()
        following.policies.forget()
        messages.success(request, _("The policy “%(name)s” is deleted.") % {"name": row.name})
        return redirect("settings_sla")
    return render(request, "settings/policy_delete.html", {"policy": row})
