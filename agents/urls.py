"""Pages about staff."""

from __future__ import annotations

from django.urls import path

from agents import views

urlpatterns = [path("profile/", views.profile, name="profile")]
