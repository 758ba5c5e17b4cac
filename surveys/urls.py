"""Addresses of the surveys: the customer's page, and the pages of leads."""

from __future__ import annotations

from django.urls import include, path

from surveys import page, settings_pages

settings = [
    path("", settings_pages.surveys, name="settings_surveys"),
    path("<int:survey_id>/", settings_pages.words, name="settings_survey"),
    path("<int:survey_id>/questions/", settings_pages.questions, name="settings_survey_questions"),
    path("<int:survey_id>/when/", settings_pages.when, name="settings_survey_when"),
    path("<int:survey_id>/rules/", settings_pages.rules, name="settings_survey_rules"),
    path("<int:survey_id>/preview/", settings_pages.preview, name="settings_survey_preview"),
    path("<int:survey_id>/test/", settings_pages.test, name="settings_survey_test"),
    path("<int:survey_id>/switch/", settings_pages.switch, name="settings_survey_switch"),
    path("<int:survey_id>/delete/", settings_pages.delete, name="settings_survey_delete"),
]

urlpatterns = [
    path("s/<str:token>/", page.page, name="survey_page"),
    path("settings/surveys/", include(settings)),
]
