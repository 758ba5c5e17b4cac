"""Sending through a provider's API, by django-anymail's backends with this channel's own settings.

The mail is the one that would go out by SMTP (``composing``), taken into the pieces that Django's ``EmailMessage``
has. The bytes travel over our own HTTP client (``_Line``): its time limits, its block on private addresses, no
redirects, and what broke where is known, so that nothing is sent twice by itself.
"""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.core.mail import EmailMultiAlternatives
from django.utils.translation import gettext_noop as N_

from channels_app.adapters.email.composing import Composed, domain_of
from channels_app.adapters.email.esp import ESPS, OWN_KEY, Esp
from channels_app.contract import Account, DeliveryFailed, Sent
from channels_app.http import Http, HttpError, Response, failure_from

if TYPE_CHECKING:
    import requests

SECONDS = 20.0
UNSET = N_("This channel lacks what its provider's API asks for: an administrator must fill it in.")
REFUSED = N_("The provider does not take this recipient.")
UNSENDABLE = N_("The provider's API cannot send this mail.")
ODD = N_("The provider's answer was not understood, so it is not known whether the mail went out.")
# Of the head: what Django's message has fields for, and what a provider writes itself.
_OWN_FIELDS = ("from", "to", "cc", "subject", "reply-to", "date", "mime-version")


def through(account: Account) -> Esp | None:
    """The provider that the channel sends through; None: SMTP."""
    return ESPS.get(account.get("provider"))


def missing(settings: Any) -> dict[str, str]:
    """Setting → why it is needed, untranslated."""
    esp = ESPS.get(str(settings.get("provider") or ""))
    if esp is None:
        return {}
    wanted = {"provider_key": True, "provider_account": bool(esp.account) and esp.name != "mailgun",
              "base_url": not esp.api}  # fmt: skip
    return {name: UNSET for name, needed in wanted.items() if needed and not settings.get(name)}


def send(account: Account, esp: Esp, mail: Composed, key: str, http: Http) -> Sent:
    """Raises DeliveryFailed."""
    # Loaded by whoever sends through it.
    exceptions = import_module("anymail.exceptions")

    if missing(account.settings):
        raise DeliveryFailed(UNSET, permanent=True, category="auth", code="settings")
    line, backend = _backend(account, esp, http)
    message = _message(mail, esp, key, backend)
    try:
        backend.send_messages([message])
    except HttpError as error:
        raise failure_from(error) from error
    except exceptions.AnymailRequestsAPIError as error:
        raise _refused(line.last, str(error)) from error
    except exceptions.AnymailRecipientsRefused as error:
        detail = _states(message)
        raise DeliveryFailed(REFUSED, permanent=True, category="blocked", code="refused", detail=detail) from error
    except exceptions.AnymailConfigurationError as error:
        raise DeliveryFailed(UNSET, permanent=True, category="auth", code="settings") from error
    except (exceptions.AnymailError, ValueError, TypeError) as error:
        # Nothing was asked yet: the mail has something that this API has no place for.
        if line.last is None:
            raise DeliveryFailed(
                UNSENDABLE, permanent=True, category="content", detail=" ".join(str(error).split())[:300]
            ) from error
        raise _odd(error) from error
    finally:
        backend.close()
    return Sent(external_id=_id_of(message, mail, esp))


def _backend(account: Account, esp: Esp, http: Http) -> tuple[_Line, Any]:
    arguments: dict[str, Any] = {esp.key: account.get("provider_key"), "api_url": _api(account, esp)}
    if esp.account:
        arguments[esp.account] = account.get("provider_account") or domain_of(account)
    found = import_module(f"anymail.backends.{esp.name}").EmailBackend
    backend = found(**arguments, ignore_unsupported_features=True, requests_timeout=SECONDS)
    backend.open()
    line = _Line(http)
    # Neither the machine's proxies nor its stored passwords have a say in it.
    backend.session.trust_env = False
    for scheme in ("https://", "http://"):
        backend.session.mount(scheme, line)
    return line, backend


def _api(account: Account, esp: Esp) -> str:
    """The provider's own address, or its path behind the host that an administrator has put in its place."""
    own = account.get("base_url").rstrip("/")
    if not esp.api or not own:
        return own or esp.api
    return own + urlsplit(esp.api).path


def _message(mail: Composed, esp: Esp, key: str, backend: Any) -> EmailMultiAlternatives:
    whole = message_from_bytes(mail.content, policy=policy.SMTP)
    assert isinstance(whole, EmailMessage)
    plain, html = whole.get_body(("plain",)), whole.get_body(("html",))
    shown = {name: _boxes(whole, name) for name in ("to", "cc", "reply-to")}
    seen = {box.addr_spec.lower() for name in ("to", "cc") if whole[name] for box in whole[name].addresses}
    message = EmailMultiAlternatives(
        subject=str(whole["subject"] or ""),
        body=plain.get_content() if plain else "",
        from_email=str(whole["from"]),
        to=shown["to"],
        cc=shown["cc"],
        reply_to=shown["reply-to"],
        bcc=[one for one in mail.recipients if one.lower() not in seen],
        headers={name: " ".join(str(value).split()) for name, value in whole.items() if name.lower() not in _OWN_FIELDS
                 and not name.lower().startswith("content-")},
        connection=backend,
    )  # fmt: skip
    if html is not None:
        message.attach_alternative(html.get_content(), "text/html")
    for part in whole.iter_attachments():
        content = part.get_payload(decode=True)
        message.attach(part.get_filename() or "file", content, part.get_content_type())
    if esp.named:
        message.metadata = {OWN_KEY: key}  # type: ignore[attr-defined]
    return message


def _boxes(whole: EmailMessage, name: str) -> list[str]:
    return [str(box) for box in whole[name].addresses] if whole[name] else []


def _id_of(message: Any, mail: Composed, esp: Esp) -> str:
    """What its answers and its events will name: the provider's Message-ID where it wrote one of its own; its own
    number where events bring nothing of ours back; else ours."""
    status = getattr(message, "anymail_status", None)
    found = getattr(status, "message_id", None)
    ids = sorted(found) if isinstance(found, set | frozenset) else [found]
    given = next((str(one).strip("<> ") for one in ids if one), "")
    if given and ("@" in given or not esp.named):
        return given.lower() if "@" in given else given
    return mail.message_id


def _states(message: Any) -> str:
    recipients = getattr(getattr(message, "anymail_status", None), "recipients", {}) or {}
    return ", ".join(f"{address}: {state.status}" for address, state in recipients.items())[:300]


def _refused(answer: Response | None, words: str) -> DeliveryFailed:
    if answer is None or 200 <= answer.status < 300:
        return _odd(ValueError(words))
    return failure_from(answer)


def _odd(error: Exception) -> DeliveryFailed:
    return DeliveryFailed(ODD, permanent=False, category="unconfirmed", detail=type(error).__name__)


class _Line:
    """What requests sends through: our own HTTP client. Keeps the last answer."""

    def __init__(self, http: Http) -> None:
        self.http = http
        self.last: Response | None = None

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:
        body = request.body or b""
        self.last = self.http.request(
            str(request.method),
            str(request.url),
            headers={str(name): str(value) for name, value in request.headers.items() if name.lower() not in _OURS},
            content=body.encode() if isinstance(body, str) else body,
            timeout=SECONDS,
        )
        answer: requests.Response = import_module("requests").Response()
        answer.status_code = self.last.status
        # A redirect is an answer like any other: credentials go no further.
        answer.headers.update({name: value for name, value in self.last.headers.items() if name.lower() != "location"})
        answer._content = self.last.body
        answer.url, answer.request, answer.encoding = str(request.url), request, "utf-8"
        return answer

    def close(self) -> None:
        return


_OURS = ("host", "content-length", "connection", "accept-encoding", "user-agent")
"""Written by our client itself."""
