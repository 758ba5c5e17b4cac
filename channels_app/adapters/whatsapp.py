"""WhatsApp by Meta's Cloud API: what comes in is read in ``meta.numbers``; here is what goes out.

Files are uploaded and sent by their id: then the answer says at once whether the platform takes them, while
a link that it cannot fetch is reported minutes later. Only what is too large to be handed over in the few
seconds that a send may take, or of a type that uploads do not know, goes as a signed link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import phonenumbers
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as N_

from channels_app import reading
from channels_app.contract import (
    BASE_URL,
    READ_RECEIPTS,
    Abilities,
    Account,
    Adapter,
    CheckLine,
    Conversation,
    DeliveryFailed,
    Field,
    HandshakeAnswer,
    InboundRequest,
    MessageTemplate,
    News,
    OutboundAttachment,
    OutboundMessage,
    QuickReply,
    Remote,
    Sent,
    SettingsInvalid,
    SetupStep,
    Unreadable,
    split_text,
)
from channels_app.http import Download, Http
from channels_app.meta import door, graph, numbers, templates
from channels_app.meta.pages import graph_settings

MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_FILE = 100 * 1024 * 1024
# Both together stay under the time for which a worker claims a reply.
UPLOAD_SECONDS = 9.0
AFTER_UPLOAD_SECONDS = 13.0
MAX_UPLOAD = 8 * 1024 * 1024
WINDOW = timedelta(hours=24)
BUTTONS, ROWS = 3, 10
BUTTON_TITLE, ROW_TITLE, CHOICE_ID, BUTTON_BODY = 20, 24, 200, 1024
DASHBOARD = "https://developers.facebook.com/apps/"

WITHIN = _("Free answers for 24 hours after the customer's last message.")
THEN = _("After that, only a template can be sent.")
OVER = _("The 24 hours after the customer's last message are over: only a template can be sent.")
NEVER_WROTE = _("The customer has not written yet: only a template can be sent.")
NO_NUMBER = N_("This channel lacks its phone number ID: an administrator can set it.")


class WhatsAppAdapter(Adapter):
    kind = "whatsapp"
    label = _("WhatsApp")
    about = _("WhatsApp messages to a business number, by Meta's Cloud API.")
    icon = "phone"
    api_host = graph.API
    has_templates = True
    fields = (
        door.APP_SECRET,
        door.VERIFY_TOKEN,
        door.ACCESS_TOKEN,
        Field(
            name="phone_number_id",
            label=_("Phone number ID"),
            help=_("Not the number itself. Left empty, the channel takes what comes for any number of the app."),
        ),
        Field(
            name="business_account_id",
            label=_("WhatsApp Business Account ID"),
            help=_("For templates, and to check the webhook."),
        ),
        READ_RECEIPTS,
        door.API_VERSION,
        BASE_URL,
    )
    setup_steps = (
        SetupStep(words=_("In Meta's app dashboard, add the product WhatsApp to your app."), link=DASHBOARD),
        SetupStep(
            words=_("Under API Setup, copy the phone number ID and the account ID into the settings of this channel.")
        ),
        SetupStep(
            words=_("Make a system user with a token that does not expire, and copy the token into the settings.")
        ),
        SetupStep(words=_("Copy the app secret (App settings, Basic) into the settings of this channel.")),
        SetupStep(words=_("Under Configuration, enter this address as the callback URL."), copy="webhook_url"),
        SetupStep(words=_("Enter this as the verify token, then press Verify and save."), copy="verify_token"),
        SetupStep(words=_("Subscribe to messages, smb_message_echoes and message_template_status_update.")),
    )

    # ── in ──

    def verify(self, account: Account, request: InboundRequest) -> None:
        door.verify(account, request)

    def handshake(self, account: Account, request: InboundRequest) -> HandshakeAnswer | None:
        return door.handshake(account, request)

    def parse(self, account: Account, payload: Any) -> Iterable[News | Unreadable]:
        return list(numbers.parse(account.get("phone_number_id").strip(), payload))

    def fetch_media(self, account: Account, attachment: Remote, http: Http) -> Download:
        return graph.fetch_by_id(account, attachment, http)

    # ── out ──

    def abilities(self, account: Account, conversation: Conversation, now: datetime) -> Abilities:
        """One rule: within 24 hours of the customer's last message anything, else templates."""
        able = Abilities(
            max_length=MAX_TEXT,
            attachment_kinds=frozenset({"image", "video", "audio", "voice", "file", "sticker"}),
            max_attachment_bytes=MAX_FILE,
            can_write_first=True,
            can_quote=True,
            can_react=True,
            # Typing marks the customer's message as read, so it follows the same switch.
            shows_typing=account.get("read_receipts") == "on",
            reads_receipts=True,
            # Groups take no interactive messages.
            quick_replies=0 if conversation.is_group else ROWS,
            quick_reply_title=ROW_TITLE,
            quick_reply_payload=CHOICE_ID,
            templates=True,
        )
        last = conversation.last_inbound_at
        if last is not None and now - last < WINDOW:
            return replace(able, reply_until=last + WINDOW, reply_window=WINDOW, window_words=WITHIN, after_window=THEN)
        return replace(able, only_templates=True, window_words=OVER if last else NEVER_WROTE)

    def split(self, message: OutboundMessage, abilities: Abilities) -> Sequence[OutboundMessage]:
        """Each file is a message; the first carries the words where it can, else they go first."""
        if message.template:
            return [message]
        files = list(message.attachments)
        whole = replace(message, attachments=(), quick_replies=())
        if files and _captioned(files[0], message):
            parts = [replace(whole, attachments=(files.pop(0),))]
            texts: list[str] = []
        else:
            parts = []
            texts = split_text(message.text, abilities) if message.text.strip() or not files else []
        said = [replace(whole, text=text) for text in texts]
        if said and message.quick_replies:
            said[-1] = replace(said[-1], quick_replies=message.quick_replies)
        sent = [replace(whole, text="", attachments=(file,)) for file in files]
        # Choices stand under words, and must be the last that the customer sees.
        parts += [*sent, *said] if message.quick_replies else [*said, *sent]
        parts[1:] = [replace(part, reply_to="", reply_to_handle=None) for part in parts[1:]]
        return parts

    def send(self, account: Account, message: OutboundMessage, http: Http) -> Sent:
        number = _number(account, message.reply_handle)
        more: dict[str, Any] = {}
        if message.template:
            shown, uploaded = _shown(account, number, message, http)
            content = templates.outgoing(message.template, shown)
            more = {"timeout": AFTER_UPLOAD_SECONDS} if uploaded else {}
        elif message.attachments:
            content, uploaded = _file(account, number, message, http)
            more = {"timeout": AFTER_UPLOAD_SECONDS} if uploaded else {}
        elif message.quick_replies:
            content = _choices(message)
        else:
            content = {"type": "text", "text": {"body": message.text, "preview_url": "://" in message.text}}
        body = {**_to(message.to, message.is_group), **content, "biz_opaque_callback_data": message.key}
        if message.reply_to:
            body["context"] = {"message_id": message.reply_to}
        answer = graph.call(account, http, "POST", number, "messages", json=body, **more).json_object()
        first = door.obj(next(iter(door.items(answer.get("messages"))), None))
        # Only templates that WhatsApp sends out slowly are told apart; their status comes later.
        held = door.word(first.get("message_status")) in ("accepted", "held_for_quality_assessment", "paused")
        return Sent(external_id=reading.ident(first.get("id")) or "", state="accepted" if held else "sent")

    def react(self, account: Account, conversation: Conversation, external_id: str, emoji: str, http: Http) -> None:
        reaction = {"type": "reaction", "reaction": {"message_id": external_id, "emoji": emoji}}
        body = {**_to(conversation.external_id, conversation.is_group), **reaction}
        graph.call(account, http, "POST", _number(account, conversation.reply_handle), "messages", json=body)

    def mark_read(self, account: Account, conversation: Conversation, external_id: str, http: Http) -> None:
        body = {"messaging_product": "whatsapp", "status": "read", "message_id": external_id}
        graph.call(account, http, "POST", _number(account, conversation.reply_handle), "messages", json=body)

    def typing(self, account: Account, conversation: Conversation, http: Http) -> None:
        """Shown for 25 s at most. It marks the message as read, so never where receipts are off."""
        if not conversation.last_inbound_id or account.get("read_receipts") != "on":
            return
        body = {"messaging_product": "whatsapp", "status": "read", "message_id": conversation.last_inbound_id}
        body |= {"typing_indicator": {"type": "text"}}  # type: ignore[dict-item]
        graph.call(account, http, "POST", _number(account, conversation.reply_handle), "messages", json=body)

    # ── beside the messages ──

    def templates(self, account: Account, http: Http) -> Sequence[MessageTemplate]:
        business = account.get("business_account_id").strip()
        return templates.fetch(account, business, http) if business else []

    def template_file(self, media: str) -> tuple[frozenset[str] | None, int]:
        return templates.FILES[media]

    # ── set-up ──

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        errors = graph_settings(settings, "phone_number_id", "business_account_id")
        if str(settings.get("phone_number_id") or "").strip().startswith("+"):
            errors["phone_number_id"] = _("This is the number itself. Its ID stands beside it at Meta.")
        if errors:
            raise SettingsInvalid(errors)

    def check(self, account: Account, http: Http) -> Sequence[CheckLine]:
        lines = graph.settings_lines(account)
        number, business = account.get("phone_number_id").strip(), account.get("business_account_id").strip()
        if not account.get("access_token").strip():
            return lines
        if number:
            told, trouble = graph.tried(account, http, number, query="fields=display_phone_number,verified_name")
            ours = " ".join(
                filter(None, (reading.line(told.get(k)) for k in ("display_phone_number", "verified_name")))
            )
            known = CheckLine(ok=True, words=_("Meta knows this number: %(name)s.") % {"name": ours})
            lines.append(trouble if not trouble.ok else known)
        else:
            lines.append(CheckLine(ok=True, words=_("No phone number ID: answers go out from the number written to.")))
        if not business:
            words = _("Without the account ID, templates cannot be loaded and the webhook cannot be checked.")
            return [*lines, CheckLine(ok=True, words=words)]
        return [*lines, _subscription(account, business, http)]

    def normalise_address(self, account: Account, external_id: str) -> str:
        """A number as WhatsApp writes it, digits alone; a business-scoped id as it is."""
        given = external_id.strip()
        if numbers.SCOPED.fullmatch(given):
            return given
        digits = re.sub(r"[ ().\-]", "", given).removeprefix("+").removeprefix("00")
        if not numbers.NUMBER.fullmatch(digits):
            raise ValueError(external_id)
        try:
            parsed = phonenumbers.parse(f"+{digits}")
        except phonenumbers.NumberParseException as error:
            raise ValueError(external_id) from error
        if not phonenumbers.is_possible_number(parsed):
            raise ValueError(external_id)
        return digits


def _subscription(account: Account, business: str, http: Http) -> CheckLine:
    body, trouble = graph.tried(account, http, business, "subscribed_apps", query="")
    if not trouble.ok:
        return trouble
    if not door.items(body.get("data")):
        return CheckLine(ok=False, words=_("No app is subscribed to this account: nothing will come in."))
    return CheckLine(ok=True, words=_("The webhook brings messages."))


def _number(account: Account, handle: Mapping[str, Any] | None) -> str:
    """The number that answers: the channel's, else the one that was written to."""
    found = account.get("phone_number_id").strip() or reading.ident((handle or {}).get("phone_number_id"))
    if not found:
        raise DeliveryFailed(NO_NUMBER, permanent=True, category="auth", code="phone_number_id")
    return found


def _to(external_id: str, is_group: bool) -> dict[str, Any]:
    product = {"messaging_product": "whatsapp"}
    if is_group:
        return {**product, "recipient_type": "group", "to": external_id}
    if numbers.SCOPED.fullmatch(external_id):
        return {**product, "recipient_type": "individual", "recipient": external_id}
    return {**product, "recipient_type": "individual", "to": external_id}


# ── Files ────────────────────────────────────────────────────────────────────────────────────

MB = 1024 * 1024
# type of message → (media types that it takes, bytes); all else goes as a document
CARRIERS: dict[str, tuple[frozenset[str], int]] = {
    "image": (frozenset({"image/jpeg", "image/png"}), 5 * MB),
    "video": (frozenset({"video/mp4", "video/3gpp"}), 16 * MB),
    "audio": (frozenset({"audio/aac", "audio/mp4", "audio/mpeg", "audio/amr", "audio/ogg"}), 16 * MB),
}
UPLOADS = frozenset({"text/plain", "application/pdf", "image/webp"}).union(
    *(mimes for mimes, _limit in CARRIERS.values()),
    {
        "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    },
)  # fmt: skip


def _carrier(file: OutboundAttachment) -> str:
    mime = file.mime.partition(";")[0].strip()
    if file.kind == "sticker" and mime == "image/webp":
        return "sticker"
    return next((kind for kind, (mimes, limit) in CARRIERS.items() if mime in mimes and file.size <= limit), "document")


def _captioned(file: OutboundAttachment, message: OutboundMessage) -> bool:
    takes = _carrier(file) in ("image", "video", "document")
    return takes and bool(message.text.strip()) and len(message.text) <= MAX_CAPTION and not message.quick_replies


def _file(account: Account, number: str, message: OutboundMessage, http: Http) -> tuple[dict[str, Any], bool]:
    """(what says the file, whether it was uploaded)."""
    file = message.attachments[0]
    kind, mime = _carrier(file), file.mime.partition(";")[0].strip()
    about, uploads = _handed_over(account, number, file, http)
    if kind == "document":
        about["filename"] = file.filename
    if message.text.strip() and kind in ("image", "video", "document"):
        about["caption"] = message.text
    if kind == "audio" and file.kind == "voice" and mime == "audio/ogg":
        about["voice"] = True
    return {"type": kind, kind: about}, uploads


def _handed_over(account: Account, number: str, file: OutboundAttachment, http: Http) -> tuple[dict[str, Any], bool]:
    """(the file as Meta wants it, whether it was uploaded)."""
    mime = file.mime.partition(";")[0].strip()
    if mime not in UPLOADS or file.size > MAX_UPLOAD:
        return {"link": file.url}, False
    media_id = graph.upload(
        account,
        http,
        number,
        "media",
        timeout=UPLOAD_SECONDS,
        data={"messaging_product": "whatsapp", "type": mime},
        files={"file": (file.filename or "file", file.open(), mime)},
    )
    return {"id": media_id}, True


def _shown(account: Account, number: str, message: OutboundMessage, http: Http) -> tuple[dict[str, Any] | None, bool]:
    """What a template's header shows; None: it says that itself."""
    if not message.template or not message.template.media or not message.attachments:
        return None, False
    file = message.attachments[0]
    about, uploaded = _handed_over(account, number, file, http)
    if message.template.media == "document":
        about["filename"] = file.filename
    return about, uploaded


# ── Choices ──────────────────────────────────────────────────────────────────────────────────


def _choices(message: OutboundMessage) -> dict[str, Any]:
    """Up to three short ones as buttons, else a list of up to ten."""
    replies = message.quick_replies[:ROWS]
    short = all(len(reply.title) <= BUTTON_TITLE for reply in replies)
    body = {"text": message.text}
    if len(replies) <= BUTTONS and short and len(message.text) <= BUTTON_BODY:
        buttons = [{"type": "reply", "reply": _choice(reply, BUTTON_TITLE)} for reply in replies]
        return {"type": "interactive", "interactive": {"type": "button", "body": body, "action": {"buttons": buttons}}}
    rows = [_choice(reply, ROW_TITLE) for reply in replies]
    # What opens the list is a sign: nobody knows the customer's language here.
    action = {"button": "\u2630", "sections": [{"rows": rows}]}
    return {"type": "interactive", "interactive": {"type": "list", "body": body, "action": action}}


def _choice(reply: QuickReply, limit: int) -> dict[str, str]:
    title = reply.title if len(reply.title) <= limit else reply.title[: limit - 1] + "…"
    return {"id": (reply.payload or reply.title)[:CHOICE_ID], "title": title}
