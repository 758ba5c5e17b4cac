"""The ASGI application: pages, API and webhooks through the WSGI bridge, live sockets straight to their consumers."""

from __future__ import annotations

from typing import Any

from channels.routing import URLRouter
from django.conf import settings
from django.urls import re_path
from django.utils.module_loading import import_string

from hub import wsgi
from hub.bridge import Bridge, Receive, Scope, Send
from hub.middleware import client_address, trusted


async def nobody_here(scope: Scope, receive: Receive, send: Send) -> None:
    """An unknown socket path is refused like a closed door (403), not with a traceback."""
    await receive()
    await send({"type": "websocket.close"})


def client_of(scope: Scope) -> Any:
    """As for HTTP: behind a proxy of ours all visitors would else share one limit."""
    client = scope.get("client")
    if client and trusted(client[0], tuple(settings.TRUSTED_PROXIES)):
        chain = b",".join(value for name, value in scope["headers"] if name.lower() == b"x-forwarded-for")
        found = client_address(chain.decode("latin1"))
        return [found, 0] if found else client
    return client


http = Bridge(wsgi.application)
live = import_string(f"{settings.ROOT_URLCONF}.websocket_urlpatterns")
anywhere: Any = nobody_here
sockets: Any = URLRouter([*live, re_path(r"", anywhere)])


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await http(scope, receive, send)
    elif scope["type"] == "websocket":
        await sockets({**scope, "client": client_of(scope)}, receive, send)
    else:
        raise ValueError(f"no application for {scope['type']}")
