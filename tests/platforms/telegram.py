"""Telegram's Bot API as far as we use it: chats, files behind getFile, floods, migrations, a secret header."""

from __future__ import annotations

import itertools
import json
import re
import threading
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import unquote

import httpx

from tests.platforms import Answer, FakePlatform, Request, answer

BOT_TOKEN = "7000000001:AAExampleExampleExampleExampleExample"
SECRET = "Az09_-secret"
SITI = {"id": 6100200300, "is_bot": False, "first_name": "Siti", "last_name": "Aminah", "language_code": "id"}
CHAT = {"id": 6100200300, "first_name": "Siti", "last_name": "Aminah", "type": "private"}
GROUP = {"id": -1002345678901, "title": "Pelanggan setia", "type": "supergroup"}
FILES = {"sendPhoto": "photo", "sendDocument": "document", "sendVideo": "video", "sendAudio": "audio",
         "sendVoice": "voice", "sendAnimation": "animation"}  # fmt: skip


class FakeTelegram(FakePlatform):
    """``sent`` holds what arrived: method, fields, and the file as (name, type, bytes)."""

    def __init__(self, token: str = BOT_TOKEN, secret: str = SECRET) -> None:
        super().__init__()
        self.token, self.secret = token, secret
        self.sent: list[dict[str, Any]] = []
        self.chats: dict[int, dict[str, Any]] = {CHAT["id"]: CHAT, GROUP["id"]: GROUP}
        self.refusals: dict[int, tuple[int, str, dict[str, Any]]] = {}
        self.files: dict[str, tuple[str, Answer]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.hook: dict[str, Any] = {"url": "", "pending_update_count": 0}
        self.me: dict[str, Any] = {"id": 7000000001, "is_bot": True, "first_name": "Toko", "username": "tokorasabot"}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def respond(self, request: Request) -> Answer:
        if found := re.fullmatch(rf"/file/bot{re.escape(self.token)}/(.+)", request.path):
            file = next((file for path, file in self.files.values() if path == unquote(found[1])), None)
            return file or _error(404, "Not Found")
        found = re.fullmatch(r"/bot([^/]+)/(\w+)", request.path)
        if not found or found[1] != self.token:
            return _error(401 if found else 404, "Unauthorized" if found else "Not Found")
        method, (fields, file) = found[2], _read(request)
        with self._lock:
            self.calls.append((method, fields))
            if method == "sendMessage" or method in FILES:
                return self._deliver(method, fields, file)
            return self._other(method, fields)

    def _deliver(self, method: str, fields: dict[str, Any], file: tuple[str, str, bytes] | None) -> Answer:
        chat = int(fields["chat_id"])
        if chat in self.refusals:
            return _error(*self.refusals[chat])
        if chat not in self.chats:
            return _error(400, "Bad Request: chat not found")
        text = fields.get("text" if method == "sendMessage" else "caption", "")
        if method == "sendMessage" and not text:
            return _error(400, "Bad Request: message text is empty")
        if len(text) > (4096 if method == "sendMessage" else 1024):
            return _error(400, "Bad Request: message is too long")
        if method in FILES and not file:
            return _error(400, f"Bad Request: there is no {FILES[method]} in the request")
        message = {"message_id": next(self._numbers), "chat": self.chats[chat], "date": 1790000000}
        self.sent.append({"method": method, **fields, "file": file, "message_id": message["message_id"]})
        return _ok({**message, "text": text})

    def _other(self, method: str, fields: dict[str, Any]) -> Answer:
        if method == "getFile":
            if fields["file_id"] not in self.files:
                return _error(400, "Bad Request: invalid file_id")
            path = self.files[fields["file_id"]][0]
            return (
                _ok({"file_id": fields["file_id"], "file_path": path})
                if path
                else _error(400, "Bad Request: file is too big")
            )
        if method == "getChat":
            chat = self.chats.get(int(fields["chat_id"]))
            return _ok(chat) if chat else _error(400, "Bad Request: chat not found")
        if method == "setWebhook":
            if not fields["url"].startswith("http"):
                return _error(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
            self.hook = {**self.hook, **fields}
            return _ok(True)
        if method in ("getMe", "getWebhookInfo"):
            return _ok(self.me if method == "getMe" else self.hook)
        return _ok(True)

    def called(self, method: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.calls if name == method]

    # ── posts to us ──

    def update(self, kind: str = "message", **more: Any) -> dict[str, Any]:
        number = next(self._numbers)
        own = {"message_id": 9000 + number, "from": SITI, "chat": CHAT, "date": 1790000000 + number}
        return {"update_id": 815000000 + number, kind: {**own, **more}}

    def post(self, url: str, update: dict[str, Any]) -> httpx.Response:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.secret, "Content-Type": "application/json"}
        return httpx.post(url, content=json.dumps(update).encode(), headers=headers, trust_env=False)


def _read(request: Request) -> tuple[dict[str, Any], tuple[str, str, bytes] | None]:
    """JSON, or a form with a file."""
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        found = json.loads(request.body or b"{}")
        return (found if isinstance(found, dict) else {}), None
    fields: dict[str, Any] = {}
    file = None
    whole = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + request.body)
    for part in whole.iter_parts():
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if part.get_filename() is None:
            fields[str(name)] = content.decode()
        else:
            file = (str(part.get_filename()), part.get_content_type(), content)
    return fields, file


def _ok(result: Any) -> Answer:
    return answer(json={"ok": True, "result": result})


def _error(status: int, description: str, parameters: dict[str, Any] | None = None) -> Answer:
    more = {"parameters": parameters} if parameters else {}
    return answer(status, json={"ok": False, "error_code": status, "description": description, **more})
