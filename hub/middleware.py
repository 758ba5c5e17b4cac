"""Who is really asking when a proxy stands in front (believed only from settings.TRUSTED_PROXIES); smaller pages."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

FORWARDED = (
    *("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT"),
    *("HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_SSL", "HTTP_X_FORWARDED_SCHEME", "HTTP_X_REAL_IP"),
)


class CompressedPages(GZipMiddleware):
    """Pages and fragments only: files go out as they are, in ranges. Django pads them against guessing by length."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.streaming or not response.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)


class ForwardedHeaders:
    """Takes scheme, host and client address from X-Forwarded-* of a trusted proxy; drops them from anybody else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        # Taken out in either case: nothing behind this may believe them a second time.
        said = {name: meta.pop(name) for name in FORWARDED if name in meta}
        if said and trusted(meta.get("REMOTE_ADDR", ""), tuple(settings.TRUSTED_PROXIES)):
            believe(request, said)
        return self.get_response(request)


def believe(request: HttpRequest, said: dict[str, str]) -> None:
    scheme = said.get("HTTP_X_FORWARDED_PROTO", "").split(",")[-1].strip().lower()
    if scheme in ("http", "https"):
        request.META["wsgi.url_scheme"] = scheme
    host = said.get("HTTP_X_FORWARDED_HOST", "").split(",")[-1].strip()
    if host:
        request.META["HTTP_HOST"] = host
    client = client_address(said.get("HTTP_X_FORWARDED_FOR", ""))
    if client:
        request.META["REMOTE_ADDR"] = client


def client_address(chain: str) -> str:
    """The right-most address that is no proxy of ours: what stands left of it anyone may have written."""
    proxies = tuple(settings.TRUSTED_PROXIES)
    for item in reversed(chain.split(",")):
        address = bare(item.strip())
        if not address:
            return ""
        if not trusted(address, proxies):
            return address
    return ""


def bare(text: str) -> str:
    """Without a port and brackets; empty if it is no address."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


@lru_cache(maxsize=1024)
def trusted(address: str, proxies: tuple[str, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None) or found
    return any(mapped in ipaddress.ip_network(proxy, strict=False) for proxy in proxies)
