"""All doors."""

from __future__ import annotations

from django.urls import include, path

from channels_app.views import webhook

urlpatterns = [
    path("webhooks/<str:channel_id>/", webhook, name="webhook"),
    path("webhooks/<str:channel_id>/<path:suffix>", webhook),
    path("accounts/", include("allauth.account.urls")),
]
