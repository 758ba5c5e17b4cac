"""Meta's Graph API as far as we use it, for WhatsApp, Messenger and Instagram: tokens, windows, files that
expire, limits, and signed posts back, also twice and in any order."""

from __future__ import annotations

import email
import hashlib
import hmac
import itertools
import json
import random
import re
import threading
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.platforms import Answer, FakePlatform, Request, answer

APP_SECRET = "0123456789abcdef0123456789abcdef"
VERIFY_TOKEN = "meatyhamhock"
TOKEN = "EAAG-test-token"
NUMBER_ID = "100000000000001"
WABA_ID = "200000000000001"
PAGE_ID = "300000000000001"
IG_ID = "17841400000000001"
CUSTOMER = "6281311112222"
PERSON = "7001"
ROUTE = re.compile(r"/v[0-9]+\.[0-9]+/([^/]+)(?:/([^/]+))?")
WINDOW = {
    "whatsapp": (400, 131047, None, "Re-engagement message"),
    "page": (400, 10, 2018278, "This message is sent outside of allowed window."),
}
# Recipients that fail: (status, code, subcode, message)
MAGIC: dict[str, tuple[int, int, int | None, str]] = {
    "6281300000026": (400, 131026, None, "Message undeliverable"),
    "6281300000056": (429, 131056, None, "Pair rate limit hit"),
    "6281300000429": (429, 130429, None, "Rate limit hit"),
    "551": (400, 551, 1545041, "This person isn't available right now."),
    "613": (400, 613, None, "Calls to this api have exceeded the rate limit."),
}


@dataclass
class Media:
    mime: str
    body: bytes
    expired: bool = False
    name: str = "file"
    links: list[str] = field(default_factory=list)


@dataclass
class Sending:
    """One accepted send. node: the id in its path."""

    id: str
    node: str
    body: dict[str, Any]

    @property
    def to(self) -> str:
        recipient = self.body.get("recipient")
        return str(recipient.get("id") or recipient.get("user_ref")) if isinstance(recipient, dict) else str(
            self.body.get("to") or recipient
        )  # fmt: skip


class FakeMeta(FakePlatform):
    """sends: what was accepted. acts: read marks, typing and reactions. closed: whose window is over."""

    def __init__(self) -> None:
        super().__init__()
        self.sends: list[Sending] = []
        self.acts: list[dict[str, Any]] = []
        self.uploads: dict[str, tuple[str, str, bytes]] = {}
        self.media: dict[str, Media] = {}
        self.people: dict[str, dict[str, str]] = {}
        self.templates: list[dict[str, Any]] = []
        self.subscribed: list[str] | None = ["messages", "messaging_postbacks"]
        self.closed: set[str] = set()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    # ── what it answers ──

    def respond(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {TOKEN}" and not request.path.startswith("/cdn/"):
            return error(401, 190, None, "Invalid OAuth access token - Cannot parse access token")
        if request.path.startswith(("/files/", "/cdn/")):
            return self._bytes(request.path.rpartition("/")[2])
        route = ROUTE.fullmatch(request.path)
        if route is None:
            return error(400, 2500, None, "Unknown path components")
        node, edge = route[1], route[2] or ""
        with self._lock:
            if request.method == "POST":
                return {"messages": self._message, "media": self._upload}[edge](node, request)
            return self._told(node, edge, request)

    def _message(self, node: str, request: Request) -> Answer:
        body = request.json
        whatsapp = body.get("messaging_product") == "whatsapp"
        if body.get("status") == "read" or "sender_action" in body or body.get("type") == "reaction":
            self.acts.append(body)
            return answer(json={"success": True})
        sending = Sending("", node, body)
        trouble = self._trouble(sending, "whatsapp" if whatsapp else "page")
        if trouble:
            return error(*trouble)
        number = next(self._numbers)
        sending.id = f"wamid.OUT{number}" if whatsapp else f"m_out{number}"
        self.sends.append(sending)
        if whatsapp:
            contacts = [{"input": sending.to, "wa_id": sending.to}]
            sent = [{"id": sending.id}]
            return answer(json={"messaging_product": "whatsapp", "contacts": contacts, "messages": sent})
        return answer(json={"recipient_id": sending.to, "message_id": sending.id})

    def _trouble(self, sending: Sending, platform: str) -> tuple[int, int, int | None, str] | None:
        body = sending.body
        if sending.to in MAGIC:
            return MAGIC[sending.to]
        late = body.get("type") == "template" or body.get("tag") == "HUMAN_AGENT"
        if sending.to in self.closed and not late:
            return WINDOW[platform]
        said = body.get("message", {}).get("text", "") or body.get("text", {}).get("body", "")
        limit = 4096 if platform == "whatsapp" else 1000 if sending.node == IG_ID else 2000
        if (len(said.encode()) if limit == 1000 else len(said)) > limit:
            return 400, 100, None, "Param text is too long"
        media: dict[str, Any] = next(
            (body[kind] for kind in ("image", "video", "audio", "document", "sticker") if kind in body), {}
        )
        if "id" in media and media["id"] not in self.uploads:
            return 400, 131053, None, "Media upload error"
        return None

    def _upload(self, node: str, request: Request) -> Answer:
        parts = multipart(request)
        assert parts["messaging_product"][2] == b"whatsapp"
        media_id = f"90{next(self._numbers)}"
        self.uploads[media_id] = parts["file"]
        return answer(json={"id": media_id})

    def _told(self, node: str, edge: str, request: Request) -> Answer:
        if edge == "message_templates":
            return self._template_page(request)
        if edge == "subscribed_apps":
            fields = {"subscribed_fields": self.subscribed}
            return answer(json={"data": [{"name": "Hub", **fields}] if self.subscribed is not None else []})
        if node in self.media:
            found = self.media[node]
            if found.expired:
                return error(400, 100, 33, "Unsupported get request. Object does not exist")
            url = f"{self.url}/files/{node}"
            found.links.append(url)
            return answer(json={"url": url, "mime_type": found.mime, "file_size": len(found.body), "id": node})
        if node in self.people:
            return answer(json={**self.people[node], "id": node})
        named = {
            NUMBER_ID: {"display_phone_number": "+62 812-0000-0000", "verified_name": "Batik"},
            PAGE_ID: {"name": "Batik"},
            IG_ID: {"username": "batik"},
        }
        if node in named or node == "me":
            return answer(json={**named.get(node, {"name": "Batik"}), "id": node})
        return error(400, 100, 33, "Unsupported get request. Object with that ID does not exist")

    def _template_page(self, request: Request) -> Answer:
        start = int(request.query.get("after", ["0"])[0])
        limit = min(int(request.query.get("limit", ["25"])[0]), 2)
        page, end = self.templates[start : start + limit], start + limit
        more = {"next": "https://graph.facebook.com/elsewhere"} if end < len(self.templates) else {}
        return answer(json={"data": page, "paging": {"cursors": {"before": "0", "after": str(end)}, **more}})

    def _bytes(self, name: str) -> Answer:
        found = self.media.get(name)
        if found is None or found.expired:
            return answer(404, body="gone")
        return answer(body=found.body, headers={"Content-Type": found.mime})

    # ── files there ──

    def add_media(self, media_id: str, body: bytes, mime: str) -> Media:
        """A file that somebody sent; on Messenger and Instagram fetched from ``cdn(media_id)``."""
        self.media[media_id] = Media(mime, body)
        return self.media[media_id]

    def cdn(self, media_id: str) -> str:
        return f"{self.url}/cdn/{media_id}"

    # ── posts to us ──

    def post(self, url: str, body: Any) -> httpx.Response:
        content, headers = signed(body)
        return httpx.post(url, content=content, headers=headers, trust_env=False, timeout=60)

    def storm(self, url: str, bodies: list[Any], seed: int = 7) -> list[int]:
        """All of them twice, in any order, four at a time."""
        shuffled = [*bodies, *bodies]
        random.Random(seed).shuffle(shuffled)
        statuses: list[int] = []
        lock, queue = threading.Lock(), iter(shuffled)

        def run() -> None:
            while True:
                with lock:
                    body = next(queue, None)
                if body is None:
                    return
                status = self.post(url, body).status_code
                with lock:
                    statuses.append(status)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return statuses


def error(status: int, code: int, subcode: int | None, message: str) -> Answer:
    body: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1"}
    if subcode:
        body["error_subcode"] = subcode
    headers = {"Retry-After": "7"} if status == 429 else {}
    return answer(status, json={"error": body}, headers=headers)


def multipart(request: Request) -> dict[str, tuple[str, str, bytes]]:
    """name → (filename, media type, bytes)."""
    raw = b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n" + request.body
    found = {}
    for part in email.message_from_bytes(raw).walk():
        name = part.get_param("name", header="content-disposition")
        if name:
            found[str(name)] = (part.get_filename() or "", part.get_content_type(), part.get_payload(decode=True))
    return found  # type: ignore[return-value]


# ── Bodies ───────────────────────────────────────────────────────────────────────────────────


def signed(body: Any, secret: str = APP_SECRET) -> tuple[bytes, dict[str, str]]:
    """Body and headers as Meta posts them: letters beyond ASCII and slashes are escaped in what is signed."""
    content = body if isinstance(body, bytes) else json.dumps(body).replace("/", "\\/").encode()
    mac = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return content, {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={mac}"}


def whatsapp(number: str = NUMBER_ID, field: str = "messages", **value: Any) -> dict[str, Any]:
    metadata = {"display_phone_number": "6281200000000", "phone_number_id": number}
    change = {"field": field, "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
    return {"object": "whatsapp_business_account", "entry": [{"id": WABA_ID, "changes": [change]}]}


def wa_message(id: str, text: str = "Halo", at: Any = None, **more: Any) -> dict[str, Any]:
    contacts = [{"profile": {"name": "Dewi"}, "wa_id": CUSTOMER}]
    message = {"from": CUSTOMER, "id": id, "timestamp": at or "1767225600", "type": "text", "text": {"body": text}}
    return whatsapp(contacts=contacts, messages=[{**message, **more}])


def wa_status(sending: Sending, status: str, **more: Any) -> dict[str, Any]:
    told = {"id": sending.id, "status": status, "timestamp": "1767225600", "recipient_id": sending.to, **more}
    return whatsapp(statuses=[told])


def page(kind: str, *events: Any, **entry: Any) -> dict[str, Any]:
    own = {"messenger": PAGE_ID, "instagram": IG_ID}[kind]
    made = {"id": own, "time": 1767225600123, **({"messaging": list(events)} if events else {}), **entry}
    return {"object": "page" if kind == "messenger" else "instagram", "entry": [made]}


def event(kind: str, at: Any = 1767225600123, **what: Any) -> dict[str, Any]:
    own = {"id": {"messenger": PAGE_ID, "instagram": IG_ID}[kind]}
    them = {"id": PERSON}
    echo = isinstance(what.get("message"), dict) and what["message"].get("is_echo")
    return {"sender": own if echo else them, "recipient": them if echo else own, "timestamp": at, **what}


def said(kind: str, mid: str, text: str = "Halo", **more: Any) -> dict[str, Any]:
    return page(kind, event(kind, message={"mid": mid, "text": text, **more}))
