"""What is typed about queues, about what an agent takes on, and about rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from agents.forms import Ids, Line
from agents.models import Agent, Team
from agents.presence.models import MOST_CAPACITY
from channels_app.models import Channel
from customers.models import Customer
from tickets import people
from tickets.models import Ticket
from tickets.routing import rules
from tickets.routing.models import CHAT, MAIL, Queue, Rule
from tickets.routing.rules import Condition, Wrong
from tickets.sla.models import Policy

if TYPE_CHECKING:
    QueueModelForm = forms.ModelForm[Queue]
else:
    QueueModelForm = forms.ModelForm

LONGEST_LIST = 2_000


class Words(forms.CharField):
    """A list with commas or line breaks between."""

    between = ", "
    longest = rules.LONGEST_WORD

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, max_length=LONGEST_LIST, **options)

    def prepare_value(self, value: Any) -> Any:
        return self.between.join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> Any:
        lines = (super().clean(value) or "").splitlines()
        apart = self.between.strip()
        words = [" ".join(word.split()) for line in lines for word in (line.split(apart) if apart else [line])]
        found = list(dict.fromkeys(word for word in words if word))
        if any(len(word) > self.longest for word in found) or len(found) > rules.MOST_VALUES:
            raise ValidationError(_("The words are too many or too long."))
        return found


class Noted(Words):
    """Attributes, each on a line of its own: a value may have commas."""

    between = "\n"
    longest = rules.LONGEST_ATTRIBUTE

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 2}), **options)


class Several(forms.MultipleChoiceField):
    widget = forms.CheckboxSelectMultiple

    def __init__(self, choices: Any, **options: Any) -> None:
        super().__init__(choices=choices, required=False, **options)


class QueueForm(QueueModelForm):
    """How a team gives out work."""

    class Meta:
        model = Queue
        fields = ("mode", "strategy", "sticky", "language", "offer_seconds", "fallback_minutes", "ring_minutes")
        labels = {
            "mode": _("New tickets"),
            "strategy": _("Who gets them"),
            "sticky": _("Whoever had the customer before comes first, while they have room"),
            "language": _("The customer's language"),
            "offer_seconds": _("Seconds to answer an offer"),
            "fallback_minutes": _("Minutes after which skills and language are only preferred"),
            "ring_minutes": _("Minutes between two bells for the lead"),
        }
        help_texts = {
            "fallback_minutes": _("0: they always count. A ticket that needs a skill nobody has then waits."),
            "ring_minutes": _("The lead is told when tickets wait that nobody can take."),
        }


def weight_fields(channels: Sequence[Channel], known: Mapping[int, int]) -> type[forms.Form]:
    """One number per channel; empty is the usual."""
    fields: dict[str, Any] = {}
    for channel in channels:
        usual = MAIL if _threads(channel) else CHAT
        fields[f"weight-{channel.pk}"] = forms.IntegerField(
            label=channel.name,
            required=False,
            min_value=1,
            max_value=100,
            initial=known.get(channel.pk),
            widget=forms.NumberInput(attrs={"placeholder": usual}),
        )
    return type("WeightForm", (forms.Form,), fields)


def _threads(channel: Channel) -> bool:
    try:
        return channel.adapter.threads
    except LookupError:
        return False


class SeatForm(forms.Form):
    """What an agent takes on."""

    capacity = forms.IntegerField(
        label=_("Capacity"), min_value=0, max_value=MOST_CAPACITY,
        help_text=_("How much weighs on them at once. A mail weighs 1, a chat 2, unless its channel says otherwise."),
    )  # fmt: skip
    skills = Words(label=_("Skills"), help_text=_("Words with commas between, like: refunds, billing."))
    languages = Several((), label=_("Languages"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["languages"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(code, name) for code, name in people.languages("") if code]

    def clean_skills(self) -> list[str]:
        return list(dict.fromkeys(word.lower() for word in self.cleaned_data["skills"]))


HOURS = [("", _("It does not matter")), (rules.OPEN, _("Open")), (rules.CLOSED, _("Closed"))]
NOT = _("Not these")


class RuleForm(forms.Form):
    """One field per kind of condition and action; what is left empty does not count."""

    name = Line(label=_("Name"), max_length=100)
    text = Words(
        label=_("Subject or first message has one of"),
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Words or phrases, with commas or on lines of their own."),
    )
    word = Words(
        label=_("Subject or first message has one of these whole words"),
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("“art” does not find “party”. In a language without spaces, like Thai, use the field above."),
    )
    tag = Words(label=_("Has one of the tags"))
    hours = forms.ChoiceField(label=_("When it came, the channel was"), choices=HOURS, required=False)
    previous = forms.ChoiceField(label=_("Who had the customer before"), required=False)
    standing = Several(Customer.Standing.choices, label=_("Standing"))
    type = Several(Customer.Type.choices, label=_("Kind of customer"))
    party = Several(Customer.Party.choices, label=_("Person, business or group"))
    customer_tag = Words(label=_("The customer has one of the tags"))
    attribute = Noted(
        label=_("Attributes of the customer"),
        help_text=_(
            "One on each line: plan = gold, orders > 10, or only a name. Any of the lines is enough. "
            "What has to be so together stands on one line: plan = gold && country = th."
        ),
    )
    said = Noted(
        label=_("Said by the visitor or the website, not verified"),
        help_text=_(
            "Written as above, about what your website or the visitors say in the chat. Anybody can make it up."
        ),
    )
    set_priority = forms.ChoiceField(label=_("Priority"), required=False)
    add_tags = Words(label=_("Add tags"))
    need_skills = Words(label=_("Skills needed"))
    reply = forms.CharField(
        label=_("Automatic reply"), required=False, max_length=rules.LONGEST_REPLY,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Sent once, as it stands here. Never to machines, mailing lists or ourselves."),
    )  # fmt: skip

    MANY = (
        "channel", "language", "standing", "type", "party", "customer_tag", "attribute", "said", "text", "word", "tag",
    )  # fmt: skip
    ONE = ("hours", "previous")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        nothing = ("", _("Leave it as it is"))
        colleagues = [(str(one.pk), one.name) for one in Agent.objects.filter(is_active=True)]
        fields = self.fields
        fields["channel"] = Ids(Channel.objects.all(), label=_("Channels"))
        fields["language"] = Several(
            [(code, name) for code, name in people.languages("") if code], label=_("The customer's language")
        )
        before = [("", _("It does not matter")), (str(rules.ANYBODY), _("Anybody")), *colleagues]
        _choices(fields["previous"], before)
        _choices(fields["set_priority"], [nothing, *Ticket.Priority.choices])
        for name, label, rows in (
            ("set_team", _("Team"), Team.objects.all()),
            ("set_sla", _("SLA"), Policy.objects.all()),
        ):
            fields[name] = forms.ChoiceField(
                label=label, required=False, choices=[nothing, *((str(row.pk), str(row)) for row in rows)]
            )
        fields["set_agent"] = forms.ChoiceField(label=_("Agent"), required=False, choices=[nothing, *colleagues])
        for name in (*self.MANY, *self.ONE):
            fields[f"not_{name}"] = forms.BooleanField(label=NOT, required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if self.errors:
            return given
        raw = []
        for name in (*self.MANY, *self.ONE):
            values = given.get(name) if name in self.MANY else [given[name]] if given.get(name) else []
            if values:
                values = [int(value) for value in values] if name == "previous" else list(values)
                raw.append({"field": name, "values": values, "not": given[f"not_{name}"]})
        try:
            given["conditions"] = rules.stored(rules.conditions_of(raw))
            given["actions"] = self._actions(given)
            rules.actions_of(given["actions"])
        except Wrong as error:
            raise ValidationError(str(error)) from error
        return given

    @staticmethod
    def _actions(given: dict[str, Any]) -> dict[str, Any]:
        wanted = {
            "team": int(given["set_team"] or 0),
            "sla": int(given["set_sla"] or 0),
            "agent": int(given["set_agent"] or 0),
            "priority": given["set_priority"],
            "tags": given["add_tags"],
            "skills": given["need_skills"],
            "reply": given["reply"].replace("\r\n", "\n"),
        }
        return {name: value for name, value in wanted.items() if value}

    @classmethod
    def initial_of(cls, row: Rule) -> dict[str, Any]:
        """As far as this version reads it."""
        initial: dict[str, Any] = {"name": row.name}
        for one in _read(row):
            values = list(one.values)
            initial[one.field] = values if one.field in cls.MANY else str(values[0])
            initial[f"not_{one.field}"] = one.negative
        actions = row.actions if isinstance(row.actions, dict) else {}
        initial |= {f"set_{name}": actions.get(name, "") for name in ("team", "sla", "agent", "priority")}
        return initial | {
            "add_tags": actions.get("tags", []),
            "need_skills": actions.get("skills", []),
            "reply": actions.get("reply", ""),
        }


def _read(row: Rule) -> tuple[Condition, ...]:
    try:
        return rules.conditions_of(row.conditions)
    except Wrong:
        return ()


def _choices(field: forms.Field, choices: list[tuple[str, Any]]) -> None:
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices
