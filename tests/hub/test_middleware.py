"""X-Forwarded-* is believed from trusted proxies alone."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.test import RequestFactory

from hub import asgi
from hub.middleware import ForwardedHeaders

SAID = {
    "HTTP_X_FORWARDED_FOR": "198.51.100.1, 203.0.113.9",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "hub.example",
    "HTTP_X_REAL_IP": "198.51.100.1",
}


def seen(settings: Any, proxies: list[str], **meta: str) -> Any:
    settings.TRUSTED_PROXIES = proxies
    settings.ALLOWED_HOSTS = ["*"]
    kept: list[Any] = []
    handler = ForwardedHeaders(lambda request: kept.append(request) or HttpResponse())  # type: ignore[func-returns-value]
    handler(RequestFactory().get("/", **{"REMOTE_ADDR": "10.0.0.2", **SAID, **meta}))
    return kept[0]


@pytest.mark.parametrize("proxies", [[], ["10.0.0.3"], ["192.168.0.0/16"]])
def test_stranger_is_not_believed(settings: Any, proxies: list[str]) -> None:
    request = seen(settings, proxies)
    assert (request.scheme, request.get_host(), request.META["REMOTE_ADDR"]) == ("http", "testserver", "10.0.0.2")
    assert not [name for name in request.META if "FORWARDED" in name or "REAL_IP" in name]


@pytest.mark.parametrize("proxies", [["10.0.0.2"], ["10.0.0.0/8"], ["::1", "10.0.0.0/24"]])
def test_proxy_is_believed(settings: Any, proxies: list[str]) -> None:
    request = seen(settings, proxies)
    assert (request.scheme, request.get_host(), request.META["REMOTE_ADDR"]) == ("https", "hub.example", "203.0.113.9")
    assert request.is_secure()


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("6.6.6.6, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("<script>", "10.0.0.2"),
        ("203.0.113.9, nonsense", "10.0.0.2"),
        ("10.0.0.7", "10.0.0.2"),
        ("", "10.0.0.2"),
    ],
)
def test_right_most_address_that_is_no_proxy(settings: Any, chain: str, client: str) -> None:
    assert seen(settings, ["10.0.0.0/8"], HTTP_X_FORWARDED_FOR=chain).META["REMOTE_ADDR"] == client


def test_ipv4_in_ipv6_is_the_same_proxy(settings: Any) -> None:
    assert seen(settings, ["10.0.0.0/8"], REMOTE_ADDR="::ffff:10.0.0.2").META["REMOTE_ADDR"] == "203.0.113.9"


def test_unknown_scheme_is_left(settings: Any) -> None:
    assert seen(settings, ["10.0.0.2"], HTTP_X_FORWARDED_PROTO="gopher").scheme == "http"


@pytest.mark.parametrize(
    ("proxies", "said", "client"),
    [
        ([], b"203.0.113.9", "10.0.0.2"),
        (["10.0.0.0/8"], b"198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (["10.0.0.0/8"], b"rubbish", "10.0.0.2"),
        (["10.0.0.0/8"], b"", "10.0.0.2"),
    ],
)
def test_a_socket_is_its_own_clients_too(
    settings: Any, monkeypatch: pytest.MonkeyPatch, proxies: list[str], said: bytes, client: str
) -> None:
    """Else all that come through a proxy share one limit, and one of them could use it up."""
    settings.TRUSTED_PROXIES = proxies
    kept: list[Any] = []

    async def sockets(scope: Any, receive: Any, send: Any) -> None:
        kept.append(scope)

    monkeypatch.setattr(asgi, "sockets", sockets)
    headers = [(b"x-forwarded-for", said)] if said else []
    scope = {"type": "websocket", "path": "/ws/widget/", "headers": headers, "client": ["10.0.0.2", 5]}
    async_to_sync(asgi.application)(scope, None, None)  # type: ignore[arg-type]
    assert kept[0]["client"][0] == client
