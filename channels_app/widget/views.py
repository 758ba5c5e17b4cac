"""The widget's doors: JSON in, JSON out, for browsers on other people's websites.

Each step costs more than the one before, so they stand in this order: the origin, the token's signature, the
bucket, and only then the database. There are no cookies here, hence no CSRF and no credentials in CORS.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.csrf import csrf_exempt

from channels_app import busy, filetypes, reading, vault
from channels_app.contract import BadBody, read_json_object
from channels_app.models import Channel
from channels_app.widget import appearance as appearances
from channels_app.widget import limits, visitors
from channels_app.widget.limits import Rate
from channels_app.widget.models import Visitor

KIND = "webchat"
LARGEST = 256 * 1024
WORTH_PACKING = 1024
KNOWN_FOR = 5.0
LANGUAGES = frozenset(code for code, _name in settings.LANGUAGES)

Act = Callable[..., HttpResponseBase]
_known: tuple[float, list[Channel]] = (-1e9, [])


class Answer(Exception):
    """An answer other than success."""

    def __init__(self, status: int, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


def problem(error: Answer) -> HttpResponse:
    body = {"type": "about:blank", "status": error.status, "detail": error.detail}
    response = JsonResponse(body, status=error.status, content_type="application/problem+json")
    for name, value in error.headers.items():
        response[name.replace("_", "-")] = value
    return response


# ── The frame of every door ──────────────────────────────────────────────────────────────────


def door(*methods: str) -> Callable[[Act], Act]:
    def frame(act: Act) -> Act:
        @wraps(act)
        def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            origin = origin_of(request)
            if not stands_somewhere(origin):
                # Of whoever asked, and of nobody behind the same cache.
                return problem(
                    Answer(403, "This website may not show the chat.", Vary="Origin", Cache_Control="no-store")
                )
            with override(_language(request)):
                try:
                    response = _answer(act, methods, request, *args, **kwargs)
                except Answer as error:
                    response = problem(error)
                except visitors.NotKnown:
                    response = problem(Answer(401, _("The chat has to begin anew.")))
                except visitors.Refused as error:
                    response = problem(Answer(error.status, str(error)))
                except DatabaseError as error:
                    if not busy.is_passing(error):
                        raise
                    # With CORS, or the chat would not learn when to come again.
                    response = busy.answer()
            return shared(packed(response, request), origin, methods)

        return csrf_exempt(opened)

    return frame


def _answer(act: Act, methods: tuple[str, ...], request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
    if request.method == "OPTIONS":
        return HttpResponse(status=204)
    if request.method not in methods:
        raise Answer(405, "This door does not do that.", Allow=", ".join((*methods, "OPTIONS")))
    calm("address", request.META.get("REMOTE_ADDR", ""), limits.OF_ADDRESS)
    return act(request, *args, **kwargs)


def packed(response: HttpResponseBase, request: HttpRequest) -> HttpResponseBase:
    """What is told about the chat is mostly words. The one answer that holds a token repeats nothing of a request."""
    if (
        isinstance(response, JsonResponse)
        and len(response.content) > WORTH_PACKING
        and "gzip" in request.headers.get("Accept-Encoding", "")
    ):
        response.content = gzip.compress(response.content, 6, mtime=0)
        response["Content-Encoding"] = "gzip"
    return response


def shared(response: HttpResponseBase, origin: str, methods: tuple[str, ...]) -> HttpResponseBase:
    """CORS, for this origin alone and without credentials."""
    response["Access-Control-Allow-Origin"] = origin
    response["Access-Control-Allow-Methods"] = ", ".join(methods)
    response["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Accept-Language"
    response["Access-Control-Expose-Headers"] = "Retry-After"
    response["Access-Control-Max-Age"] = "600"
    response["Vary"] = "Origin, Accept-Language, Accept-Encoding"
    response["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def origin_of(request: HttpRequest) -> str:
    """Browsers leave Origin out when a page of ours reads from us, and say so in a header no script can set."""
    given = request.headers.get("Origin", "")
    if not given and request.headers.get("Sec-Fetch-Site") == "same-origin":
        return str(settings.PUBLIC_ORIGIN)
    return given


def stands_somewhere(origin: str) -> bool:
    """Whether any channel allows it: all that can be asked before it is known whose request this is."""
    if not origin or origin == "null":
        return False
    if origin == settings.PUBLIC_ORIGIN:
        return True
    return _first(lambda one: visitors.may_stand_at(one, origin)) is not None


def _first(fits: Callable[[Channel], bool]) -> Channel | None:
    """The channel that fits. One that was made just now is found too: a miss looks again, if not too often."""
    global _known
    found = next(filter(fits, known_channels()), None)
    if found is None and not limits.wait("miss", "", limits.MISS):
        _known = (-1e9, [])
        found = next(filter(fits, known_channels()), None)
    return found


def known_channels() -> list[Channel]:
    """All that are on, as of a few seconds ago at most."""
    global _known
    if time.monotonic() - _known[0] >= KNOWN_FOR:
        channels = list(Channel.objects.filter(kind=KIND, enabled=True).select_related("team"))
        _known = (time.monotonic(), channels)
    return _known[1]


def forget() -> None:
    """For tests, whose channels come and go within a moment."""
    global _known
    _known = (-1e9, [])


def calm(name: str, whose: str, rate: Rate) -> None:
    seconds = limits.wait(name, whose, rate)
    if seconds:
        raise Answer(429, _("That was too fast. Wait a moment."), Retry_After=str(seconds))


def visitor_of(request: HttpRequest, name: str = "ask", rate: Rate = limits.ASK) -> Visitor:
    """The token's visitor, if the request comes from where their channel may stand."""
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise visitors.NotKnown
    public_id, _version = visitors.read_token(token.strip())
    calm(name, public_id, rate)
    visitor = visitors.find(token.strip())
    if not visitors.may_stand_at(visitor.channel, origin_of(request)):
        raise Answer(403, "This website may not show the chat.")
    return visitor


def _language(request: HttpRequest) -> str:
    """``?language=`` of a page that says it, else the browser's."""
    given = request.GET.get("language") or request.headers.get("Accept-Language", "").partition(",")[0]
    return _ours(given)


def _ours(language: str) -> str:
    """The one of our languages that is meant by a tag like "id-ID"."""
    wanted = language.partition("-")[0].strip().lower()
    return wanted if wanted in LANGUAGES else settings.LANGUAGE_CODE


def json_of(request: HttpRequest) -> Mapping[str, Any]:
    try:
        body = request.read(LARGEST + 1)
    except UnreadablePostError as error:
        raise Answer(400, "The body broke off.") from error
    if len(body) > LARGEST:
        raise Answer(413, _("The message is too long: at most %(limit)d characters.") % {"limit": visitors.LONGEST})
    try:
        return read_json_object(body) if body.strip() else {}
    except BadBody as error:
        raise Answer(400, f"Not understood: {error}.") from error


# ── The doors ────────────────────────────────────────────────────────────────────────────────


def _channel(widget_token: str) -> Channel:
    found = _first(lambda one: one.public_settings.get("widget_token") == widget_token)
    if found is None or not widget_token:
        raise Answer(404, "No such channel.")
    return found


@door("POST")
def session(request: HttpRequest, widget_token: str) -> HttpResponseBase:
    """A new browser: 201 {"visitor", "token", "appearance"}."""
    channel = _channel(widget_token)
    if not visitors.may_stand_at(channel, origin_of(request)):
        raise Answer(403, "This website may not show the chat.")
    calm("session", request.META.get("REMOTE_ADDR", ""), limits.SESSION)
    given = json_of(request)
    wanted = given.get("language")
    language = _ours(wanted) if isinstance(wanted, str) and wanted else _language(request)
    visitor, token = visitors.begin(channel, wanted if isinstance(wanted, str) and wanted else language)
    with override(language):
        found = {"visitor": visitor.public_id, "token": token, "appearance": appearances.of(channel)}
    return JsonResponse(found, status=201)


@door("DELETE")
def end_session(request: HttpRequest) -> HttpResponseBase:
    visitors.revoke(visitor_of(request))
    return HttpResponse(status=204)


@door("POST")
def rotate(request: HttpRequest) -> HttpResponseBase:
    """A new token in place of this one."""
    return JsonResponse({"token": visitors.rotate(visitor_of(request, "identify", limits.IDENTIFY))})


@door("GET", "POST")
def messages(request: HttpRequest) -> HttpResponseBase:
    return _read(request) if request.method == "GET" else _say(request)


def _read(request: HttpRequest) -> HttpResponseBase:
    """?after=N: what follows N, oldest first; ?before=N: the page that ends below N. With the receipts as they are."""
    visitor = visitor_of(request)
    after, before = _number(request, "after"), _number(request, "before")
    row = visitor.conversation
    events = visitors.read(row, after or 0) if before is None else visitors.read_back(row, before)
    rows = [visitors.as_json(event, row) for event in events]
    receipts = {"delivered": row.delivered_seq, "seen": row.seen_seq, "read": row.read_seq}
    at = events[-1].seq if events else min(after or 0, row.last_seq)
    return JsonResponse({"at": at, "results": rows, "receipts": receipts})


def _number(request: HttpRequest, name: str) -> int | None:
    given = request.GET.get(name)
    if given is not None and (not given.isascii() or not given.isdigit() or len(given) > 18):
        raise Answer(400, f"{name} must be a number.")
    return None if given is None else int(given)


def _say(request: HttpRequest) -> HttpResponseBase:
    visitor = visitor_of(request, "say", limits.SAY)
    given = json_of(request)
    event, made = visitors.say(visitor, _said(given))
    return JsonResponse(visitors.as_json(event, visitor.conversation), status=201 if made else 200)


def _said(given: Mapping[str, Any]) -> visitors.Said:
    text, files, pressed = given.get("text", ""), given.get("attachments", []), given.get("postback")
    if not isinstance(text, str) or not isinstance(files, list):
        raise Answer(400, "text must be a text, attachments a list.")
    if not all(isinstance(one, int) and not isinstance(one, bool) and 0 < one < 2**63 for one in files):
        raise Answer(400, "attachments must be ids of files.")
    return visitors.Said(
        client_message_id=reading.ident(given.get("client_message_id")) or "",
        text=text,
        attachments=files,
        reply_to=reading.ident(given.get("reply_to")) or "",
        postback={name: reading.line(pressed.get(name), 1000) for name in ("title", "payload")}
        if isinstance(pressed, Mapping)
        else None,
    )


@door("POST")
def attachments(request: HttpRequest) -> HttpResponseBase:
    """multipart ``file`` → {"id", …}, then named in a message."""
    visitor = visitor_of(request, "upload", limits.UPLOAD)
    try:
        file = request.FILES.get("file")
    except (MultiPartParserError, UnreadablePostError) as error:
        raise Answer(400, _("The file broke off. Add it again.")) from error
    if file is None:
        raise Answer(400, _("No file came with the request."))
    row = visitors.upload(visitor, file, file.name or "", file.content_type or "")
    found = {"id": row.pk, "filename": row.filename, "mime": row.mime, "size": row.size, "kind": row.kind}
    return JsonResponse(found, status=201)


@door("GET")
def file(request: HttpRequest, seq: int, position: int) -> HttpResponseBase:
    """A file of the visitor's own conversation, whoever sent it. The script shows it from memory."""
    visitor = visitor_of(request)
    event = visitor.conversation.events.filter(seq=seq).first() if seq < 2**63 else None
    files = event.attachments if event else []
    if position >= len(files) or not default_storage.exists(files[position]["stored"]):
        raise Answer(404, _("This file is not there any more."))
    found = files[position]
    response = FileResponse(default_storage.open(found["stored"], "rb"), content_type=found["mime"])
    response["Content-Disposition"] = "attachment" if found["mime"] not in filetypes.INLINE else "inline"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "private, max-age=3600"
    return response


@door("POST")
def identify(request: HttpRequest) -> HttpResponseBase:
    """{"id", "name", "email", "phone", "hash"}: 200, and the history of that id from now on; else 403."""
    visitor = visitor_of(request, "identify", limits.IDENTIFY)
    given = json_of(request)
    identity = reading.ident(given.get("id"))
    if identity is None:
        raise Answer(400, "id is needed.")
    try:
        moved = visitors.identify(visitor, identity, str(given.get("hash") or ""), given)
    except vault.Unreadable as error:
        raise Answer(403, _("This visitor could not be confirmed.")) from error
    return JsonResponse({"visitor": visitor.public_id, "moved": moved})


@door("POST")
def describe(request: HttpRequest) -> HttpResponseBase:
    """Name, e-mail, phone, language and attributes, unverified: from a form, or from the page."""
    visitors.describe(visitor_of(request), json_of(request))
    return HttpResponse(status=204)


@door("POST")
def receipts(request: HttpRequest) -> HttpResponseBase:
    """{"delivered": seq, "seen": seq}, both optional, and {"typing": true}."""
    visitor = visitor_of(request)
    given = json_of(request)
    found = {name: given.get(name, 0) for name in ("delivered", "seen")}
    if not all(isinstance(one, int) and not isinstance(one, bool) and 0 <= one < 2**63 for one in found.values()):
        raise Answer(400, "delivered and seen must be numbers.")
    visitors.acknowledge(visitor, **found)
    if given.get("typing") is True:
        visitors.typing(visitor)
    return HttpResponse(status=204)


@door("GET")
def appearance(request: HttpRequest, widget_token: str) -> HttpResponseBase:
    """How the chat looks and what it says, for whoever opens it."""
    channel = _channel(widget_token)
    if not visitors.may_stand_at(channel, origin_of(request)):
        raise Answer(403, "This website may not show the chat.")
    response = JsonResponse(appearances.of(channel))
    response["Cache-Control"] = "private, max-age=60"
    return response
