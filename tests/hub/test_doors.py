"""Doors that are shut, and pages that go out small."""

from __future__ import annotations

import gzip

import pytest
from django.test import Client


@pytest.mark.parametrize("path", ["email/", "confirm-email/", "confirm-email/x:y/", "reauthenticate/"])
@pytest.mark.django_db
def test_what_sign_in_brings_along_and_nobody_needs_is_shut(client: Client, path: str) -> None:
    assert client.get(f"/accounts/{path}").status_code == 404
    assert client.post(f"/accounts/{path}", {"email": "x@y.example"}).status_code in (403, 404)


@pytest.mark.django_db
def test_pages_are_compressed_and_the_api_is_left_alone(client: Client) -> None:
    page = client.get("/accounts/login/", headers={"accept-encoding": "gzip"})
    assert page["Content-Encoding"] == "gzip"
    assert b"<form" in gzip.decompress(page.content)
    assert "Content-Encoding" not in client.get("/api/v1/tickets/", headers={"accept-encoding": "gzip"})
