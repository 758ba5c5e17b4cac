"""Addresses of the board."""

from __future__ import annotations

from django.urls import path

from reports import views

urlpatterns = [
    path("board/", views.show, name="board"),
    path("board/give/", views.give, name="board_give"),
]
