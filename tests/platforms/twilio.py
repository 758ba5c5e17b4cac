"""Twilio's REST API as far as we use it, with its magic numbers and signed posts back."""

from __future__ import annotations

import base64
import itertools
import re
from typing import Any
from urllib.parse import urlencode

import httpx
from twilio.request_validator import RequestValidator

from tests.platforms import Answer, FakePlatform, Request, answer

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "a-very-secret-token"
OUR_NUMBER = "+6281200000000"
# Numbers that fail, in the way of Twilio's own test credentials.
MAGIC = {
    "+15005550001": (400, 21211, "Invalid 'To' Phone Number"),
    "+15005550002": (400, 21612, "Message cannot be sent with the current combination of parameters"),
    "+15005550003": (403, 21408, "Permission to send an SMS has not been enabled for the region"),
    "+15005550004": (400, 21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (400, 21614, "'To' number is not a valid mobile number"),
    "+15005550029": (429, 20429, "Too Many Requests"),
}


class FakeTwilio(FakePlatform):
    """``messages`` holds what was sent; ``media`` what can be fetched with the account's credentials."""

    def __init__(self, account_sid: str = ACCOUNT_SID, auth_token: str = AUTH_TOKEN) -> None:
        super().__init__()
        self.account_sid, self.auth_token = account_sid, auth_token
        self.messages: list[dict[str, Any]] = []
        self.media: dict[str, tuple[str, bytes]] = {}
        self._numbers = itertools.count(1)

    def respond(self, request: Request) -> Answer:
        if request.headers.get("authorization") != self._basic():
            return _error(401, 20003, "Authenticate")
        account = f"/2010-04-01/Accounts/{self.account_sid}"
        if request.method == "POST" and request.path == f"{account}/Messages.json":
            return self._create(request)
        if request.path == f"{account}.json":
            return answer(json={"sid": self.account_sid, "status": "active"})
        if request.path in self.media:
            mime, body = self.media[request.path]
            return answer(body=body, headers={"Content-Type": mime})
        return _error(404, 20404, "The requested resource was not found")

    def _create(self, request: Request) -> Answer:
        form = request.form
        to = form.get("To", [""])[0]
        if to in MAGIC:
            return _error(*MAGIC[to])
        if not re.fullmatch(r"(whatsapp:)?\+[0-9]{6,15}", to):
            return _error(400, 21211, "Invalid 'To' Phone Number")
        if not (form.get("Body", [""])[0] or form.get("MediaUrl")):
            return _error(400, 21602, "Message body is required")
        message = {
            "sid": f"SM{next(self._numbers):032x}",
            "to": to,
            "from": form.get("From", form.get("MessagingServiceSid", [""]))[0],
            "body": form.get("Body", [""])[0],
            "media": form.get("MediaUrl", []),
            "status_callback": form.get("StatusCallback", [""])[0],
            "status": "queued",
            "error_code": None,
        }
        self.messages.append(message)
        return answer(201, json=message)

    def add_media(self, body: bytes, mime: str = "image/png", name: str = "ME1") -> str:
        """The URL under which Twilio would name it in MediaUrl0."""
        path = f"/2010-04-01/Accounts/{self.account_sid}/Messages/MM1/Media/{name}"
        self.media[path] = (mime, body)
        return f"https://api.twilio.com{path}"

    def _basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.account_sid}:{self.auth_token}".encode()).decode()

    # ── posts to us ──

    def signed(self, url: str, form: dict[str, str]) -> tuple[bytes, dict[str, str]]:
        """Body and headers of a webhook as Twilio would post it to ``url``."""
        signature = RequestValidator(self.auth_token).compute_signature(url, form)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": signature,
        }
        return urlencode(form).encode(), headers

    def post(self, url: str, form: dict[str, str]) -> httpx.Response:
        body, headers = self.signed(url, form)
        return httpx.post(url, content=body, headers=headers, trust_env=False)

    def status(self, message: dict[str, Any], status: str, error_code: str = "") -> httpx.Response:
        """A status callback for a message that was sent, to where the send said."""
        form = {"MessageSid": message["sid"], "MessageStatus": status, "To": message["to"], "From": message["from"]}
        if error_code:
            form["ErrorCode"] = error_code
        return self.post(message["status_callback"], form)

    def inbound(self, url: str, **fields: str) -> httpx.Response:
        return self.post(url, inbound_form(next(self._numbers), **fields))


def inbound_form(number: int = 1, **fields: str) -> dict[str, str]:
    sid = f"SM{number:032x}"
    return {
        "MessageSid": sid, "SmsSid": sid, "AccountSid": ACCOUNT_SID, "From": "+6281311112222", "To": OUR_NUMBER,
        "Body": "Halo", "NumMedia": "0", "SmsStatus": "received", "ApiVersion": "2010-04-01", "ToCity": "",
        **fields,
    }  # fmt: skip


def _error(status: int, code: int, message: str) -> Answer:
    headers = {"Retry-After": "3"} if status == 429 else {}
    return answer(status, json={"code": code, "message": message, "status": status}, headers=headers)
