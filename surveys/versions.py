"""A survey's words as they are today, and the row that keeps them for whoever is asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from surveys import definition
from surveys.models import Survey, SurveyVersion


def whole(survey: Survey) -> dict[str, object]:
    return {**survey.content, "kind": survey.kind, "name": survey.name}


def version_of(survey: Survey) -> SurveyVersion:
    """Made when somebody is first asked with these words."""
    content = whole(survey)
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    row, _made = SurveyVersion.objects.get_or_create(survey=survey, digest=digest, defaults={"content": content})
    return row


def current(surveys: Iterable[Survey]) -> dict[int, definition.Content]:
    return {survey.pk: definition.content(whole(survey)) for survey in surveys}


def content_of(version: SurveyVersion) -> definition.Content:
    return definition.content(version.content)
