"""Somebody's website with the chat in it, on an origin of its own and with the strictest policy that README allows."""

from __future__ import annotations

import html
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Toko Kopi</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
</head><body><main><h1>Toko Kopi</h1><p><a href="#menu">Menu</a></p></main>{scripts}</body></html>"""


class Shop:
    """with Shop(hub.url) as shop: page.goto(shop.page(widget_token, language="th"))"""

    def __init__(self, hub: str) -> None:
        self.hub = hub
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def page(self, channel: str, **given: str) -> str:
        """given: the script's data-* attributes; ``times`` the line stands there, and ``also`` another channel's."""
        more = "".join(f"&{name}={value}" for name, value in given.items())
        return f"{self.url}/?channel={channel}{more}"

    def policy(self) -> str:
        socket = self.hub.replace("http", "ws", 1)
        return (
            f"default-src 'none'; script-src {self.hub}; connect-src {self.hub} {socket}; style-src 'self'; "
            "img-src 'self' data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
        )

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                given = {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
                body = shop.body(given).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", shop.policy())
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_given: Any) -> None:
                """A shop that is asked says nothing."""

        return Handler

    def body(self, given: dict[str, str]) -> str:
        times, also = int(given.pop("times", "1")), given.pop("also", "")
        attributes = "".join(f' data-{html.escape(name)}="{html.escape(value)}"' for name, value in given.items())
        line = f'<script src="{self.hub}/widget.js"{attributes} async></script>'
        second = (
            f'<script src="{self.hub}/widget.js" data-channel="{html.escape(also)}" async></script>' if also else ""
        )
        return PAGE.format(scripts=line * times + second if given.get("channel") else "")
