"""Sending through a page or an Instagram account: one API, two sets of limits.

Files go as a signed link and not as an upload: it is one request whose answer says at once whether the
platform could take the file, Instagram knows nothing else for most kinds, and wherever Meta can post its
webhooks to, it can fetch from as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as N_

from channels_app import reading
from channels_app.contract import (
    Abilities,
    Account,
    Adapter,
    AttachmentKind,
    Conversation,
    DeliveryFailed,
    Field,
    HandshakeAnswer,
    InboundRequest,
    News,
    OutboundAttachment,
    OutboundMessage,
    Profile,
    Remote,
    Sent,
    SettingsInvalid,
    Unreadable,
    split_text,
)
from channels_app.http import Download, Http
from channels_app.meta import door, graph
from channels_app.meta.inbox import GUEST, Platform, parse

DAY = timedelta(hours=24)
WEEK = timedelta(days=7)
MAX_QUICK_REPLIES = 13
MAX_TITLE, MAX_PAYLOAD = 20, 1000
TYPES: dict[AttachmentKind, str] = {"image": "image", "video": "video", "audio": "audio", "voice": "audio"}
HUMAN = "human_agent"
WRITE_FIRST = _("The customer must write first.")
WITHIN_A_DAY = _("Free answers for 24 hours after the customer's last message.")
THEN_PEOPLE = _("After that, answers written by people are taken until 7 days after the customer's last message.")
THEN_NOTHING = _("After that, the customer must write first.")
BY_PEOPLE = _(
    "The 24 hours are over. Answers written by people are taken until 7 days after the customer's last message."
)
CLOSED = _("The answer window is over: the customer must write first.")
BAD_FILE = N_("This channel cannot carry a file of this type.")


HUMAN_AGENT = Field(
    name=HUMAN,
    label=_("Answers after 24 hours"),
    help=_("Up to 7 days, for answers that people write. Meta must have granted your app “Human Agent”."),
    default="on",
    choices=(("on", _("On")), ("off", _("Off"))),
)


class PageAdapter(Adapter):
    """What Messenger and Instagram have in common."""

    platform: ClassVar[Platform]
    account_field: ClassVar[str]
    has_profiles = True
    profile_fields: ClassVar[tuple[str, ...]]
    """What to ask of a person, the most first: a field that needs a permission we lack spoils the whole answer."""
    echoes_metadata: ClassVar[bool]

    # ── in ──

    def verify(self, account: Account, request: InboundRequest) -> None:
        door.verify(account, request)

    def handshake(self, account: Account, request: InboundRequest) -> HandshakeAnswer | None:
        return door.handshake(account, request)

    def parse(self, account: Account, payload: Any) -> Iterable[News | Unreadable]:
        return list(parse(account.get(self.account_field).strip(), payload, self.platform))

    def fetch_media(self, account: Account, attachment: Remote, http: Http) -> Download:
        """From an open CDN: no credentials."""
        return http.media(attachment.url)

    # ── out ──

    def limits(self) -> Abilities:
        """What the platform takes whenever it takes anything."""
        raise NotImplementedError

    def abilities(self, account: Account, conversation: Conversation, now: datetime) -> Abilities:
        return window(self.limits(), conversation, now, people=account.get(HUMAN) != "off")

    def split(self, message: OutboundMessage, abilities: Abilities) -> Sequence[OutboundMessage]:
        """Words first, then each file by itself; choices stand under the last."""
        whole = replace(message, attachments=(), quick_replies=())
        texts = split_text(message.text, abilities) if message.text.strip() or not message.attachments else []
        parts = [replace(whole, text=text) for text in texts]
        parts += [replace(whole, text="", attachments=(file,)) for file in message.attachments]
        # Only the first quotes: what follows belongs to it.
        parts[1:] = [replace(part, reply_to="", reply_to_handle=None) for part in parts[1:]]
        parts[-1] = replace(parts[-1], quick_replies=message.quick_replies)
        return parts

    def send(self, account: Account, message: OutboundMessage, http: Http) -> Sent:
        answer = self._post(account, http, self.outgoing(message))
        found = answer.get("message_id") or door.obj(next(iter(door.items(answer.get("messages"))), None)).get("id")
        return Sent(external_id=reading.ident(found) or "")

    def outgoing(self, message: OutboundMessage) -> dict[str, Any]:
        said: dict[str, Any] = {"text": message.text} if message.text else {}
        if message.attachments:
            said["attachment"] = self.attachment(message.attachments[0])
        if message.quick_replies:
            said["quick_replies"] = [
                {"content_type": "text", "title": reply.title[:MAX_TITLE], "payload": reply.payload or reply.title}
                for reply in message.quick_replies[:MAX_QUICK_REPLIES]
            ]
        if self.echoes_metadata:
            said["metadata"] = message.key
        body: dict[str, Any] = {"recipient": recipient(message.to), "message": said, **self.purpose(message)}
        if message.reply_to:
            body["reply_to"] = {"mid": message.reply_to}
        return body

    def purpose(self, message: OutboundMessage) -> dict[str, str]:
        if message.purpose == "human_agent":
            return {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
        return {"messaging_type": "RESPONSE"}

    def attachment(self, file: OutboundAttachment) -> dict[str, Any]:
        return {"type": TYPES.get(file.kind, "file"), "payload": {"url": file.url}}

    def react(self, account: Account, conversation: Conversation, external_id: str, emoji: str, http: Http) -> None:
        payload = {"message_id": external_id, **({"reaction": self.reaction(emoji)} if emoji else {})}
        self._act(account, conversation, http, "react" if emoji else "unreact", payload=payload)

    def reaction(self, emoji: str) -> str:
        return emoji

    def mark_read(self, account: Account, conversation: Conversation, external_id: str, http: Http) -> None:
        self._act(account, conversation, http, "mark_seen")

    def typing(self, account: Account, conversation: Conversation, http: Http) -> None:
        self._act(account, conversation, http, "typing_on")

    def _act(self, account: Account, conversation: Conversation, http: Http, action: str, **more: Any) -> None:
        self._post(account, http, {"recipient": recipient(conversation.external_id), "sender_action": action, **more})

    def _post(self, account: Account, http: Http, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = graph.call(account, http, "POST", self.node(account), "messages", api=self.api(account), json=body)
        return answer.json_object()

    def api(self, account: Account) -> str:
        return graph.API

    def node(self, account: Account) -> str:
        """Whose messages: ``me`` is whoever the token is of."""
        return account.get(self.account_field).strip() or "me"

    # ── beside the messages ──

    def fetch_profile(self, account: Account, external_id: str, http: Http) -> Profile | None:
        if external_id.startswith(GUEST):
            return None
        for fields in self.profile_fields:
            told = graph.ask(account, http, external_id, query=f"fields={fields}", api=self.api(account))
            if told is not None:
                return profile(told)
        return None

    # ── set-up ──

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        errors = graph_settings(settings, self.account_field)
        if errors:
            raise SettingsInvalid(errors)


# ── The windows, as one table ────────────────────────────────────────────────────────────────


def window(limits: Abilities, conversation: Conversation, now: datetime, *, people: bool) -> Abilities:
    """By the time since the customer's last message:

    never: closed · up to 24 h: anything · up to 7 days: what people write, if the channel may · later: closed
    """
    last = conversation.last_inbound_at
    if last is None:
        return replace(limits, closed=WRITE_FIRST)
    since = now - last
    if since < DAY:
        words = THEN_PEOPLE if people else THEN_NOTHING
        return replace(limits, reply_until=last + DAY, reply_window=DAY, window_words=WITHIN_A_DAY, after_window=words)
    if since < WEEK and people:
        return replace(
            limits, reply_until=last + WEEK, reply_window=WEEK, purpose="human_agent", window_words=BY_PEOPLE,
            after_window=THEN_NOTHING,
        )  # fmt: skip
    return replace(limits, closed=CLOSED)


# ── Pieces ───────────────────────────────────────────────────────────────────────────────────


def recipient(external_id: str) -> dict[str, str]:
    if external_id.startswith(GUEST):
        return {"user_ref": external_id.removeprefix(GUEST)}
    return {"id": external_id}


def profile(told: Mapping[str, Any]) -> Profile | None:
    whole = " ".join(filter(None, (reading.line(told.get(part)) for part in ("first_name", "last_name"))))
    found = Profile(
        name=reading.line(told.get("name")) or whole,
        username=reading.line(told.get("username")),
        language=reading.language(told.get("locale")),
        picture_url=reading.web_url(told.get("profile_pic")),
    )
    return found if found != Profile() else None


def graph_settings(settings: Mapping[str, Any], *ids: str) -> dict[str, Any]:
    """What no account at Meta can have; the same for all three kinds."""
    errors: dict[str, Any] = {}
    version = settings.get("api_version")
    if version and not graph.VERSION.fullmatch(str(version).strip()):
        errors["api_version"] = _("Like v24.0.")
    if len(str(settings.get("app_secret") or "").split()) > 2:
        errors["app_secret"] = _("At most two secrets.")
    token = str(settings.get("access_token") or "").strip()
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        errors["access_token"] = _("This is no access token: it has characters that none has.")
    for name in ids:
        given = str(settings.get(name) or "").strip()
        if given and (len(given) > 100 or not given.isascii() or not given.isprintable() or "/" in given):
            errors[name] = _("This is an ID: digits, as Meta shows it.")
    return errors


def file_refused(detail: str) -> DeliveryFailed:
    return DeliveryFailed(BAD_FILE, permanent=True, category="content", code="attachment", detail=detail)
