"""The one webhook door for every platform. The order of the steps is the promise: look, do not reorder."""

from __future__ import annotations

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from channels_app import busy, inbound, registry, vault
from channels_app.contract import BadBody, InboundRequest, NotAuthentic
from channels_app.models import Channel

log = structlog.get_logger(__name__)


@csrf_exempt  # platforms sign what they post
def webhook(request: HttpRequest, channel_id: str, suffix: str = "") -> HttpResponse:
    """404 unknown channel, 413 too large, 401 not authentic, 400 not the format, else kept and 2xx."""
    try:
        return _opened(request, channel_id, suffix)
    except DatabaseError:
        log.exception("the database could not keep a webhook", channel=channel_id[:20])
        return busy.answer("Could not be kept; send it again.")


def _opened(request: HttpRequest, channel_id: str, suffix: str) -> HttpResponse:
    channel = _channel(channel_id)
    if channel is None:
        return _plain(404, "No such channel.")
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "POST"])
    try:
        body = _body(request, channel.adapter.max_body)
    except UnreadablePostError:
        return _plain(400, "The body broke off.")
    if body is None:
        return _plain(413, f"The body is over {channel.adapter.max_body // (1024 * 1024)} MiB.")
    inbound_request = _inbound_request(request, body, suffix)
    try:
        if request.method != "POST":
            return _handshake(channel, inbound_request)
        return _post(channel, inbound_request)
    except NotAuthentic as error:
        log.info("a webhook was refused", channel=channel.pk, reason=str(error))
        return _plain(401, "Not authentic.")
    except BadBody as error:
        return _plain(400, f"Not understood: {error}.")


def _channel(channel_id: str) -> Channel | None:
    # Only plain ASCII digits are an id of ours; int() would take "٣" and "1_0" too.
    if not (channel_id.isascii() and channel_id.isdigit() and len(channel_id) < 19):
        return None
    channel = Channel.objects.filter(pk=int(channel_id), enabled=True).first()
    if channel is None or channel.kind not in registry.kinds() or not channel.adapter.has_webhook:
        return None
    return channel


def _body(request: HttpRequest, limit: int) -> bytes | None:
    """Read at most the limit; what a sender declares as longer is not read at all."""
    try:
        declared = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        declared = 0
    if declared > limit:
        return None
    body = request.read(limit + 1)
    return None if len(body) > limit else body


def _inbound_request(request: HttpRequest, body: bytes, suffix: str) -> InboundRequest:
    # The path and query as they were on the wire, behind the address that the platform was given.
    raw = request.META.get("RAW_URI") or request.META.get("REQUEST_URI") or request.get_full_path()
    return InboundRequest(
        method=request.method or "",
        url=settings.PUBLIC_URL + raw,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        query={name: value for name, value in request.GET.items() if isinstance(value, str)},
        suffix=suffix.strip("/"),
    )


def _handshake(channel: Channel, request: InboundRequest) -> HttpResponse:
    try:
        answer = channel.adapter.handshake(channel.account(), request)
    except vault.Unreadable as error:
        raise NotAuthentic(str(error)) from error
    if answer is None:
        return HttpResponseNotAllowed(["POST"])
    return _plain(answer.status, answer.body)


def _post(channel: Channel, request: InboundRequest) -> HttpResponse:
    adapter = channel.adapter
    try:
        account = channel.account()
        adapter.verify(account, request)
    except (NotAuthentic, vault.Unreadable) as error:
        raise NotAuthentic(str(error)) from error
    except Exception as error:
        # A check that breaks on odd bytes has not said yes.
        log.exception("a signature check broke", channel=channel.pk)
        raise NotAuthentic("the check broke") from error
    try:
        payload = adapter.decode(account, request)
    except BadBody:
        raise
    except Exception as error:
        log.exception("decoding broke", channel=channel.pk)
        raise BadBody("the body is not in the declared format") from error
    inbound.accept(channel, request, payload)
    body, content_type = adapter.answer(account, request)
    return HttpResponse(body, content_type=content_type)


def _plain(status: int, text: str) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
