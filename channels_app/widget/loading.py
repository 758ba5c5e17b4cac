"""GET /widget.js and the chat behind it: the same for everybody, open to every website, kept by browsers."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from agents import pictures
from channels_app.widget import appearance, scripts, views, visitors

LOADER_LIVES, FOR_EVER = 300, 365 * 24 * 3600


@require_safe
def loader(request: HttpRequest) -> HttpResponse:
    """The button wears its colour before the first click: browsers name the page's origin as the referrer."""
    script = scripts.loader(_looks(_origin(request.headers.get("Referer", ""))))
    response = _answer(request, script, f"private, max-age={LOADER_LIVES}")
    response["Vary"] = "Accept-Encoding, Referer"
    return response


@require_safe
def chat(request: HttpRequest, name: str) -> HttpResponse:
    """While processes of two versions run, each gives its own: a wrong name is answered, and not kept."""
    script = scripts.chat()
    lives = f"public, max-age={FOR_EVER}, immutable" if name == script.name else "no-store"
    return _answer(request, script, lives)


def _answer(request: HttpRequest, script: scripts.Script, lives: str) -> HttpResponse:
    packs = "gzip" in request.headers.get("Accept-Encoding", "")
    tag = f'"{script.name}{"-gz" if packs else ""}"'
    if request.headers.get("If-None-Match", "").removeprefix("W/") == tag:
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(script.packed if packs else script.plain, content_type="text/javascript; charset=utf-8")
        if packs:
            response["Content-Encoding"] = "gzip"
    response["ETag"] = tag
    response["Cache-Control"] = lives
    response["Vary"] = "Accept-Encoding"
    pictures.open_to_websites(response)
    return response


def _origin(referrer: str) -> str:
    try:
        parts = urlsplit(referrer)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else ""


def _looks(origin: str) -> dict[str, dict[str, str]]:
    """Of the channels that may stand there. Nobody else learns which channels there are."""
    found = {}
    for channel in views.known_channels() if origin else ():
        token = channel.public_settings.get("widget_token")
        if token and visitors.may_stand_at(channel, origin):
            found[str(token)] = appearance.looks(channel.public_settings)
    return found
