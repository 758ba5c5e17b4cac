"""A made-up shop with the chat at work, where playgrounds are on: nobody needs a website to try it."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from channels_app import registry, vault
from channels_app.contract.failures import Words
from channels_app.models import Channel


@dataclass(frozen=True, slots=True)
class Product:
    name: str
    about: Words
    price: str
    drawing: str


PRODUCTS = (
    Product("Sambal Matah", _("Shallots, lemongrass and chillies from Bali, cut by hand."), "Rp 48.000", "jar"),
    Product("Kopi Gayo", _("Arabica from the highlands of Aceh, roasted on Tuesdays."), "Rp 96.000", "coffee"),
    Product("Keripik Tempe", _("Thin, crisp, and gone before the film begins."), "Rp 32.000", "snack"),
    Product("Kaos “Pedas Itu Nikmat”", _("A shirt for people who ask for more chilli."), "Rp 120.000", "shirt"),
)
CUSTOMER = {"id": "demo-siti", "name": "Siti Rahma", "email": "siti@example.com"}


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """``?channel=`` one that is on websites, else the first; ``?language=`` in which all is said."""
    if not settings.SANDBOX_ENABLED:
        raise Http404
    channel = _channel(request.GET.get("channel", ""))
    wanted = request.GET.get("language", "")
    with override(wanted if wanted in dict(settings.LANGUAGES) else get_language()):
        context = {
            "channel": channel,
            "shop": channel.team.name if channel.team else channel.name,
            "widget_token": channel.public_settings.get("widget_token", ""),
            "products": PRODUCTS,
            "customer": _customer(channel),
            "languages": settings.LANGUAGES,
        }
        return render(request, "shop/page.html", context)


def _channel(number: str) -> Channel:
    kinds = [kind for kind in registry.kinds() if registry.adapter(kind).on_websites]
    found = Channel.objects.filter(kind__in=kinds, enabled=True).select_related("team").order_by("pk")
    if number:
        found = (
            found.filter(pk=int(number)) if number.isascii() and number.isdigit() and len(number) < 19 else found.none()
        )
    first = found.first()
    if first is None:
        raise Http404
    return first


def _customer(channel: Channel) -> dict[str, Any] | None:
    """Who can sign in here, with the proof that a shop's own server makes; None: it has no secret to make it with."""
    try:
        secret = str(channel.clear_settings().get("identity_secret") or "")
    except vault.Unreadable:
        return None
    proof = hmac.new(secret.encode(), CUSTOMER["id"].encode(), hashlib.sha256).hexdigest()
    return {**CUSTOMER, "hash": proof} if secret else None
