"""What all doors of the API share: who asks, what they may see, how a body is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, cast

from django.db.models import Model, QuerySet
from django.http import Http404
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from agents.models import Agent, Sight
from tickets.api.inputs import StrictJson
from tickets.api.problems import Problem
from tickets.models import Actor, Ticket

F = TypeVar("F", bound=Callable[..., Any])
M = TypeVar("M", bound=Model)
Serializer = type[BaseSerializer[Any]]


class AlwaysJson(DefaultContentNegotiation):
    """There is one format, whatever the client says that it would like."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type or ""


@dataclass(frozen=True, slots=True)
class Said:
    """What a method takes and answers, for OpenAPI. Kept aside so that nothing of it is loaded to serve a request."""

    answer: Serializer | None
    status: int = 200
    also: dict[int, Serializer | None] = field(default_factory=dict)
    takes: Serializer | None = None
    upload: bool = False
    listed: bool = False
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    sends: dict[str, str] = field(default_factory=dict)
    problems: tuple[int, ...] = ()


def says(answer: Serializer | None, **more: Any) -> Callable[[F], F]:
    def keep(method: F) -> F:
        method.said = Said(answer, **more)  # type: ignore[attr-defined]
        return method

    return keep


class Door(APIView):
    content_negotiation_class = AlwaysJson
    parser_classes = [StrictJson]
    metadata_class = None

    @property
    def agent(self) -> Agent:
        return cast("Agent", self.request.user)

    @property
    def by(self) -> Actor:
        return Actor.of(self.agent)

    @cached_property
    def sight(self) -> Sight:
        """That of the moment, read once per request."""
        return self.agent.sight()

    def only(self, *roles: str) -> None:
        if self.agent.role not in roles:
            raise Problem(403, "Your role does not allow this.")

    def administrator(self) -> None:
        self.only(Agent.Role.ADMIN)

    def read(self, shape: Serializer, **options: Any) -> dict[str, Any]:
        """The body, checked; raises what becomes a 400."""
        serializer = shape(data=self.request.data, **options)
        serializer.is_valid(raise_exception=True)
        return cast("dict[str, Any]", serializer.validated_data)

    def ticket(self, number: int) -> Ticket:
        """As the agent may see it; 404 otherwise."""
        return one(Ticket.objects.seen_with(self.sight).for_reading(), pk=number)

    def must_see(self, number: int) -> None:
        if not Ticket.objects.seen_with(self.sight).filter(pk=number).exists():
            raise Http404

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer


def one(rows: QuerySet[M], **which: Any) -> M:
    found = rows.filter(**which).first()
    if found is None:
        raise Http404
    return found
