"""Pages about staff."""

from __future__ import annotations

from django.urls import path

from agents import pictures, settings_pages, views

urlpatterns = [
    path("pictures/agents/<uuid:name>", pictures.show, name="agent_picture"),
    path("profile/", views.old_profile, name="profile"),
    path("settings/", settings_pages.first, name="settings"),
    path("settings/profile/", views.profile, name="settings_profile"),
    path("settings/tokens/", views.tokens, name="settings_tokens"),
    path("settings/tokens/<int:token_id>/revoke/", views.revoke_token, name="settings_token_revoke"),
    path("invitations/<str:key>/", views.invitation, name="invitation"),
]
