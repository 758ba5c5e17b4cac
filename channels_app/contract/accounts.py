"""A channel account, what an administrator types for it, and a request, as an adapter sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils.translation import gettext_lazy as _

from channels_app.contract.failures import Words


def _forgotten(values: Mapping[str, str]) -> None:
    """Of an account that stands for no row."""


@dataclass(frozen=True, slots=True)
class Account:
    """One channel of ours with its decrypted settings; never stored, never logged."""

    id: int
    kind: str
    name: str
    settings: Mapping[str, Any] = field(repr=False)
    webhook_url: str = ""
    keep: Callable[[Mapping[str, str]], None] = field(default=_forgotten, repr=False, compare=False)
    """Settings that the platform itself has replaced (``Field.renews``): name → new value."""

    def get(self, name: str) -> str:
        """The setting as text; "" when it is missing."""
        value = self.settings.get(name)
        return "" if value is None else str(value)

    def base_url(self, default: str) -> str:
        """``https://host`` of the platform's API, or what the administrator put in its place."""
        return (self.get("base_url") or default).rstrip("/")


@dataclass(frozen=True, slots=True)
class InboundRequest:
    """One raw HTTP request. header names are lower-case; url is the public one, as signed."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""
    """What follows ``/webhooks/<channel id>/`` in the path, without slashes ("" mostly)."""

    def header(self, name: str) -> str:
        return self.headers.get(name.lower(), "")


@dataclass(frozen=True, slots=True)
class HandshakeAnswer:
    """What a platform's GET challenge is answered with, as plain text."""

    body: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class Parts:
    """One setting that people know in pieces, so that a form asks for these (an address of server, port, user…).

    fields: of the pieces; a secret one is never shown again. join: piece → text to the setting, "" where nothing
    is said; raises SettingsInvalid with the names of pieces. split: the setting to its pieces; never raises.
    """

    fields: tuple[Field, ...]
    join: Callable[[Mapping[str, str]], str]
    split: Callable[[str], Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A provider whose values are known. values: setting, or ``setting-piece``, → text that a form begins with.

    advice: what has to be done there first. link: where.
    """

    name: str
    label: Words
    values: Mapping[str, str]
    advice: Words = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One setting of a channel, from which forms, checks and the API are made.

    secret: encrypted at rest, write-only. generate: made by us when left out. A change of a field
    with redirects=True (it says where credentials go) asks for the secrets again.
    """

    name: str
    label: Words
    help: Words = ""
    secret: bool = False
    required: bool = False
    generate: Callable[[], str] | None = None
    default: str = ""
    choices: tuple[tuple[str, Words], ...] = ()
    is_url: bool = False
    schemes: tuple[str, ...] = ("http", "https")
    """Of an ``is_url``: what it may begin with. Only http and https are asked over our HTTP client."""
    redirects: bool = False
    several_lines: bool = False
    """A text whose line breaks count."""
    shape: Literal["text", "colour", "number"] = "text"
    """What the text has to be: "#rrggbb", or a whole number within ``least`` and ``most``."""
    least: int = 0
    most: int = 1_000_000
    longest: int = 20_000
    """Characters of a text."""
    group: Words = ""
    """Fields of one group stand together in the form under this heading, after those of none."""
    parts: Parts | None = None
    """How a form asks for it; what is kept, and what the API takes, is the one text."""
    renews: bool = False
    """The platform may replace it by itself (``Account.keep``)."""
    names_channel: str = ""
    """The value is the id of another channel of ours: one whose adapter says True under this name."""


BASE_URL = Field(
    name="base_url",
    label=_("API address"),
    help=_("Only for a test server or a proxy: stands in place of the platform's own address."),
    is_url=True,
    redirects=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One visit to a provider, where somebody allows us into their account (RFC 6749, 4.1; RFC 7636).

    state: comes back with the answer, so that it is known whose it is. verifier: proves that who brings the code is
    who asked for it.
    """

    redirect_uri: str
    state: str
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """One line of a live check, in words: what was tried and how it went."""

    ok: bool
    words: Words


READ_RECEIPTS = Field(
    name="read_receipts",
    label=_("Read receipts"),
    help=_("Whether customers are shown that an agent has opened their message."),
    default="off",
    choices=(("on", _("On")), ("off", _("Off"))),
)
"""For the ``fields`` of an adapter whose ``mark_read`` does something; without it nothing is marked."""


CONTINUE_BY = Field(
    name="continue_by",
    label=_("Continue by e-mail"),
    help=_("Answers that a visitor has not seen go to their e-mail address through this channel."),
    names_channel="threads",
)
CONTINUE_AFTER = Field(
    name="continue_after",
    label=_("Minutes to wait before that"),
    default="10",
    shape="number",
    least=1,
    most=1440,
)
"""For the ``fields`` of an adapter whose people may be gone before they are answered, and whose receipts say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupStep:
    """One step of connecting a channel.

    copy: "webhook_url", "consent_url" (where ``Adapter.consent_url`` comes back to), the name of a field whose value
    is shown to be copied, or a name in ``Adapter.copyable``. link: where on the platform's own site it is done.
    """

    words: Words
    copy: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copyable:
    """A text made from the settings, for an administrator to paste somewhere. Never one with a secret in it."""

    label: Words
    text: str
