"""What every answer of the API must look like."""

from __future__ import annotations

import json
import threading
from typing import Any

from django.db import connection

from tests.conftest import Api


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


def at_once(posts: list[tuple[Api, Any, dict[str, str]]], where: str, method: str = "POST") -> list[Any]:
    """The answers to requests that really run in parallel, each on a connection of its own."""
    answers: list[Any] = []
    start = threading.Barrier(len(posts))

    def post(api: Api, body: Any, headers: dict[str, str]) -> None:
        start.wait()
        try:
            answers.append(api(method, where, body, **headers))
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=args) for args in posts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
