"""All doors."""

from __future__ import annotations

from django.urls import include, path, re_path

from channels_app.views import webhook
from channels_app.widget import preview, shop
from channels_app.widget.consumers import VisitorConsumer
from channels_app.widget.loading import loader
from hub.health import healthz, readyz
from hub.views import not_here
from tickets.consumers import InboxConsumer

handler400 = "hub.views.unreadable"
handler404 = "hub.views.unknown"
handler500 = "hub.views.broke"

urlpatterns = [
    path("webhooks/<str:channel_id>/", webhook, name="webhook"),
    path("webhooks/<str:channel_id>/<path:suffix>", webhook),
    path("healthz", healthz),
    path("readyz", readyz),
    # Administrators make the accounts: what strangers and agents would change here stays shut.
    re_path(r"^accounts/(?:email|confirm-email|reauthenticate)(?:/|$)", not_here),
    path("accounts/", include("allauth.account.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("agents.urls")),
    path("settings/", include("tickets.staff_pages.urls")),
    path("settings/", include("tickets.setup.urls")),
    path("", include("tickets.routing.urls")),
    path("", include("tickets.erasing.pages")),
    path("", include("reports.urls")),
    path("widget.js", loader),
    path("demo-shop/", shop.page, name="demo_shop"),
    path("widget-preview/", preview.page, name="widget_preview"),
    path("widget/", include("channels_app.widget.urls")),
    path("api/v1/", include("surveys.api_urls")),
    path("api/", include("tickets.api.urls")),
    path("", include("surveys.urls")),
    path("", include("tickets.urls")),
]

websocket_urlpatterns = [
    path("ws/inbox/", InboxConsumer.as_asgi()),
    path("ws/widget/", VisitorConsumer.as_asgi()),
]
