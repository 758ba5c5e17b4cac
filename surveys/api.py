"""Surveys over the API: what is asked, what was answered, what it adds up to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response as Answer

from agents.models import Agent
from customers.models import Customer
from surveys import erasing, results, versions
from surveys.models import Response, Survey
from tickets import shapes
from tickets.api import pages, schema
from tickets.api.doors import Door, one, says
from tickets.api.inputs import given, number, wrong

Shape = s.Serializer[Any]
KINDS = list(Survey.Kind.values)


class SurveyShape(Shape):
    id = s.IntegerField()
    name = s.CharField()
    kind = s.ChoiceField(KINDS)
    enabled = s.BooleanField()
    anonymous = s.BooleanField()
    languages = s.ListField(child=s.CharField())
    created_at = s.DateTimeField()

    class Meta:
        ref_name = "Survey"


class SurveyAnswer(Shape):
    id = s.IntegerField()
    survey = schema.Named()
    kind = s.ChoiceField(KINDS)
    score = s.IntegerField()
    comment = s.CharField()
    answers = s.DictField(help_text="key of the question → text, key of an option, or keys.")
    via = s.ChoiceField(Response.Via.values)
    ticket = s.IntegerField(allow_null=True, help_text="null: the survey is anonymous to agents.")
    customer = schema.Named(allow_null=True)
    agent = schema.Named(allow_null=True)
    team = schema.Named(allow_null=True)
    language = s.CharField()
    at = s.DateTimeField()


class Interval(Shape):
    value = s.FloatField(allow_null=True)
    low = s.FloatField(allow_null=True)
    high = s.FloatField(allow_null=True)
    count = s.IntegerField()


class Part(Shape):
    key = s.CharField()
    name = s.CharField()
    score = Interval()
    asked = s.IntegerField()
    answered = s.IntegerField()


class QualityShape(Shape):
    defects = s.IntegerField()
    opportunities = s.IntegerField()
    dpmo = s.FloatField(allow_null=True)
    sigma = s.FloatField(allow_null=True)

    class Meta:
        ref_name = "Quality"


class SurveyResults(Shape):
    survey = schema.Named()
    kind = s.ChoiceField(KINDS)
    first = s.DateField()
    last = s.DateField()
    score = Interval()
    asked = s.IntegerField()
    answered = s.IntegerField()
    scores = s.DictField(child=s.IntegerField())
    not_asked = s.DictField(child=s.IntegerField(), help_text="reason → how many")
    quality = QualityShape()
    parts = s.DictField(child=Part(many=True), help_text="agent, team, channel, tag, language, type")


class Erased(Shape):
    erased = s.IntegerField()


class Surveys(Door):
    @says(SurveyShape, listed=True)
    def get(self, request: Request) -> Answer:
        """All surveys that are not deleted."""
        rows, links = pages.by_key(request, Survey.objects.filter(deleted_at=None), {"pk": int})
        return Answer(pages.listed(links, map(survey_shape, rows)))


class OneSurvey(Door):
    @says(SurveyShape)
    def get(self, request: Request, survey_id: int) -> Answer:
        """A survey."""
        return Answer(survey_shape(one(Survey.objects.filter(deleted_at=None), pk=survey_id)))


class SurveyAnswers(Door):
    @says(
        SurveyAnswer,
        listed=True,
        query={"survey": "id", "ticket": "number", "score": "0 to 10", "agent": "id", "team": "id", "customer": "id"},
    )
    def get(self, request: Request) -> Answer:
        """What customers said on tickets that you may see, newest first. Of a survey that is anonymous to agents,
        agents get neither ticket nor customer, and cannot ask by them."""
        found = self._filtered(request)
        rows, links = pages.by_key(request, found, {"pk": int}, newest_first=True)
        return Answer(pages.listed(links, [answer_shape(row, self._sees(row)) for row in rows]))

    def _filtered(self, request: Request) -> QuerySet[Response]:
        # By both: the ticket may have gone to another team since.
        found = Response.objects.seen_with(self.sight).filter(self.sight.where("ticket__team_id"))
        found = found.filter(invitation__is_test=False)
        found = found.select_related("survey", "version", "customer", "agent", "team")
        for name in ("survey", "agent", "team"):
            if chosen := number(request, name):
                found = found.filter(**{name: chosen})
        if (score := given(request, "score")) != "":
            if not (score.isascii() and score.isdigit() and len(score) < 3):
                raise wrong("score", "This is not a number from 0 to 10.")
            found = found.filter(score=int(score))
        for name in ("ticket", "customer"):
            if chosen := number(request, name):
                found = found.filter(**{name: chosen})
                if self.agent.role == Agent.Role.AGENT:
                    named = Q(version__content__anonymous=False) | Q(version__content__anonymous__isnull=True)
                    found = found.filter(named)
        return found

    def _sees(self, row: Response) -> bool:
        return self.agent.role != Agent.Role.AGENT or not versions.content_of(row.version).anonymous


class Results(Door):
    @says(SurveyResults, query={"from": "day", "to": "day, this one included"}, problems=(403,))
    def get(self, request: Request, survey_id: int) -> Answer:
        """For administrators and team leads: the last 90 days unless it says otherwise."""
        self.only(Agent.Role.ADMIN, Agent.Role.LEAD)
        survey = one(Survey.objects.all(), pk=survey_id)
        last = results.day(given(request, "to"), results.today())
        first = results.day(given(request, "from"), last - timedelta(days=results.DAYS - 1))
        if first > last:
            raise wrong("from", "This is after “to”.")
        first = max(first, last - timedelta(days=results.LONGEST))
        return Answer(results_shape(results.results(results.Asked(survey, self.sight, first, last))))


class CustomerAnswers(Door):
    @says(Erased, problems=(403,))
    def delete(self, request: Request, customer_id: int) -> Answer:
        """For administrators: everything that surveys know of this customer is erased; their links end."""
        self.administrator()
        customer = one(Customer.objects.all(), pk=customer_id)
        return Answer({"erased": erasing.erase(customer.pk)})


def survey_shape(row: Survey) -> shapes.Json:
    return {
        "id": row.pk,
        "name": row.name,
        "kind": row.kind,
        "enabled": row.enabled,
        "anonymous": row.content.get("anonymous") is True,
        "languages": row.content.get("languages", []),
        "created_at": shapes.when(row.created_at),
    }


def answer_shape(row: Response, sees_who: bool) -> shapes.Json:
    return {
        "id": row.pk,
        "survey": {"id": row.survey_id, "name": row.survey.name},
        "kind": versions.content_of(row.version).kind,
        "score": row.score,
        "comment": row.comment,
        "answers": row.answers,
        "via": row.via,
        "ticket": row.ticket_id if sees_who else None,
        "customer": {"id": row.customer_id, "name": row.customer.name} if sees_who else None,
        "agent": {"id": row.agent.pk, "name": row.agent.name} if row.agent else None,
        "team": {"id": row.team.pk, "name": row.team.name} if row.team else None,
        "language": row.language,
        "at": shapes.when(row.at),
    }


def results_shape(found: results.Results) -> shapes.Json:
    asked, total = found.asked, found.total
    return {
        "survey": {"id": asked.survey.pk, "name": asked.survey.name},
        "kind": asked.kind,
        "first": asked.first.isoformat(),
        "last": asked.last.isoformat(),
        "score": interval(found.score),
        "asked": total.of("asked"),
        "answered": total.of("answered"),
        "scores": {str(score): count for score, count in total.scores.items()},
        "not_asked": {reason: count for reason, _label, count in found.reasons},
        "quality": {
            "defects": found.quality.defects,
            "opportunities": found.quality.opportunities,
            "dpmo": found.quality.dpmo,
            "sigma": found.quality.sigma,
        },
        "parts": {
            by: [
                {
                    "key": row.key,
                    "name": row.name,
                    "score": interval(row.score),
                    "asked": row.asked,
                    "answered": row.answered,
                }
                for row in rows
            ]
            for by, rows in found.parts.items()
        },
    }


def interval(score: Any) -> shapes.Json:
    return {"value": score.value, "low": score.low, "high": score.high, "count": score.count}
