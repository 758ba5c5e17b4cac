"""What people type about themselves and about colleagues."""

from __future__ import annotations

import unicodedata
import zoneinfo
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from agents import pictures
from agents.models import Agent, Invitation, Team
from agents.staff import AGENT

if TYPE_CHECKING:
    ProfileForm = forms.ModelForm[Agent]
else:
    ProfileForm = forms.ModelForm

# Where the first users are comes first.
NEAR = (
    "Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura", "Asia/Kuala_Lumpur", "Asia/Kuching", "Asia/Bangkok",
    "Asia/Singapore", "UTC",
)  # fmt: skip


# What turns the direction of the text around it, so that a name could hide what it says.
STEERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Line(forms.CharField):
    """One line with something to see in it: line breaks become spaces, invisible steering is refused."""

    def to_python(self, value: Any) -> str:
        return " ".join((super().to_python(value) or "").split())

    def validate(self, value: Any) -> None:
        super().validate(value)
        if self.max_length and len(value) > self.max_length:
            # Said by the length's own check; a megabyte is not looked through first.
            return
        if any(unicodedata.category(c) == "Cc" or c in STEERING for c in value):
            raise ValidationError(_("This has characters that cannot be shown."))
        if value and not any(unicodedata.category(c)[0] in "LNPS" for c in value):
            raise ValidationError(_("Use at least one letter or digit."))


class Paragraph(forms.CharField):
    """A text on as many lines as it has; what no screen can show is refused."""

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n").strip()

    def validate(self, value: Any) -> None:
        super().validate(value)
        within = not self.max_length or len(value) <= self.max_length
        if within and any((unicodedata.category(c) == "Cc" and c not in "\n\t") or c in STEERING for c in value):
            raise ValidationError(_("This has characters that cannot be shown."))


class Ids(forms.TypedMultipleChoiceField):
    """Some of these rows, as ids; compared here, so that no number can be too large for the database."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, rows: Iterable[Any] = (), **options: Any) -> None:
        options.setdefault("required", False)
        super().__init__(coerce=int, choices=[(row.pk, str(row)) for row in rows], **options)


@cache
def far() -> tuple[str, ...]:
    """All others; read once, because each is a file of the system."""
    names = zoneinfo.available_timezones().difference(NEAR)
    return tuple(sorted(name for name in names if "/" in name and not name.startswith("Etc/")))


def zones() -> list[tuple[Any, Any]]:
    near = [(name, name.replace("_", " ")) for name in NEAR]
    rest = [(name, name.replace("_", " ")) for name in far()]
    return [("", _("As the desk (%(zone)s)") % {"zone": settings.TIME_ZONE}), (_("Near"), near), (_("All"), rest)]


class Profile(ProfileForm):
    name = Line(label=_("Name"), max_length=150, help_text=_("Customers may see it beside your answers."))
    language = forms.ChoiceField(label=_("Language"), required=False)
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)
    signature = Paragraph(
        label=_("Signature"),
        max_length=2000,
        required=False,
        help_text=_("Stands under your mails, unless the channel has one without {signature}."),
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )
    picture = forms.FileField(
        label=_("Picture"),
        required=False,
        help_text=_("PNG, JPEG, WebP or GIF, at most 5 MB. Customers see it in the chat on your website."),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/gif"}),
    )
    no_picture = forms.BooleanField(label=_("Remove the picture"), required=False)

    class Meta:
        model = Agent
        fields = ("name", "language", "time_zone", "signature")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language, zone = self.fields["language"], self.fields["time_zone"]
        assert isinstance(language, forms.ChoiceField)
        assert isinstance(zone, forms.ChoiceField)
        self.fields["name"].widget.attrs.update(autocomplete="name", dir="auto")
        language.choices = [("", _("As the browser asks")), *settings.LANGUAGES]
        zone.choices = zones()
        if not self.instance.picture:
            del self.fields["no_picture"]

    def clean_picture(self) -> bytes | None:
        """As it is kept; b"": the one there is goes; None: nothing is said of it."""
        given = self.cleaned_data["picture"]
        if given is None:
            return b"" if self.data.get("no_picture") and self.instance.picture else None
        try:
            if given.size > pictures.MOST_BYTES:
                raise pictures.Unusable
            return pictures.small(given)
        except pictures.Unusable as error:
            raise ValidationError(_("This picture cannot be used. Choose another one.")) from error


class NewToken(forms.Form):
    name = Line(
        label=_("Name"),
        max_length=100,
        help_text=_("What uses it: a cash desk, a script, a partner. It is shown in the list only."),
    )


class Person(forms.Form):
    """A colleague as an administrator may change them."""

    name = Line(label=_("Name"), max_length=150)
    role = forms.ChoiceField(label=_("Role"), choices=Agent.Role.choices)

    def __init__(self, *args: Any, teams: Iterable[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs.update(autocomplete="off", dir="auto")
        self.fields["teams"] = Ids(teams, label=_("Teams"))


class Invite(Person):
    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    field_order = ("email", "name", "role", "teams")

    def __init__(self, *args: Any, by: Agent, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].widget.attrs.update(autocomplete="off")
        if not by.is_admin:
            role, teams = self.fields["role"], self.fields["teams"]
            assert isinstance(role, forms.ChoiceField)
            role.choices = [(AGENT.value, AGENT.label)]
            teams.required = True


class Accept(forms.Form):
    """The one who was invited says who they are."""

    name = Line(label=_("Your name"), max_length=150, help_text=_("Customers may see it beside your answers."))
    password = forms.CharField(label=_("Password"), max_length=200, strip=False, widget=forms.PasswordInput)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invitation = invitation
        self.fields["name"].widget.attrs.update(autocomplete="name", dir="auto")
        self.fields["password"].widget.attrs.update(autocomplete="new-password")
        self.fields["password"].help_text = " ".join(map(str, password_validators_help_texts()))

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, Agent(email=self.invitation.email, name=self.cleaned_data.get("name", "")))
        return password
