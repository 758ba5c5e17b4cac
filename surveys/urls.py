"""Addresses of the surveys: the customer's page, the pages of leads."""

from __future__ import annotations

from django.urls import path

from surveys import page

urlpatterns = [
    path("s/<str:token>/", page.page, name="survey_page"),
]
