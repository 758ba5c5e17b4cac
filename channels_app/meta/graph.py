"""Meta's Graph API: one request, its answer or its failure; and files, with the token for Meta's hosts alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as N_

from channels_app import reading
from channels_app.contract import Account, CheckLine, DeliveryFailed, MediaGone, Remote
from channels_app.http import Download, Http, HttpError, Response, Unanswered, failure_from, origin
from channels_app.meta import errors
from channels_app.meta.door import API_VERSION, items, obj

API = "https://graph.facebook.com"
# Hosts that may be given the token; a file's address on any other gets none.
OWN_HOSTS = frozenset({
    "https://graph.facebook.com:443", "https://graph.instagram.com:443", "https://graph.whatsapp.com:443",
    "https://lookaside.fbsbx.com:443",
})  # fmt: skip
VERSION = re.compile(r"v[0-9]{1,3}\.[0-9]{1,2}")
# What says that the token itself is no longer good, which an administrator can mend.
TOKEN_CODES = frozenset({"0", "102", "190", "401"})
NO_TOKEN = N_("This channel lacks its access token: an administrator can set it.")
LOST_UPLOAD = N_("The file could not be handed to the platform.")


def version(account: Account) -> str:
    given = account.get("api_version").strip()
    return given if VERSION.fullmatch(given) else API_VERSION.default


def bearer(account: Account) -> dict[str, str]:
    """Raises DeliveryFailed without a token: an empty one would only be refused."""
    token = account.get("access_token").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise DeliveryFailed(NO_TOKEN, permanent=True, category="auth", code="access_token")
    return {"Authorization": f"Bearer {token}"}


def address(account: Account, *path: str, api: str = API) -> str:
    parts = "/".join(quote(part, safe="") for part in path)
    return f"{account.base_url(api)}/{version(account)}/{parts}"


def call(account: Account, http: Http, method: str, *path: str, api: str = API, **more: Any) -> Response:
    """One request with the channel's token. Raises DeliveryFailed for whatever is no success."""
    query = more.pop("query", None)
    url = address(account, *path, api=api) + (f"?{query}" if query else "")
    try:
        answer = http.request(method, url, headers=bearer(account), **more)
    except HttpError as error:
        raise failure_from(error) from error
    if not answer.ok:
        raise errors.failure(answer)
    return answer


def ask(account: Account, http: Http, *path: str, query: str = "", api: str = API) -> Mapping[str, Any] | None:
    """GET an object; None where the platform tells nothing. Raises HttpError where asking again may help."""
    try:
        headers = bearer(account)
    except DeliveryFailed:
        return None
    answer = http.request("GET", address(account, *path, api=api) + (f"?{query}" if query else ""), headers=headers)
    if answer.ok:
        return answer.json_object()
    failure = errors.failure(answer)
    if failure.permanent and failure.code not in TOKEN_CODES:
        return None  # nobody there, or a permission that the app lacks: asking again changes nothing
    raise Unanswered(f"{failure.title} {failure.detail}"[:300], answer.status)


def upload(account: Account, http: Http, *path: str, timeout: float, **more: Any) -> str:
    """Hand over a file and get its id. Nothing is sent by that, so it may always be tried again."""
    try:
        answer = call(account, http, "POST", *path, timeout=timeout, **more)
    except DeliveryFailed as failure:
        if failure.category == "unconfirmed":
            raise DeliveryFailed(LOST_UPLOAD, permanent=False, detail=failure.detail) from failure
        raise
    found = reading.ident(answer.json_object().get("id"))
    if not found:
        raise DeliveryFailed(LOST_UPLOAD, permanent=False, detail="no id in the answer")
    return found


# ── Files ────────────────────────────────────────────────────────────────────────────────────


def own_address(account: Account, url: str) -> tuple[str, bool]:
    """Where to fetch a file, and whether the token goes along: only to Meta's own hosts, which
    ``base_url`` stands for as soon as it is set."""
    base = account.get("base_url").rstrip("/")
    if not base:
        return url, origin(url) in OWN_HOSTS
    if origin(url) in OWN_HOSTS:
        parts = urlsplit(url)
        url = base + parts.path + (f"?{parts.query}" if parts.query else "")
    return url, origin(url) == origin(base)


def fetch(account: Account, url: str, http: Http) -> Download:
    """A file with the token where it may go. Raises MediaGone, MediaNotReady, HttpError."""
    where, ours = own_address(account, url)
    return http.media(where, headers=_maybe_bearer(account) if ours else None)


def fetch_by_id(account: Account, remote: Remote, http: Http) -> Download:
    """Its id → a link that lives five minutes → the bytes; the link that came along where the id is gone."""
    if not remote.id:
        return fetch(account, remote.url, http)
    try:
        return fetch(account, _link(account, remote.id, http), http)
    except MediaGone:
        if not remote.url:
            raise
    return fetch(account, remote.url, http)


def _link(account: Account, media_id: str, http: Http) -> str:
    answer = http.request("GET", address(account, media_id), headers=_maybe_bearer(account))
    if not answer.ok:
        failure = errors.failure(answer)
        if not failure.permanent or (failure.category == "auth" and failure.code not in ("100", "33")):
            # A token that is renewed, a limit that passes: the file may still be there then.
            raise Unanswered(f"{failure.title} {failure.detail}"[:300], answer.status)
        raise MediaGone(f"{failure.code} {failure.detail}"[:300])
    url = reading.web_url(answer.json_object().get("url"))
    if not url:
        raise MediaGone("the platform names no address for this file")
    return url


def _maybe_bearer(account: Account) -> dict[str, str]:
    try:
        return bearer(account)
    except DeliveryFailed:
        return {}


# ── Trying it out ────────────────────────────────────────────────────────────────────────────


def settings_lines(account: Account) -> list[CheckLine]:
    """What cannot work before anything is asked."""
    missing = {
        "app_secret": _("The app secret is missing: what Meta posts cannot be checked, so nothing comes in."),
        "verify_token": _("The verify token is missing: Meta cannot confirm the webhook address."),
        "access_token": _("The access token is missing: nothing can be sent."),
    }
    return [CheckLine(ok=False, words=words) for name, words in missing.items() if not account.get(name).strip()]


def tried(account: Account, http: Http, *path: str, query: str, api: str = API) -> tuple[Mapping[str, Any], CheckLine]:
    """(what the platform tells, a line in words if it tells nothing)."""
    try:
        return call(account, http, "GET", *path, query=query, api=api).json_object(), CheckLine(ok=True, words="")
    except DeliveryFailed as failure:
        return {}, CheckLine(ok=False, words=_(failure.title))


def subscribed_fields(body: Mapping[str, Any]) -> Sequence[str] | None:
    """What the webhooks of a subscription bring; None: no app is subscribed at all."""
    apps = items(body.get("data"))
    if not apps:
        return None
    return sorted({
        reading.line(obj(field).get("name") if isinstance(field, Mapping) else field, 80)
        for app in apps
        for field in items(obj(app).get("subscribed_fields"))
    } - {""})  # fmt: skip
