"""The doors of the desk: pages, their parts, files."""

from __future__ import annotations

from django.urls import path

from tickets import files, mailshow, panel, parts, playground, verbs, views

urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("rows/", views.rows, name="rows"),
    path("counts/", views.counts, name="counts"),
    path("told/", panel.told, name="told"),
    path("uploads/", views.upload, name="upload"),
    path("tickets/<int:number>/", views.ticket, name="ticket"),
    path("tickets/<int:number>/news/", views.news, name="news"),
    path("tickets/<int:number>/messages/", views.say, name="say"),
    path("tickets/<int:number>/measure/", views.measure, name="measure"),
    path("tickets/<int:number>/composer/", parts.composer, name="composer"),
    path("tickets/<int:number>/stream/", parts.stream, name="stream"),
    path("tickets/<int:number>/templates/", parts.templates, name="templates"),
    path("tickets/<int:number>/customer/", panel.customer, name="customer"),
    path("tickets/<int:number>/choose/<slug:what>/", verbs.choices, name="choices"),
    path("tickets/<int:number>/undo/", verbs.take_back, name="undo"),
    path("tickets/<int:number>/<slug:verb>/", verbs.act, name="act"),
    path("messages/<int:message_id>/retry/", views.retry, name="retry"),
    path("messages/<int:message_id>/reaction/", parts.reaction, name="reaction"),
    path("messages/<int:message_id>/html/", mailshow.html, name="message_html"),
    path("messages/<int:message_id>/pictures/", mailshow.pictures, name="message_pictures"),
    path("messages/<int:message_id>/event/", parts.event, name="message_event"),
    path("messages/<int:message_id>/text/", views.text, name="message_text"),
    path("sandbox/<int:channel_id>/", playground.sandbox, name="sandbox"),
    path("sandbox/<int:channel_id>/messages/", playground.sandbox_messages, name="sandbox_messages"),
    path("attachments/<int:attachment_id>/<str:filename>", files.attachment, name="attachment"),
    path("addresses/<int:address_id>/picture/", files.picture, name="address_picture"),
]
