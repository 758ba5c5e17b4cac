"""Where a widget knocks."""

from __future__ import annotations

from django.urls import path

from channels_app.widget import loading, views

urlpatterns = [
    path("chat.<str:name>.js", loading.chat),
    path("messages/", views.messages),
    path("attachments/", views.attachments),
    path("files/<int:seq>/<int:position>/", views.file),
    path("identify/", views.identify),
    path("describe/", views.describe),
    path("receipts/", views.receipts),
    path("rotate/", views.rotate),
    path("session/", views.end_session),
    path("<str:widget_token>/session/", views.session),
    path("<str:widget_token>/appearance/", views.appearance),
]
