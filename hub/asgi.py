"""The ASGI application: pages, API and webhooks through the WSGI bridge, live sockets straight to their consumers."""

from __future__ import annotations

from typing import Any

from channels.routing import URLRouter
from django.conf import settings
from django.urls import re_path
from django.utils.module_loading import import_string

from hub import wsgi
from hub.bridge import Bridge, Receive, Scope, Send


async def nobody_here(scope: Scope, receive: Receive, send: Send) -> None:
    """An unknown socket path is refused like a closed door (403), not with a traceback."""
    await receive()
    await send({"type": "websocket.close"})


http = Bridge(wsgi.application)
live = import_string(f"{settings.ROOT_URLCONF}.websocket_urlpatterns")
anywhere: Any = nobody_here
sockets: Any = URLRouter([*live, re_path(r"", anywhere)])


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await http(scope, receive, send)
    elif scope["type"] == "websocket":
        await sockets(scope, receive, send)
    else:
        raise ValueError(f"no application for {scope['type']}")
