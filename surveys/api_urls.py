"""The surveys' doors of the API. They stand before the desk's, which answers for every other address below /api/."""

from __future__ import annotations

from django.urls import path

from surveys import api
from tickets.api import urls as desk

assert desk.v1, "whose module has made <id:…> known"

urlpatterns = [
    path("surveys/", api.Surveys.as_view()),
    path("surveys/<id:survey_id>/", api.OneSurvey.as_view()),
    path("surveys/<id:survey_id>/results/", api.Results.as_view()),
    path("survey-answers/", api.SurveyAnswers.as_view()),
    path("customers/<id:customer_id>/survey-answers/", api.CustomerAnswers.as_view()),
]
