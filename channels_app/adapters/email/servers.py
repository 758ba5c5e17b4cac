"""The addresses of mail servers in the pieces that people know: server, port, encryption, user, password, folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from django.utils.translation import gettext_lazy as _

from channels_app.contract import Field, Parts, SettingsInvalid

TLS, STARTTLS, AUTO, NONE = "tls", "starttls", "auto", "none"
_NEAR = ("localhost", "127.0.0.1", "::1")

HOST = Field(name="host", label=_("Server"), help=_("Like mail.shop.example."), longest=253)
PORT = Field(name="port", label=_("Port"), help=_("Empty: the usual one."), shape="number", least=1, most=65_535)
USER = Field(name="user", label=_("User name"), help=_("Mostly the whole address."), longest=320)
PASSWORD = Field(
    name="password",
    label=_("Password"),
    help=_("Where the provider has app passwords, one of those. Empty with OAuth."),
    secret=True,
)
FOLDER = Field(name="folder", label=_("Folder"), default="INBOX", longest=250)
_WITH_TLS = (TLS, _("TLS from the beginning"))
_LATER = (STARTTLS, _("STARTTLS"))
_WITHOUT = (NONE, _("None: only on this machine"))


def _encryption(*choices: tuple[str, object]) -> Field:
    return Field(name="tls", label=_("Encryption"), default=TLS, choices=choices)


# ── IMAP ─────────────────────────────────────────────────────────────────────────────────────


def split_imap(url: str) -> dict[str, str]:
    found = _split(url)
    if not found:
        return {}
    path = unquote(urlsplit(url.strip()).path.strip("/"))
    plain = NONE if found["query"] == "off" or found["host"] in _NEAR else STARTTLS
    return {**_shown(found), "tls": TLS if found["scheme"] == "imaps" else plain, "folder": path or "INBOX"}


def join_imap(pieces: Mapping[str, str]) -> str:
    if not _says_something(pieces, "folder"):
        return ""
    _demand(pieces, "host", "user")
    tls = pieces.get("tls") or TLS
    url = ("imaps://" if tls == TLS else "imap://") + _authority(pieces)
    folder = quote(pieces.get("folder") or "INBOX", safe="/")
    return f"{url}/{folder}" + ("?tls=off" if tls == NONE and pieces["host"] not in _NEAR else "")


# ── SMTP ─────────────────────────────────────────────────────────────────────────────────────


def split_smtp(url: str) -> dict[str, str]:
    found = _split(url)
    if not found:
        return {}
    said = {"on": STARTTLS, "starttls": STARTTLS, "off": NONE, "auto": AUTO}.get(found["query"], "")
    if found["scheme"] == "smtps":
        said = TLS
    elif found["scheme"] == "smtp+tls":
        said = STARTTLS
    return {**_shown(found), "tls": said or AUTO}


def join_smtp(pieces: Mapping[str, str]) -> str:
    if not _says_something(pieces):
        return ""
    _demand(pieces, "host", *(["user"] if pieces.get("password") else []))
    tls = pieces.get("tls") or TLS
    url = ("smtps://" if tls == TLS else "smtp://") + _authority(pieces)
    return url + {STARTTLS: "?tls=on", NONE: "?tls=off"}.get(tls, "")


# ── What both have ───────────────────────────────────────────────────────────────────────────


def _split(url: str) -> dict[str, str]:
    try:
        parts = urlsplit(url.strip())
        if not parts.hostname:
            return {}
        return {
            "scheme": parts.scheme,
            "host": parts.hostname,
            "port": str(parts.port or ""),
            "user": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "query": parse_qs(parts.query).get("tls", [""])[0].lower(),
        }
    except ValueError:
        return {}


def _shown(found: Mapping[str, str]) -> dict[str, str]:
    return {name: found[name] for name in ("host", "port", "user", "password")}


def _says_something(pieces: Mapping[str, str], *beside: str) -> bool:
    """Beyond what every form begins with."""
    return any(value for name, value in pieces.items() if name not in ("tls", "port", *beside))


def _demand(pieces: Mapping[str, str], *names: str) -> None:
    errors: dict[str, Any] = {name: _("This is needed.") for name in names if not pieces.get(name)}
    host = pieces.get("host") or ""
    if host and set(host) & set("/@?#[]\\: \t"):
        errors["host"] = _("Only the server's name, like mail.shop.example.")
    port = pieces.get("port") or ""
    if port and not (port.isascii() and port.isdigit() and 0 < int(port[:9]) < 65_536):
        errors["port"] = _("This must be a whole number from %(least)d to %(most)d.") % {"least": 1, "most": 65_535}
    if errors:
        raise SettingsInvalid(errors)


def _authority(pieces: Mapping[str, str]) -> str:
    user, password = quote(pieces.get("user") or "", safe=""), quote(pieces.get("password") or "", safe="")
    login = f"{user}:{password}@" if password else f"{user}@" if user else ""
    port = pieces.get("port") or ""
    return f"{login}{pieces['host']}{':' + port if port else ''}"


IMAP_PARTS = Parts(
    (HOST, PORT, _encryption(_WITH_TLS, _LATER, _WITHOUT), USER, PASSWORD, FOLDER), join_imap, split_imap
)
SMTP_PARTS = Parts(
    (HOST, PORT, _encryption(_WITH_TLS, _LATER, (AUTO, _("As the server offers")), _WITHOUT), USER, PASSWORD),
    join_smtp,
    split_smtp,
)
