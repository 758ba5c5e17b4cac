"""Addresses of the surveys: the customer's page, and the pages of leads."""

from __future__ import annotations

from django.urls import include, path

from surveys import page, results_pages, settings_pages

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
    path("surveys/results/", results_pages.overview, name="survey_results"),
    path("surveys/results/answers/", results_pages.behind, name="survey_answers"),
    path("surveys/results/answers.csv", results_pages.export, name="survey_results_csv"),
    path("surveys/follow-ups/", results_pages.follow_ups, name="survey_follow_ups"),
    path("surveys/follow-ups/waiting/", results_pages.waiting, name="survey_follow_ups_waiting"),
    path("surveys/follow-ups/<int:follow_up_id>/", results_pages.follow_up, name="survey_follow_up"),
]
