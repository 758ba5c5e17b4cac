"""Uploads: a file that its uploader then names in a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from rest_framework import serializers
from rest_framework.parsers import DataAndFiles, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.contract import clean_text
from tickets import media, shapes
from tickets.api import schema
from tickets.api.doors import Door, says
from tickets.api.inputs import wrong
from tickets.api.problems import Problem

ROOM = 1024 * 1024
"""What a multipart body may have around its file."""


def too_large() -> Problem:
    return Problem(413, f"A file may have at most {settings.MAX_ATTACHMENT_BYTES // (1024 * 1024)} MB.")


class BoundedMultiPart(MultiPartParser):
    """Refuses by the declared length, before anything is read."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> DataAndFiles[Any, Any]:
        assert parser_context is not None
        if int(parser_context["request"].META.get("CONTENT_LENGTH") or 0) > settings.MAX_ATTACHMENT_BYTES + ROOM:
            raise too_large()
        return super().parse(stream, media_type, parser_context)


class Upload(serializers.Serializer[Any]):
    file = serializers.FileField()


class Attachments(Door):
    parser_classes = [BoundedMultiPart]

    @says(schema.Attachment, status=201, takes=Upload, upload=True, problems=(413, 415))
    def post(self, request: Request) -> Response:
        """A file of at most 25 MB. It is yours alone until you name its id in a message."""
        file = request.FILES.get("file")
        if not isinstance(file, UploadedFile):
            raise wrong("file", "There is no file in the form field “file”.")
        if not file.size:
            raise wrong("file", "The file is empty.")
        if file.size > settings.MAX_ATTACHMENT_BYTES:
            raise too_large()
        row = media.upload(self.agent, file, file.name or "", clean_text(file.content_type or ""))
        return Response(shapes.attachment(row), status=201)
