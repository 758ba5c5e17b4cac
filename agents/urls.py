"""Pages about staff."""

from __future__ import annotations

from django.urls import path

from agents import settings_pages, views

urlpatterns = [
    path("profile/", views.profile, name="profile"),
    path("settings/", settings_pages.first, name="settings"),
]
