"""LINE's API as far as we use it: tokens good once and for a minute, retry keys, a quota, signed posts."""

from __future__ import annotations

import base64
import hmac
import itertools
import json
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.platforms import Answer, FakePlatform, Request, answer

SECRET = "8c570fa6dd201bb328f1c1eac23a96d8"
TOKEN = "a-long-lived-channel-access-token"
BOT = "U0a1b2c3d4e5f60718293a4b5c6d7e8f9"
USER = "U5d1c0ffee5d1c0ffee5d1c0ffee5d1c0"
GROUP = "C0123456789abcdef0123456789abcdef"
TYPES = {"text", "image", "video", "audio"}


class FakeLine(FakePlatform):
    """``sent`` holds what arrived at a customer, one entry for each call: how (reply or push), to, messages."""

    def __init__(self, secret: str = SECRET, token: str = TOKEN) -> None:
        super().__init__()
        self.secret, self.token = secret, token
        self.sent: list[dict[str, Any]] = []
        self.content: dict[str, list[Answer]] = {}
        self.profiles: dict[str, dict[str, Any]] = {}
        self.read: list[str] = []
        self.typing: list[str] = []
        self.limit: int | None = None
        self.endpoint, self.active, self.test_post = "", True, {"success": True, "statusCode": 200, "reason": "OK"}
        self.token_seconds = 60.0
        self._tokens: dict[str, tuple[str, float]] = {}
        self._keys: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    # ── what it answers ──

    def respond(self, request: Request) -> Answer:
        if request.path.startswith("/stickershop/"):
            return self._content(request.path)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return _error(401, "Authentication failed due to the following reason: invalid token.")
        routes: dict[str, Callable[[Request], Answer]] = {
            "POST /v2/bot/message/reply": self._reply,
            "POST /v2/bot/message/push": self._push,
            "POST /v2/bot/chat/markAsRead": lambda r: self._note(self.read, r.json["markAsReadToken"]),
            "POST /v2/bot/chat/loading/start": lambda r: self._note(self.typing, r.json["chatId"], 202),
            "GET /v2/bot/message/quota": lambda r: answer(json=self._quota()),
            "GET /v2/bot/message/quota/consumption": lambda r: answer(json={"totalUsage": self.used()}),
            "GET /v2/bot/info": lambda r: answer(json={"userId": BOT, "basicId": "@toko", "displayName": "Toko Rasa"}),
            "GET /v2/bot/channel/webhook/endpoint": self._endpoint,
            "PUT /v2/bot/channel/webhook/endpoint": self._set_endpoint,
            "POST /v2/bot/channel/webhook/test": lambda r: answer(json=self.test_post),
        }
        route = routes.get(f"{request.method} {request.path}")
        if route:
            return route(request)
        if found := re.fullmatch(r"/v2/bot/message/(\w+)/content", request.path):
            return self._content(found[1])
        if found := re.fullmatch(r"/v2/bot/(?:profile|group|room)/([\w/]+?)(?:/summary)?", request.path):
            profile = self.profiles.get(found[1])
            return answer(json=profile) if profile else _error(404, "Not found")
        return _error(404, "Not found")

    def _reply(self, request: Request) -> Answer:
        with self._lock:
            to, born = self._tokens.pop(request.json["replyToken"], ("", 0.0))
            if not to or time.monotonic() - born > self.token_seconds:
                return _error(400, "Invalid reply token")
            return self._deliver("reply", to, request)

    def _push(self, request: Request) -> Answer:
        key = request.headers.get("x-line-retry-key", "")
        if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", key):
            return _error(400, "The retry key is invalid")
        with self._lock:
            if key in self._keys:
                made = [{"id": self._keys[key]}]
                return answer(409, json={"message": "The retry key is already accepted", "sentMessages": made})
            if not re.fullmatch(r"[UCR][0-9a-f]{32}", request.json["to"]):
                return _error(400, "The property, 'to', in the request body is invalid (line: -, column: -)")
            if self.limit is not None and self.used() >= self.limit:
                return _error(429, "You have reached your monthly limit.")
            taken = self._deliver("push", request.json["to"], request)
            if taken.status == 200:
                self._keys[key] = json.loads(taken.body)["sentMessages"][0]["id"]
            return taken

    def _deliver(self, how: str, to: str, request: Request) -> Answer:
        messages = request.json["messages"]
        if not 1 <= len(messages) <= 5:
            return _error(400, "The request body has 1 error(s)", "Size must be between 1 and 5", "messages")
        for number, message in enumerate(messages):
            wrong = _wrong(message)
            if wrong:
                return _error(400, "The request body has 1 error(s)", wrong[1], f"messages[{number}].{wrong[0]}")
        self.sent.append({"how": how, "to": to, "messages": messages})
        ids = [{"id": f"4612309668420{next(self._numbers):05d}", "quoteToken": "q"} for _one in messages]
        return answer(json={"sentMessages": ids})

    def used(self) -> int:
        return sum(call["how"] == "push" for call in self.sent)

    def _quota(self) -> dict[str, Any]:
        return {"type": "none"} if self.limit is None else {"type": "limited", "value": self.limit}

    def _note(self, notes: list[str], value: str, status: int = 200) -> Answer:
        notes.append(value)
        return answer(status, json={})

    def _content(self, name: str) -> Answer:
        """Each asked for in turn; the last answer stays."""
        answers = self.content.get(name)
        if not answers:
            return _error(404, "Not found")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def _endpoint(self, request: Request) -> Answer:
        if not self.endpoint:
            return _error(404, "Webhook endpoint not found")
        return answer(json={"endpoint": self.endpoint, "active": self.active})

    def _set_endpoint(self, request: Request) -> Answer:
        if not request.json["endpoint"].startswith("http"):
            return _error(400, "Invalid webhook endpoint URL")
        self.endpoint = request.json["endpoint"]
        return answer(json={})

    # ── posts to us ──

    def event(self, kind: str = "message", **more: Any) -> dict[str, Any]:
        """One event as LINE makes it, with a fresh reply token; ``age`` in seconds."""
        number, age = next(self._numbers), more.pop("age", 0)
        token = f"reply-{number:026d}"
        source = more.get("source", {"type": "user", "userId": USER})
        to = source.get("groupId") or source.get("roomId") or source.get("userId") or ""
        self._tokens[token] = (to, time.monotonic() - age)
        return {
            "type": kind,
            "mode": "active",
            "timestamp": int((time.time() - age) * 1000),
            "webhookEventId": f"01J8Z{number:021d}",
            "deliveryContext": {"isRedelivery": False},
            "source": source,
            "replyToken": token,
            **more,
        }

    def message(self, kind: str = "text", *, of: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        number = next(self._numbers)
        own = {"id": f"53000000000000{number:04d}", "type": kind, "quoteToken": f"quote-{number}"}
        words = {"text": "Halo"} if kind == "text" else {}
        return self.event(message={**own, "markAsReadToken": f"read-{number}", **words, **more}, **(of or {}))

    def signed(self, *events: Any) -> tuple[bytes, dict[str, str]]:
        body = json.dumps({"destination": BOT, "events": events}, ensure_ascii=False).encode()
        return body, {"Content-Type": "application/json; charset=utf-8", "X-Line-Signature": sign(body, self.secret)}

    def post(self, url: str, *events: Any) -> httpx.Response:
        body, headers = self.signed(*events)
        return httpx.post(url, content=body, headers=headers, trust_env=False)


def sign(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def redelivered(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "deliveryContext": {"isRedelivery": True}}


def _wrong(message: dict[str, Any]) -> tuple[str, str] | None:
    """(property, what is wrong with it), as LINE checks a message object."""
    if message["type"] not in TYPES:
        return "type", "must be a valid value"
    if message["type"] == "text":
        units = len(message["text"].encode("utf-16-le")) // 2
        return None if 1 <= units <= 5000 else ("text", "Length must be between 1 and 5000")
    needed = {"image": "previewImageUrl", "video": "previewImageUrl", "audio": "duration"}[message["type"]]
    missing = next((name for name in ("originalContentUrl", needed) if not message.get(name)), "")
    if missing:
        return missing, "must be specified"
    items = message.get("quickReply", {}).get("items", [])
    if len(items) > 13 or any(len(item["action"]["label"]) > 20 for item in items):
        return "quickReply", "Length must be between 1 and 20"
    return None


def _error(status: int, message: str, detail: str = "", name: str = "") -> Answer:
    details = {"details": [{"message": detail, "property": name}]} if detail else {}
    return answer(status, json={"message": message, **details})
