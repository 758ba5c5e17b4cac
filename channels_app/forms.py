"""The form of a channel, made from what its adapter declares.

Secrets go in and never out: what is kept is said, not shown, and what was typed beside a mistake is
typed again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agents.models import Team
from channels_app import checks, pieces, registry, vault
from channels_app.contract import BASE_URL, Field, Preset, SettingsInvalid, clean_text
from channels_app.models import Channel

PREFIX = "setting-"
REMOVE = "remove-"
LONGEST_SHOWN = 20_000


@dataclass(frozen=True, slots=True)
class Row:
    """One setting in the form. kept: a secret that is there; remove: the box that takes it away."""

    field: forms.BoundField
    secret: bool
    kept: bool
    remove: forms.BoundField | None


@dataclass(frozen=True, slots=True)
class Whole:
    """One setting that is asked for in pieces."""

    label: str
    help: str
    pieces: list[Row]


@dataclass(frozen=True, slots=True)
class Group:
    """Settings that belong together, shut until one looks for them."""

    title: str
    rows: list[Row | Whole]
    opened: bool


class ChannelForm(forms.Form):
    """For a new channel of a kind (channel None), or a change. ``save`` gives the row."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=150)
    team = forms.ModelChoiceField(
        Team.objects.none(), label=gettext_lazy("Team"), required=False, empty_label=gettext_lazy("All teams")
    )

    def __init__(
        self,
        kind: str,
        data: Any = None,
        *,
        channel: Channel | None = None,
        team: int | None = None,
        preset: str | None = None,
    ) -> None:
        """preset: the name of a provider whose values it begins with."""
        super().__init__(data, initial={"name": channel.name if channel else "", "team": team})
        self.kind, self.channel = kind, channel
        self.again: set[str] = set()
        self.old, self.sealed = _old(channel)
        self.declared = registry.adapter(kind).fields
        self.presets = registry.adapter(kind).presets
        self.preset: Preset | None = next((one for one in self.presets if one.name == preset), None)
        self.kept = pieces.kept(self.declared, self.old or {})
        teams = self.fields["team"]
        assert isinstance(teams, forms.ModelChoiceField)
        teams.queryset = Team.objects.order_by("name", "pk")
        self.fields["name"].help_text = _("Agents see it beside each conversation.")
        self.fields["team"].help_text = _("Who sees what arrives here.")
        for field in self._singly():
            self.fields[PREFIX + field.name] = self._field(field)
            if self._removable(field):
                self.fields[REMOVE + field.name] = forms.BooleanField(
                    label=_("Remove what is kept"), required=False, label_suffix=""
                )

    def _singly(self) -> list[Field]:
        """What is typed, each in a field of its own."""
        return [piece for field in self.declared for piece in pieces.of(field)]

    # ── what it looks like ──

    def _field(self, field: Field) -> forms.Field:
        kept = self.kept.get(field.name)
        known: dict[str, Any] = {"label": field.label, "help_text": self._help(field), "required": False}
        if field.secret:
            return forms.CharField(**known, widget=forms.PasswordInput(attrs=_quiet(kept=bool(kept))))
        initial = kept if self.old is not None else field.default
        if self.preset and field.name in self.preset.values:
            initial = self.preset.values[field.name]
        if field.choices or field.shape == "colour":
            # What a browser would choose by itself is the first one, or black.
            initial = initial or field.default
        if field.choices or field.names_channel:
            choices = [(value, words) for value, words in field.choices]
            if field.names_channel:
                choices = [(str(row.pk), row.name) for row in checks.choosable(field)]
            if not (field.required or field.default):
                choices.insert(0, ("", "—"))
            return forms.CharField(**known, initial=initial, widget=forms.Select(choices=choices))
        if initial not in (None, "") and not isinstance(initial, str):
            text = json.dumps(initial, ensure_ascii=False, indent=2)
            return _Json(**known, initial=text, widget=forms.Textarea(attrs={**_quiet(), "rows": 5}))
        if field.several_lines:
            return forms.CharField(**known, initial=initial, widget=forms.Textarea(attrs={**_quiet(), "rows": 3}))
        return forms.CharField(**known, initial=initial, widget=_widget(field))

    def _help(self, field: Field) -> str:
        """The adapter's words, and for a secret what leaving it empty means."""
        more = ""
        if field.secret and self.kept.get(field.name):
            more = _("Kept, and not shown. Type to replace it.")
        elif field.generate and self.old is None:
            more = _("Leave it empty, and one is made.")
        return " ".join(str(part) for part in (field.help, more) if part)

    def _removable(self, field: Field) -> bool:
        return bool(field.secret and not field.required and self.kept.get(field.name))

    def rows(self) -> Iterator[Row | Whole]:
        """Those that one looks at first."""
        yield from (self._whole(field) for field in self.declared if field is not BASE_URL and not field.group)

    def groups(self) -> list[Group]:
        """The others, under their headings, in the order in which the adapter has them; the rarest last."""
        found: dict[str, list[Field]] = {}
        for field in self.declared:
            if field.group and field is not BASE_URL:
                found.setdefault(str(field.group), []).append(field)
        groups = [
            Group(
                title,
                [self._whole(field) for field in fields],
                opened=any(row.field.errors for row in self._flat(fields)) or self._is_preset(fields),
            )
            for title, fields in found.items()
        ]
        rare = [self._row(field) for field in self.declared if field is BASE_URL]
        if rare:
            # Something is in it, or wrong with it.
            opened = any(row.field.errors or row.field.value() for row in rare)
            groups.append(Group(_("Seldom needed"), list(rare), opened=opened))
        return groups

    def everything(self) -> list[Row]:
        return self._flat(self.declared)

    def _is_preset(self, fields: list[Field]) -> bool:
        """The chosen provider says something about it, so it is to be seen."""
        said = self.preset.values if self.preset else {}
        return any(piece.name in said for field in fields for piece in pieces.of(field))

    def _whole(self, field: Field) -> Row | Whole:
        if field.parts is None:
            return self._row(field)
        return Whole(str(field.label), str(field.help), self._flat([field]))

    def _flat(self, fields: Iterable[Field]) -> list[Row]:
        return [self._row(piece) for field in fields for piece in pieces.of(field)]

    def _row(self, field: Field) -> Row:
        remove = REMOVE + field.name
        return Row(
            field=self[PREFIX + field.name],
            secret=field.secret,
            kept=bool(field.secret and self.kept.get(field.name)),
            remove=self[remove] if remove in self.fields else None,
        )

    # ── what it takes ──

    def clean_name(self) -> str:
        name = " ".join(clean_text(self.cleaned_data["name"]).split())
        if not name:
            raise forms.ValidationError(_("This is needed."))
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        try:
            given = {field.name: value for field in self.declared if (value := self._given(field, cleaned)) is not None}
            self.complete = checks.complete(self.kind, given, self.old)
        except SettingsInvalid as error:
            for name, words in error.errors.items():
                self.add_error(self._place(name), str(words))
        if self.errors:
            self._ask_again(cleaned)
        return cleaned

    def _place(self, name: str) -> str | None:
        """Where a mistake is said: of a setting in pieces at the secret one, which is what has to be typed again."""
        if PREFIX + name in self.fields:
            return PREFIX + name
        found = next((pieces.of(field) for field in self.declared if field.name == name), ())
        at = next((piece for piece in found if piece.secret), found[0] if found else None)
        return PREFIX + at.name if at else None

    def _given(self, field: Field, cleaned: dict[str, Any]) -> Any:
        """None: nothing was said about it."""
        if field.parts is not None:
            return self._joined(field, cleaned)
        value = cleaned.get(PREFIX + field.name)
        if value not in (None, ""):
            return value
        if field.secret:
            return "" if cleaned.get(REMOVE + field.name) else None
        if field.generate and self.old is None:
            return None
        return "" if value == "" else None

    def _joined(self, field: Field, cleaned: dict[str, Any]) -> str | None:
        found = {piece.name: PREFIX + pieces.name(field, piece) for piece in field.parts.fields} if field.parts else {}
        removed = frozenset(one for one, name in found.items() if cleaned.get(REMOVE + name.removeprefix(PREFIX)))
        typed = {one: str(cleaned.get(name) or "") for one, name in found.items()}
        try:
            return pieces.joined(field, typed, str((self.old or {}).get(field.name) or ""), removed)
        except SettingsInvalid as error:
            raise SettingsInvalid({f"{field.name}-{one}": words for one, words in error.errors.items()}) from error

    def _ask_again(self, cleaned: dict[str, Any]) -> None:
        for field in self._singly():
            name = PREFIX + field.name
            if field.secret and cleaned.get(name) and name not in self.errors:
                self.again.add(name)
                self.add_error(name, _("Type it once more: a secret is not sent back to the page."))

    def mistakes(self) -> dict[str, list[str]]:
        """Field → words, without the requests to type a secret once more beside another's mistake."""
        found = {name: [str(one) for one in errors] for name, errors in self.errors.items()}
        return {name: words for name, words in found.items() if name not in self.again}

    def save(self) -> Channel:
        """The caller holds the row's lock when it is a change."""
        row = self.channel or Channel(kind=self.kind)
        row.name, row.team = self.cleaned_data["name"], self.cleaned_data["team"]
        row.put_settings(self.complete)
        if row.pk:
            row.save(update_fields=["name", "team", "public_settings", "sealed_settings", "failure_category"])
        else:
            row.save()
        return row


class _Json(forms.CharField):
    """A setting that is no text."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return json.loads(text) if text else ""
        except (ValueError, RecursionError):
            raise forms.ValidationError(_("This must be JSON.")) from None


def _widget(field: Field) -> forms.Widget:
    if field.is_url:
        return forms.URLInput(attrs=_quiet())
    if field.shape == "colour":
        return forms.TextInput(attrs={"type": "color"})
    if field.shape == "number":
        return forms.NumberInput(attrs={"min": field.least, "max": field.most, "inputmode": "numeric"})
    return forms.TextInput(attrs={**_quiet(), "maxlength": field.longest})


def _old(channel: Channel | None) -> tuple[dict[str, Any] | None, bool]:
    """What is kept, and whether its secrets cannot be read any more (then they are missing)."""
    if channel is None:
        return None, False
    try:
        return channel.clear_settings(), False
    except vault.Unreadable:
        return dict(channel.public_settings), True


def _quiet(*, kept: bool = False) -> dict[str, Any]:
    quiet: dict[str, Any] = {
        "autocomplete": "off", "spellcheck": "false", "autocapitalize": "off", "dir": "auto", "data-1p-ignore": True,
    }  # fmt: skip
    return {**quiet, "placeholder": "••••••••", "autocomplete": "new-password"} if kept else quiet
