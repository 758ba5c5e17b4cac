"""What every answer of the API must look like."""

from __future__ import annotations

import json
from typing import Any


def said(response: Any, status: int = 200) -> Any:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    return json.loads(response.content)


def problem(response: Any, status: int) -> Any:
    """RFC 9457, and the same status inside and out."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    found = json.loads(response.content)
    assert found["status"] == status
    assert found["type"]
    assert found["title"]
    assert isinstance(found["detail"], str)
    if status == 401:
        assert response["WWW-Authenticate"].startswith("Bearer")
    return found
