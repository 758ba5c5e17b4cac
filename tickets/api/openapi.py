"""OpenAPI from what the doors say about themselves. Loaded when somebody asks for it, not to serve the API."""

from __future__ import annotations

from typing import Any

import uritemplate
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from tickets.api import schema
from tickets.api.doors import Said
from tickets.api.problems import CONTENT_TYPE

PROBLEMS = {
    400: "A value is wrong.",
    401: "No token, or not a valid one.",
    403: "Your role does not allow this.",
    404: "Nothing there, or not yours to see.",
    409: "Something forbids it now; the body says what.",
    413: "Too large.",
    415: "Another content type is wanted.",
    422: "This Idempotency-Key was used for another request.",
}
PAGING = {"limit": "How many, at most 200.", "cursor": "From “next” or “previous”."}


class Bearer(OpenApiAuthenticationExtension):  # type: ignore[misc]
    target_class = "agents.tokens.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


_pages: dict[Any, Any] = {}


def page_of(shape: Any) -> Any:
    """The same class each time: OpenAPI knows a component by it."""
    if shape not in _pages:
        fields = {
            "next": serializers.CharField(allow_null=True),
            "previous": serializers.CharField(allow_null=True),
            "results": shape(many=True),
        }
        _pages[shape] = type(f"{shape.__name__}Page", (serializers.Serializer,), fields)
    return _pages[shape]


class Schema(AutoSchema):  # type: ignore[misc]
    @property
    def said(self) -> Said:
        found: Said = getattr(self.view, self.method.lower()).said
        return found

    def get_operation_id(self) -> str:
        words = [part.strip("{}") for part in self.path.removeprefix("/api/v1").split("/") if part]
        return "_".join([self.method.lower(), *words])

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").partition("/")[0]]

    def get_request_serializer(self) -> Any:
        return self.said.takes

    def map_parsers(self) -> list[str]:
        return ["multipart/form-data"] if self.said.upload else ["application/json"]

    def get_response_serializers(self) -> Any:
        said = self.said
        answer = page_of(said.answer) if said.listed and said.answer else said.answer
        found: dict[Any, Any] = {(str(said.status), "application/json"): answer or OpenApiResponse(description="Done.")}
        for status, other in said.also.items():
            found[(str(status), "application/json")] = other
        usual = [400, 401, *([404] if "{" in self.path else []), *said.problems]
        for status in sorted(usual):
            found[(str(status), CONTENT_TYPE)] = OpenApiResponse(schema.Problem, description=PROBLEMS[status])
        return found

    def get_override_parameters(self) -> list[OpenApiParameter]:
        said = self.said
        path = [OpenApiParameter(name, OpenApiTypes.INT64, "path") for name in uritemplate.variables(self.path)]
        query = {**said.query, **(PAGING if said.listed else {})}
        asked = [OpenApiParameter(name, OpenApiTypes.STR, "query", description=words) for name, words in query.items()]
        headers = [
            OpenApiParameter(name, OpenApiTypes.STR, "header", description=it) for name, it in said.headers.items()
        ]
        status = [said.status]
        sends = [
            OpenApiParameter(name, OpenApiTypes.STR, "header", description=it, response=status)
            for name, it in said.sends.items()
        ]
        return [*path, *asked, *headers, *sends]

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False
