"""What visitors do and what is done for them: sessions, messages, who they are, what they have seen.

Lock order: a conversation's row here, then the desk's (address and what stands on it). Whoever holds a row of the
desk never asks for one here: what agents say comes by way of ``deliver``, from a worker that holds nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from agents import pictures
from channels_app import inbound, reading, wakeups
from channels_app.contract import Described, OutboundMessage, Receipt, Sender, Typing, clean_text, fit_id
from channels_app.filetypes import INLINE, sniff
from channels_app.models import Channel
from channels_app.widget.models import Visitor, VisitorConversation, VisitorEvent, VisitorUpload

SALT = "widget visitor"
TOKEN_LIVES = timedelta(days=400)
ANONYMOUS, KNOWN = "v-", "id:"
TOPIC = wakeups.VISITORS
LONGEST = 10_000
MAX_FILES = 10
ATTRIBUTES = 40
PAGE, PAGE_BACK = 200, 50
UNSENT_LIVES = timedelta(days=1)
SILENT_LIVES = timedelta(days=30)
PURGED_AT_ONCE = 500
D = VisitorEvent.Direction


class NotKnown(Exception):
    """No such visitor, or a token that is not (any more) theirs: 401."""


class Refused(Exception):
    """What the visitor asks cannot be done; the words are for them."""

    def __init__(self, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.status = status


# ── Who ──────────────────────────────────────────────────────────────────────────────────────


def begin(channel: Channel, language: str = "") -> tuple[Visitor, str]:
    """A new browser, and its token, which is nowhere kept."""
    public_id = ANONYMOUS + secrets.token_urlsafe(16)
    with transaction.atomic():
        conversation = VisitorConversation.objects.create(channel=channel, external_id=public_id)
        visitor = Visitor.objects.create(
            channel=channel, conversation=conversation, public_id=public_id, language=reading.language(language)
        )
    return visitor, token_of(visitor)


def token_of(visitor: Visitor) -> str:
    return signing.dumps([visitor.public_id, visitor.version], salt=SALT)


def read_token(token: str) -> tuple[str, int]:
    """(public id, version) of a token that we signed. Raises NotKnown; asks no database."""
    try:
        public_id, version = signing.loads(token, salt=SALT, max_age=TOKEN_LIVES)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise NotKnown from error
    return str(public_id), int(version)


def find(token: str) -> Visitor:
    public_id, version = read_token(token)
    found = (
        Visitor.objects.select_related("channel", "conversation")
        .filter(public_id=public_id, version=version, revoked_at=None, channel__enabled=True)
        .first()
    )
    if found is None:
        raise NotKnown
    return found


def rotate(visitor: Visitor) -> str:
    """A new token; those before are worth nothing from now on."""
    Visitor.objects.filter(pk=visitor.pk).update(version=F("version") + 1)
    visitor.refresh_from_db(fields=["version"])
    _tell(visitor.conversation_id)
    return token_of(visitor)


def revoke(visitor: Visitor) -> None:
    """This browser is nobody any more (signed out of the shop); what was said stays on the desk."""
    Visitor.objects.filter(pk=visitor.pk, revoked_at=None).update(revoked_at=timezone.now())
    _tell(visitor.conversation_id)


def origins_of(channel: Channel) -> list[str]:
    """Where the widget may stand, as browsers spell origins."""
    given = channel.public_settings.get("origins") or ""
    items = given.replace(",", " ").split() if isinstance(given, str) else [str(one) for one in given]
    return [spelt(one) for one in items]


@lru_cache(maxsize=1024)
def spelt(origin: str) -> str:
    """As browsers spell it: in small letters, without the usual port, hosts of other letters in Punycode."""
    scheme, between, rest = origin.rstrip("/").lower().partition("://")
    rest = rest.removesuffix({"http": ":80", "https": ":443"}.get(scheme, ":"))
    if not rest.isascii():
        host, colon, port = rest.partition(":")
        try:
            rest = host.encode("idna").decode() + colon + port
        except UnicodeError:
            # No such name: it is nobody's.
            return origin
    return scheme + between + rest


def may_stand_at(channel: Channel, origin: str) -> bool:
    """``https://*.shop.example`` stands for every host below; our own pages always may."""
    if not origin or origin == "null":
        return False
    origin = origin.lower()
    if origin == settings.PUBLIC_ORIGIN:
        return True
    return any(_matches(allowed, origin) for allowed in origins_of(channel))


def _matches(allowed: str, origin: str) -> bool:
    scheme, star, rest = allowed.partition("*.")
    if not star:
        return origin == allowed
    return origin.startswith(scheme) and origin.endswith("." + rest) and "/" not in origin[len(scheme) :]


def proves(channel: Channel, identity: str, given: str) -> bool:
    """Hex HMAC-SHA256 of the id with the channel's identity secret; an empty secret never matches."""
    secret = str(channel.clear_settings().get("identity_secret") or "")
    wanted = hmac.new(secret.encode(), identity.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
    return bool(secret and identity) and hmac.compare_digest(wanted.encode(), given.strip().lower().encode())


def identify(visitor: Visitor, identity: str, given_hash: str, facts: Mapping[str, Any]) -> bool:
    """The shop's page says who this is and proves it. True when the conversation is another one from now on.

    Raises Refused (403) for a wrong hash. What was said before under no name goes along.
    """
    if not proves(visitor.channel, identity, given_hash):
        raise Refused(_("This visitor could not be confirmed."), 403)
    wanted = fit_id(KNOWN + clean_text(identity))
    with transaction.atomic():
        visitor = _again(visitor)
        before = visitor.conversation
        moved = before.external_id != wanted
        if moved:
            visitor.conversation, _made = VisitorConversation.objects.get_or_create(
                channel=visitor.channel, external_id=wanted
            )
        if moved and before.external_id.startswith(KNOWN):
            # Somebody else at the same browser: what was said of the one before is not said of them.
            visitor.name = visitor.email = visitor.phone = ""
            visitor.attributes = {}
        _take_facts(visitor, facts)
        visitor.save()
        if moved and before.external_id.startswith(ANONYMOUS):
            _carry_over(visitor, before, visitor.conversation)
    _tell(before.pk)
    _pass_on(visitor)
    return moved


def _again(visitor: Visitor) -> Visitor:
    """As they are now, and ours until the transaction ends."""
    rows = Visitor.objects.select_for_update(of=("self",)).select_related("channel", "conversation")
    found = rows.filter(pk=visitor.pk).first()
    if found is None:
        raise NotKnown
    return found


def _carry_over(visitor: Visitor, before: VisitorConversation, after: VisitorConversation) -> None:
    """Here the messages get numbers behind those there are; the desk moves the person as for any platform."""
    locked = {row.pk: row for row in _locked(VisitorConversation.objects.filter(pk__in=[before.pk, after.pk]))}
    source, target = locked[before.pk], locked[after.pk]
    events = list(source.events.order_by("seq"))
    for event in events:
        target.last_seq += 1
        VisitorEvent.objects.filter(pk=event.pk).update(conversation=target, seq=target.last_seq)
    target.save(update_fields=["last_seq"])
    Visitor.objects.filter(conversation=source).update(conversation=target)
    if events:
        payload = {"type": "moved", "from": before.external_id, "to": after.external_id}
        inbound.accept_own(visitor.channel, payload)


def _locked(rows: Any) -> Any:
    return rows.select_for_update().order_by("pk")


def describe(visitor: Visitor, facts: Mapping[str, Any]) -> None:
    """Name, e-mail and phone from a form or the page: shown as unverified, never used to find anybody."""
    with transaction.atomic():
        visitor = _again(visitor)
        _take_facts(visitor, facts)
        visitor.save(update_fields=["name", "email", "phone", "language", "attributes"])
    _pass_on(visitor)


def _pass_on(visitor: Visitor) -> None:
    """To the desk, where agents see it if this person has ever written."""
    person = Sender(
        external_id=visitor.conversation.external_id, name=visitor.name, email=visitor.email, phone=visitor.phone,
        language=visitor.language, facts=visitor.attributes,
    )  # fmt: skip
    inbound.tell(visitor.channel, Described(sender=person))


def _take_facts(visitor: Visitor, facts: Mapping[str, Any]) -> None:
    visitor.name = reading.line(facts.get("name")) or visitor.name
    visitor.email = reading.email(facts.get("email")) or visitor.email
    visitor.phone = reading.phone(facts.get("phone")) or visitor.phone
    visitor.language = reading.language(facts.get("language")) or visitor.language
    attributes = facts.get("attributes")
    if isinstance(attributes, Mapping):
        # A page says all that it knows each time, so the newest are the last.
        pairs = [(reading.line(name, 60), _as_text(value)) for name, value in list(attributes.items())[-ATTRIBUTES:]]
        visitor.attributes = {**visitor.attributes, **{name: value for name, value in pairs if name}}
        visitor.attributes = dict(list(visitor.attributes.items())[-ATTRIBUTES:])


def _as_text(value: Any) -> str:
    """As the page wrote it: true, not True; what is null is empty."""
    if not isinstance(value, str):
        value = "" if value is None else json.dumps(value, ensure_ascii=False)
    return reading.line(value, 200)


# ── The visitor says something ───────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Said:
    client_message_id: str
    text: str = ""
    attachments: Sequence[int] = ()
    reply_to: str = ""
    postback: Mapping[str, str] | None = field(default=None)


def say(visitor: Visitor, said: Said) -> tuple[VisitorEvent, bool]:
    """Keep it, once per client id, and hand it to the desk in the same transaction. (event, whether it is new)."""
    _judge(said)
    with transaction.atomic():
        conversation = _own(visitor)
        known = conversation.events.filter(client_message_id=said.client_message_id).first()
        if known is not None:
            return known, False
        uploads = _uploads(visitor, said.attachments)
        event = _append(
            conversation,
            direction=D.IN,
            public_id=f"{visitor.channel_id}-{uuid.uuid4().hex}",
            client_message_id=said.client_message_id,
            text=clean_text(said.text),
            attachments=[_file_json(one) for one in uploads],
            reply_to=_quoted(conversation, said.reply_to),
        )
        VisitorUpload.objects.filter(pk__in=[one.pk for one in uploads]).update(sent_at=timezone.now())
        inbound.accept_own(visitor.channel, _payload(visitor, conversation, event, uploads, said))
    return event, True


def _own(visitor: Visitor) -> VisitorConversation:
    """The visitor's conversation, locked; another tab may have identified them while we waited for it."""
    while True:
        rows = _locked(VisitorConversation.objects.filter(pk=visitor.conversation_id))
        row: VisitorConversation | None = rows.first()
        now = Visitor.objects.filter(pk=visitor.pk).values_list("conversation_id", flat=True).first()
        if now is None:
            # Erased, since their token was read.
            raise NotKnown
        if row is not None and now == row.pk:
            return row
        visitor.conversation_id = now


def _judge(said: Said) -> None:
    if not said.client_message_id or len(said.client_message_id) > 100:
        raise Refused(_("client_message_id is needed: at most 100 characters, a new one for each message."))
    if len(said.text) > LONGEST:
        raise Refused(_("The message is too long: at most %(limit)d characters.") % {"limit": LONGEST}, 413)
    if len(said.attachments) > MAX_FILES:
        raise Refused(_("At most %(limit)d files go with one message.") % {"limit": MAX_FILES})
    if not said.text.strip() and not said.attachments and not any((said.postback or {}).values()):
        raise Refused(_("Write something, or add a file."))


def _uploads(visitor: Visitor, ids: Sequence[int]) -> list[VisitorUpload]:
    found = {row.pk: row for row in VisitorUpload.objects.filter(visitor=visitor, pk__in=ids, sent_at=None)}
    if len(found) != len(set(ids)):
        raise Refused(_("One of the files is not there any more. Add it again."))
    return [found[pk] for pk in dict.fromkeys(ids)]


def _append(conversation: VisitorConversation, **fields: Any) -> VisitorEvent:
    """The next number; the caller holds the conversation."""
    conversation.last_seq += 1
    event = VisitorEvent.objects.create(conversation=conversation, seq=conversation.last_seq, **fields)
    conversation.save(update_fields=["last_seq"])
    _tell(conversation.pk)
    return event


def _quoted(conversation: VisitorConversation, public_id: str) -> dict[str, Any] | None:
    found = conversation.events.filter(public_id=public_id).first() if public_id else None
    return {"id": found.public_id, "text": found.text[:120], "author": found.author_name} if found else None


def _payload(
    visitor: Visitor,
    conversation: VisitorConversation,
    event: VisitorEvent,
    uploads: Sequence[VisitorUpload],
    said: Said,
) -> dict[str, Any]:
    """As the adapter reads it, and as the envelope keeps it."""
    person = {
        "id": conversation.external_id,
        "name": visitor.name,
        "email": visitor.email,
        "phone": visitor.phone,
        "language": visitor.language,
    }
    return {
        "type": "message",
        "id": event.public_id,
        "sender": person,
        "text": event.text,
        "attachments": [
            {"upload": one.pk, "filename": one.filename, "mime": one.mime, "size": one.size, "kind": one.kind}
            for one in uploads
        ],
        "reply_to": (event.reply_to or {}).get("id"),
        "postback": said.postback,
        "attributes": visitor.attributes,
        "sent_at": event.created_at.isoformat(),
    }


def upload(visitor: Visitor, file: File[bytes], name: str, declared: str) -> VisitorUpload:
    """One file of a message to come. Raises Refused for one over the limit or of no bytes."""
    limit = settings.MAX_ATTACHMENT_BYTES
    if file.size > limit:
        words = _("The file is too large: at most %(limit)d MB.") % {"limit": limit // (1024 * 1024)}
        raise Refused(words, 413)
    if not file.size:
        raise Refused(_("The file is empty."))
    mime = sniff(file.read(4096), reading.mime(declared))
    file.seek(0)
    row = VisitorUpload(
        visitor=visitor,
        filename=reading.filename(name) or "file",
        mime=mime,
        kind=mime.partition("/")[0] if mime in INLINE else "file",
        size=file.size,
    )
    row.file.save("", file, save=False)
    row.save()
    return row


def _file_json(row: VisitorUpload) -> dict[str, Any]:
    return {
        "filename": row.filename, "mime": row.mime, "size": row.size, "kind": row.kind, "stored": str(row.file.name),
    }  # fmt: skip


def open_upload(channel_id: int, upload_id: str) -> tuple[VisitorUpload, Any] | None:
    """For the desk's fetch: (row, open file) of a file that a visitor of this channel sent."""
    if not upload_id.isascii() or not upload_id.isdigit():
        return None
    row = VisitorUpload.objects.filter(pk=int(upload_id), visitor__channel_id=channel_id).first()
    return (row, row.file.open("rb")) if row else None


def purge() -> None:
    """Files that were added and never sent, and browsers that opened the chat and never wrote (timetable)."""
    unsent = VisitorUpload.objects.filter(sent_at=None, created_at__lt=timezone.now() - UNSENT_LIVES)
    for row in unsent[:PURGED_AT_ONCE]:
        name = str(row.file.name)
        row.delete()
        default_storage.delete(name)
    while _purge_silent() == PURGED_AT_ONCE:
        pass


def _purge_silent() -> int:
    """How many went. One that comes back gets a new token by itself, as after an erasing.

    The visitor's row first, as in ``identify``; who is just doing something is left for the next time.
    """
    before = timezone.now() - SILENT_LIVES
    with transaction.atomic():
        silent = Visitor.objects.filter(
            conversation__last_seq=0,
            conversation__external_id__startswith=ANONYMOUS,
            conversation__created_at__lt=before,
            # Their files go first, or they would lie there for ever without a row.
            uploads=None,
        )
        rows = silent.select_for_update(of=("self",), skip_locked=True).order_by("conversation__created_at")
        conversations = [row.conversation_id for row in rows[:PURGED_AT_ONCE]]
        unwritten = VisitorConversation.objects.filter(pk__in=conversations, last_seq=0)
        locked = list(unwritten.select_for_update(skip_locked=True).values_list("pk", flat=True))
        VisitorConversation.objects.filter(pk__in=locked).delete()
    return len(locked)


# ── We say something ─────────────────────────────────────────────────────────────────────────


def deliver(channel_id: int, message: OutboundMessage) -> bool:
    """Put an answer where the visitor reads; once per key. False: there is no such conversation."""
    rows = VisitorConversation.objects.filter(channel_id=channel_id, external_id=message.to)
    if rows.filter(events__public_id=message.key).exists():
        return True
    files = [_kept(one) for one in message.attachments]
    with transaction.atomic():
        found = _locked(rows).first()
        if found is not None and not found.events.filter(public_id=message.key).exists():
            _append(
                found,
                direction=D.OUT,
                public_id=message.key,
                text=message.text,
                author_id=message.agent_id,
                author_name=message.agent_name[:200],
                attachments=files,
                quick_replies=[{"title": one.title, "payload": one.payload} for one in message.quick_replies],
                reply_to=_quoted(found, message.reply_to),
            )
    return found is not None


def _kept(file: Any) -> dict[str, Any]:
    """A copy of our own: what a visitor may open does not depend on what becomes of the desk's row."""
    name = default_storage.save(f"visitors/{timezone.now():%Y/%m}/{uuid.uuid4().hex}", ContentFile(file.open()))
    kind = file.mime.partition("/")[0] if file.mime in INLINE else "file"
    return {"filename": file.filename, "mime": file.mime, "size": file.size, "kind": kind, "stored": name}


# ── What a visitor reads ─────────────────────────────────────────────────────────────────────


def read(conversation: VisitorConversation, after: int) -> list[VisitorEvent]:
    return list(_shown(conversation).filter(seq__gt=after).order_by("seq")[:PAGE])


def read_back(conversation: VisitorConversation, before: int) -> list[VisitorEvent]:
    """One page of what was said before that number, oldest first."""
    return list(_shown(conversation).filter(seq__lt=before).order_by("-seq")[:PAGE_BACK])[::-1]


def _shown(conversation: VisitorConversation) -> QuerySet[VisitorEvent]:
    """With the picture that the author has by now, in the same statement."""
    return conversation.events.annotate(face=F("author__picture"))


def as_json(event: VisitorEvent, conversation: VisitorConversation) -> dict[str, Any]:
    ours = event.direction == D.OUT
    seen = event.seq <= (conversation.seen_seq if ours else conversation.read_seq)
    arrived = ours and event.seq <= conversation.delivered_seq
    return {
        "seq": event.seq,
        "id": event.public_id,
        "client_message_id": event.client_message_id,
        "direction": event.direction,
        "text": event.text,
        "attachments": [
            {
                **{name: value for name, value in file.items() if name != "stored"},
                "url": f"/widget/files/{event.seq}/{position}/",
            }
            for position, file in enumerate(event.attachments)
        ],
        "quick_replies": event.quick_replies,
        "reply_to": event.reply_to,
        "author": {
            "name": event.author_name,
            "picture": pictures.address_of(str(getattr(event, "face", None) or "")),
        },
        "status": "read" if seen else "delivered" if arrived else "sent",
        "created_at": event.created_at.isoformat().replace("+00:00", "Z"),
    }


def acknowledge(visitor: Visitor, *, delivered: int = 0, seen: int = 0) -> None:
    """A browser has it, a person saw it: told to the desk for each answer that it is news of."""
    with transaction.atomic():
        row = _own(visitor)
        seen = min(max(seen, row.seen_seq), row.last_seq)
        delivered = min(max(delivered, seen, row.delivered_seq), row.last_seq)
        news = [("delivered", row.delivered_seq, delivered), ("read", row.seen_seq, seen)]
        if (delivered, seen) == (row.delivered_seq, row.seen_seq):
            return
        row.delivered_seq, row.seen_seq = delivered, seen
        row.save(update_fields=["delivered_seq", "seen_seq"])
        ids = [
            (state, event_id)
            for state, first, last in news
            for event_id in row.events.filter(direction=D.OUT, seq__gt=first, seq__lte=last).values_list(
                "public_id", flat=True
            )[:PAGE]
        ]
    for state, event_id in ids:
        told = Receipt(state=state, own_key=event_id, conversation=row.external_id, occurred_at=timezone.now())  # type: ignore[arg-type]
        inbound.tell(visitor.channel, told)


def typing(visitor: Visitor) -> None:
    conversation = visitor.conversation.external_id
    sender = Sender(external_id=conversation, name=visitor.name)
    inbound.tell(visitor.channel, Typing(conversation=conversation, sender=sender))


def read_by_agent(channel_id: int, external_id: str) -> None:
    """An agent has opened it: the visitor's messages so far are read."""
    rows = VisitorConversation.objects.filter(
        channel_id=channel_id, external_id=external_id, read_seq__lt=F("last_seq")
    )
    found = rows.values_list("pk", flat=True).first()
    if found and rows.update(read_seq=F("last_seq")):
        _tell(found)


def typing_by_agent(channel_id: int, external_id: str) -> None:
    found = VisitorConversation.objects.filter(channel_id=channel_id, external_id=external_id).values_list("pk").first()
    if found:
        wakeups.publish_json(TOPIC, {"conversation": found[0], "typing": True})


def _tell(conversation_id: int) -> None:
    transaction.on_commit(lambda: wakeups.publish_json(TOPIC, {"conversation": conversation_id}))
