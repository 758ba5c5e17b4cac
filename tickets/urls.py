"""The doors of the desk: pages, files, API."""

from __future__ import annotations

from django.urls import path

from tickets import views

urlpatterns = [
    path("attachments/<int:attachment_id>/<str:filename>", views.attachment, name="attachment"),
]
