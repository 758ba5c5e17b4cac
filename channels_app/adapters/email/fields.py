"""The settings of a mail channel. Where mail goes out and is fetched are URLs that may hold a password, so they are
secrets and lead credentials somewhere at once."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext_lazy as _

from channels_app.adapters.email import servers
from channels_app.contract import Field

SMTP_SCHEMES = ("smtps", "smtp")
IMAP_SCHEMES = ("imaps", "imap")


def new_secret() -> str:
    """Fits every door: a key, a Bearer token, and the user:password of basic auth."""
    return f"mail:{secrets.token_urlsafe(32)}"


BY_WEBHOOK = _("Mail from a provider's webhook, or from your own mail server")
FETCHING = _("More about fetching")
OAUTH = _("Signing in without a password (OAuth)")

ADDRESS = Field(
    name="address",
    label=_("Address"),
    help=_("Customers write to it, and answers come from it: help@shop.example."),
    required=True,
)

MAILBOX_URL = Field(
    name="imap_url",
    label=_("Mailbox to fetch from (IMAP)"),
    help=_("Empty: nothing is fetched, and mail comes by webhook or from your own mail server."),
    parts=servers.IMAP_PARTS,
    secret=True,
    is_url=True,
    schemes=IMAP_SCHEMES,
    redirects=True,
)

WAY_OUT = Field(
    name="smtp_url",
    label=_("Server for mail going out (SMTP)"),
    help=_("Answers are handed to it. Mostly with the same user name and password."),
    parts=servers.SMTP_PARTS,
    secret=True,
    is_url=True,
    schemes=SMTP_SCHEMES,
    redirects=True,
)

TOKENS = (
    Field(
        name="oauth_sign_in_url",
        label=_("OAuth sign-in address"),
        help=_("Where the mailbox's owner allows us in, with the scope in it. Then no refresh token has to be typed."),
        is_url=True,
        group=OAUTH,
    ),
    Field(
        name="oauth_token_url",
        label=_("OAuth token address"),
        help=_("Where access tokens are given. Used wherever there is a user name and no password."),
        is_url=True,
        redirects=True,
        group=OAUTH,
    ),
    Field(name="oauth_client_id", label=_("OAuth client ID"), group=OAUTH),
    Field(name="oauth_client_secret", label=_("OAuth client secret"), secret=True, group=OAUTH),
    Field(
        name="oauth_refresh_token",
        label=_("OAuth refresh token"),
        help=_(
            "The lasting permission: kept by itself once the owner has signed in from the channel's page, and "
            "whenever the provider gives a newer one."
        ),
        secret=True,
        renews=True,
        group=OAUTH,
    ),
)

MORE = (
    Field(
        name="backfill_days",
        label=_("Days to go back"),
        help=_("How old mail may be that is fetched at the first look into the mailbox."),
        default="0",
        group=FETCHING,
    ),
    Field(
        name="mark_seen",
        label=_("Mark fetched mail as read"),
        default="off",
        choices=(("on", _("On")), ("off", _("Off"))),
        group=FETCHING,
    ),
    Field(
        name="authserv",
        label=_("Name of your mail server"),
        help=_(
            "Whose word on forged senders counts, as it stands first in Authentication-Results. Empty: the topmost, "
            "and mail that agents forward by hand stays theirs."
        ),
        group=FETCHING,
    ),
)

WAYS_IN = (
    Field(
        name="inbound_secret",
        label=_("Secret for mail coming in"),
        help=_(
            "What a provider proves itself with: Mailgun's signing key, user:password for Postmark and SendGrid, "
            "the token of your own mail server."
        ),
        secret=True,
        generate=new_secret,
        group=BY_WEBHOOK,
    ),
    Field(
        name="sendgrid_public_key",
        label=_("SendGrid verification key"),
        help=_("Only where SendGrid signs what it posts; asked for on top of user and password."),
        group=BY_WEBHOOK,
    ),
    Field(
        name="ses_topics",
        label=_("Amazon SNS topics"),
        help=_("The ARNs that Amazon SES may post through, with spaces between. None: nothing is taken."),
        group=BY_WEBHOOK,
    ),
    Field(
        name="sns_certificates",
        label=_("Amazon SNS certificates"),
        help=_("Only without a way out to Amazon: a JSON object of certificate address and PEM."),
        group=BY_WEBHOOK,
    ),
)


def words(value: Any) -> list[str]:
    """Of a list, or of a text with blanks or commas between; anything else has none."""
    if isinstance(value, str):
        return value.replace(",", " ").split()
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else []


def problems(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Field → words, for what cannot work on the way in."""
    errors: dict[str, Any] = {}
    address = settings.get("address")
    if not isinstance(address, str) or not is_address(address.strip()):
        errors["address"] = _("This must be an address like help@shop.example.")
    days = str(settings.get("backfill_days") or "0").strip()
    if not (days.isascii() and days.isdigit() and len(days) < 5):
        errors["backfill_days"] = _("A number of days.")
    certificates = settings.get("sns_certificates")
    if certificates not in (None, "") and read_certificates(certificates) is None:
        errors["sns_certificates"] = _("A JSON object of certificate address and PEM.")
    topics = settings.get("ses_topics")
    if topics not in (None, "") and not words(topics):
        errors["ses_topics"] = _("The ARNs, with spaces between.")
    url = settings.get("imap_url")
    if isinstance(url, str) and url and not _has_user(url):
        errors["imap_url"] = _("The user is missing: imaps://user:password@host/INBOX.")
    return errors


def is_address(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    return bool(at and local and domain) and len(text) <= 254 and not set(text) & set(' \t\r\n<>,;:"()[]\\\x00')


def read_certificates(value: Any) -> dict[str, str] | None:
    """Certificate address → PEM, of an object or its JSON; None where it is neither."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, dict) or not all(isinstance(pem, str) for pem in value.values()):
        return None
    return {str(url): pem for url, pem in value.items()}


def _has_user(url: str) -> bool:
    try:
        return bool(unquote(urlsplit(url).username or ""))
    except ValueError:
        return False
