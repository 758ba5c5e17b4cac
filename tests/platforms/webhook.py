"""A platform of one's own that keeps to Standard Webhooks: posts to us, takes our replies, serves files."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.platforms import Answer, FakePlatform, Request, answer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class FakeWebhookPlatform(FakePlatform):
    """``/reply/`` verifies with the spec's own library; ``replies`` has each id once, ``files`` are served."""

    def __init__(self, secret: str = SECRET) -> None:
        super().__init__()
        self.secret = secret
        self.replies: dict[str, dict[str, Any]] = {}
        self.files: dict[str, tuple[str, bytes]] = {}
        self._numbers = itertools.count(1)

    @property
    def reply_url(self) -> str:
        return f"{self.url}/reply/"

    def respond(self, request: Request) -> Answer:
        if request.path in self.files:
            mime, body = self.files[request.path]
            return answer(body=body, headers={"Content-Type": mime})
        if request.method != "POST" or request.path != "/reply/":
            return answer(404)
        try:
            said = Webhook(self.secret).verify(request.body, request.headers)
        except WebhookVerificationError as error:
            return answer(401, json={"error": str(error)})
        key = request.headers["webhook-id"]
        self.replies.setdefault(key, said)
        return answer(json={"id": f"ext-{key}"})

    def sent_to(self, person: str) -> list[dict[str, Any]]:
        """What was said to them, in order; a live check says something to nobody."""
        return [one for one in list(self.replies.values()) if one.get("to", {}).get("id") == person]

    def add_file(self, name: str, body: bytes, mime: str) -> str:
        self.files[f"/files/{name}"] = (mime, body)
        return f"{self.url}/files/{name}"

    def post(self, url: str, event: Any, delivery: str = "") -> httpx.Response:
        body, headers = signed(event, self.secret, delivery or f"msg_{next(self._numbers)}")
        return httpx.post(url, content=body, headers=headers, trust_env=False)


def signed(
    event: Any, secret: str = SECRET, delivery: str = "msg_1", at: datetime | None = None
) -> tuple[bytes, dict[str, str]]:
    """Body and headers as the spec's own library signs them."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    now = at or datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": delivery,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(delivery, now, body.decode()),
    }
    return body, headers
