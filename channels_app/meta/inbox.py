"""What Messenger and Instagram post: ``entry[].messaging[]``, ``standby[]`` and, of Instagram, ``changes[]``.

The kind of an event is the key that is there. An echo is addressed to the customer, all else comes from
them; receipts of Messenger are watermarks, those of Instagram name the message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal

from channels_app import reading
from channels_app.contract import (
    AttachmentKind,
    Deletion,
    Edit,
    InboundAttachment,
    InboundMessage,
    News,
    Notice,
    Postback,
    Reaction,
    Receipt,
    Remote,
    ReplyTo,
    Sender,
    Unreadable,
    UnreadableEvent,
)
from channels_app.meta.door import Json, entries, fingerprint, guarded, items, obj, said, word

GUEST = "user_ref:"
"""Before the id of somebody who has none yet: a guest of the website plug-in, an opt-in box."""
Platform = Literal["page", "instagram"]
Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One event with what stands around it. customer: "" where none is named."""

    event: Json
    entry: Json
    customer: str
    business: str
    echo: bool
    standby: bool

    @property
    def at(self) -> datetime | None:
        return reading.moment(self.event.get("timestamp"))

    def common(self) -> Content:
        return {"conversation": self.customer, "occurred_at": self.at, "standby": self.standby}

    def sender(self) -> Sender:
        if not self.customer:
            raise UnreadableEvent("the event names no sender")
        person = obj(self.event.get("sender"))
        return Sender(
            external_id=self.customer,
            name=reading.line(person.get("name")),
            username=reading.line(person.get("username")),
        )


def parse(own: str, payload: Any, platform: Platform) -> Iterator[News | Unreadable]:
    """own: the page or account that counts, "" for all."""
    for entry in entries(payload, platform):
        if not isinstance(entry, Mapping):
            yield Unreadable(error="an entry is not an object")
            continue
        for name, standby in (("messaging", False), ("standby", True)):
            yield from guarded(_listed(own, entry, name, standby))
        for change in items(entry.get("changes")):
            yield from guarded(_change(own, entry, obj(change)))


def _listed(own: str, entry: Json, name: str, standby: bool) -> Iterator[News | Unreadable]:
    given = entry.get(name)
    if given is not None and not isinstance(given, list | Mapping):
        raise UnreadableEvent(f"“{name}” is not a list")
    for event in items(given):
        yield from guarded(_event(own, entry, event, standby))


def _event(own: str, entry: Json, event: Any, standby: bool) -> Iterator[News]:
    if not isinstance(event, Mapping):
        raise UnreadableEvent("an event is not an object")
    if _is_ping(entry, event):
        return
    echo = reading.flag(obj(event.get("message")).get("is_echo"))
    sender, recipient = _party(event.get("sender")), _party(event.get("recipient"))
    customer, business = (recipient, sender) if echo else (sender, recipient)
    if own and own not in (reading.ident(entry.get("id")), business):
        return
    yield from _read(Item(event, entry, customer, business, echo, standby))


# What the dashboard's Test button sends: it must start nothing.
TEST_MIDS = frozenset({"random_mid", "test_message_id"})


def _is_ping(entry: Json, event: Json) -> bool:
    return reading.ident(entry.get("id")) == "0" or reading.ident(obj(event.get("message")).get("mid")) in TEST_MIDS


def _party(given: Any) -> str:
    found = reading.ident(obj(given).get("id"))
    guest = reading.ident(obj(given).get("user_ref"))
    return found or (f"{GUEST}{guest}"[:255] if guest else "")


def _read(item: Item) -> Iterator[News]:
    kind = next((name for name in KINDS if isinstance(item.event.get(name), Mapping)), "")
    if kind:
        yield from KINDS[kind](item, obj(item.event[kind]))
        return
    notice = next((name for name in NOTICES if isinstance(item.event.get(name), Mapping)), "")
    yield _notice(item, notice) if notice else _unknown(item)


# ── Messages ─────────────────────────────────────────────────────────────────────────────────


def _message(item: Item, message: Json) -> Iterator[News]:
    mid = reading.ident(message.get("mid"))
    if mid is None:
        raise UnreadableEvent("the message has no id")
    if reading.flag(message.get("is_deleted")):
        sender = None if item.echo else item.sender()
        yield Deletion(target=mid, sender=sender, event_id=f"deleted:{mid}"[:255], **item.common())
        return
    files, unknown, words = _files(message)
    text = reading.text(message.get("text")) or words
    pressed = obj(message.get("quick_reply"))
    if reading.flag(message.get("is_unsupported")):
        unknown = unknown or "message"
    if not (text or files or pressed or unknown):
        unknown = "message"
    yield InboundMessage(
        external_id=mid,
        event_id=mid,
        sender=Sender(external_id=item.business or "us") if item.echo else item.sender(),
        text=text,
        attachments=files,
        reply_to=_answered(obj(message.get("reply_to"))),
        postback=_chosen(text, pressed) if pressed else None,
        unsupported=bool(unknown),
        unsupported_reason=unknown,
        echo=item.echo,
        own_key=(reading.ident(message.get("metadata")) or "") if item.echo else "",
        referral=_referral(obj(message.get("referral"))),
        **_addressed(item),
    )


def _addressed(item: Item) -> Content:
    if not item.customer:
        raise UnreadableEvent("the event does not say whose it is")
    return item.common()


def _chosen(text: str, pressed: Json) -> Postback:
    return Postback(title=text, payload=reading.text(pressed.get("payload")), source="quick_reply")


def _answered(reply: Json) -> ReplyTo | None:
    mid = reading.ident(reply.get("mid"))
    if mid:
        return ReplyTo(external_id=mid)
    story = reply.get("story")
    if isinstance(story, Mapping):
        return ReplyTo(
            external_id=reading.ident(story.get("id")) or "", kind="story", url=reading.web_url(story.get("url"))
        )
    return None


def _pressed(item: Item, postback: Json) -> Iterator[News]:
    title = reading.text(postback.get("title"))
    mid = reading.ident(postback.get("mid")) or fingerprint("postback", _moment_of(item))
    yield InboundMessage(
        external_id=mid,
        event_id=mid,
        sender=item.sender(),
        text=title,
        postback=Postback(title=title, payload=reading.text(postback.get("payload")), source="button"),
        referral=_referral(obj(postback.get("referral"))),
        **item.common(),
    )


def _moment_of(item: Item) -> list[Any]:
    """The event, and when it came where it does not say that itself."""
    return [item.event] if "timestamp" in item.event else [item.event, item.entry.get("time")]


def _unknown(item: Item) -> News:
    """A kind that nobody knows yet: shown, never dropped."""
    name = next((str(key) for key in item.event if key not in ("sender", "recipient", "timestamp")), "event")
    given = obj(item.event.get(name))
    return InboundMessage(
        external_id=fingerprint("event", _moment_of(item)),
        sender=item.sender(),
        text=next(filter(None, (reading.text(given.get(key)) for key in ("text", "title", "body", "note"))), ""),
        unsupported=True,
        unsupported_reason=reading.line(name, 80) or "event",
        **item.common(),
    )


def _referral(given: Json) -> dict[str, str] | None:
    """The link, ad or shop that brought them here."""
    ad, product = obj(given.get("ads_context_data")), obj(given.get("product"))
    found = said(
        {
            "source": given.get("source"),
            "type": given.get("type"),
            "ref": given.get("ref"),
            "id": given.get("ad_id") or product.get("id"),
            "url": given.get("referer_uri"),
            "headline": ad.get("ad_title"),
            "media_url": ad.get("photo_url") or ad.get("video_url"),
        },
        reading.MAX_URL,
    )
    return found or None


# ── Attachments ──────────────────────────────────────────────────────────────────────────────

FILES: dict[str, AttachmentKind] = {
    "image": "image", "video": "video", "audio": "audio", "file": "file", "sticker": "sticker",
    "animated_image_share": "image", "animated_image": "image", "like_heart": "sticker",
    "fallback": "share", "share": "share", "media_share": "share", "xma_share": "share",
    "ig_reel": "share", "reel": "share", "ig_story": "share", "ig_post": "share", "post": "share",
    "story_mention": "story", "story": "story", "template": "template", "product": "product",
}  # fmt: skip
URLS = ("url", "story_media_url", "reel_url", "link", "src", "URL")
POST_IDS = ("ig_post_media_id", "reel_video_id", "story_media_id")


def _files(message: Json) -> tuple[tuple[InboundAttachment, ...], str, str]:
    """(what can be shown or fetched, the type of what cannot, its words)."""
    files, unknown, words = [], "", []
    for given in _once(items(message.get("attachments"))):
        kind = word(given.get("type"))
        place = _place(given) if kind == "location" else None
        if place:
            files.append(place)
            continue
        if kind not in FILES:
            unknown = unknown or kind or "attachment"
        file = _file(FILES.get(kind, "file"), given)
        if file.remote or kind in FILES:
            files.append(file)
        else:
            words.append(file.caption)
    return tuple(files), unknown, "\n".join(filter(None, words))


def _once(given: list[Any]) -> list[Json]:
    """During their changes Meta sends a sticker as a picture too, and a shared post under its old name too."""
    all_of_them = [obj(item) for item in given]
    kinds = {word(item.get("type")) for item in all_of_them}
    posts = {key for item in all_of_them if word(item.get("type")) == "ig_post" for key in _keys(item)}
    stickers = {key for item in all_of_them if word(item.get("type")) == "sticker" for key in _keys(item)}

    def doubled(item: Json) -> bool:
        kind, payload = word(item.get("type")), obj(item.get("payload"))
        if kind == "image" and "sticker" in kinds:
            return bool(payload.get("sticker_id")) or bool(_keys(item) & stickers)
        return kind == "share" and bool(_keys(item) & posts)

    return [item for item in all_of_them if not doubled(item)]


def _keys(item: Json) -> set[str]:
    payload = obj(item.get("payload"))
    return {found for name in (*POST_IDS, "sticker_id", "url") if (found := reading.ident(payload.get(name)))}


def _file(kind: AttachmentKind, given: Json) -> InboundAttachment:
    payload = obj(given.get("payload"))
    product = obj(payload.get("product"))
    elements = [obj(element) for element in items(payload.get("elements")) or items(product.get("elements"))]
    url = next(
        (found for holder in (payload, given) for name in URLS if (found := reading.web_url(holder.get(name)))), ""
    )
    if not url and product:
        url = next((found for element in elements if (found := reading.web_url(element.get("image_url")))), "")
    if kind == "image" and payload.get("sticker_id"):
        kind = "sticker"
    address = url or _odd_url(kind, payload, given)
    # A page is opened by whoever wants to; only what has a picture in it is fetched.
    is_page = word(given.get("type")) == "fallback"
    return InboundAttachment(
        kind=kind,
        filename=HEART if word(given.get("type")) == "like_heart" else _filename(kind, payload, given),
        caption=_caption(given, payload, elements),
        remote=Remote(url=address) if address and not (is_page and url) else None,
        link=_opens(url, payload, elements) if kind in CARDS else "",
    )


# It has no picture of its own: its sign is its name.
HEART = "\u2764\ufe0f"


def _filename(kind: AttachmentKind, payload: Json, given: Json) -> str:
    return reading.filename(payload.get("name") or given.get("name")) if kind == "file" else ""


CARDS = frozenset({"share", "story", "template", "product"})


def _opens(url: str, payload: Json, elements: list[Json]) -> str:
    """Of a card: what its buttons or its elements lead to, else what was shared."""
    holders = [*elements, payload]
    places = [obj(one.get("default_action")) for one in holders]
    places += [obj(button) for one in holders for button in items(one.get("buttons"))]
    return next((found for one in places if (found := reading.web_url(one.get("url")))), url)


def _odd_url(kind: AttachmentKind, payload: Json, given: Json) -> str:
    """What stands where an address should: kept, so that it is seen that fetching it failed."""
    if kind == "template":
        return ""
    return reading.line(payload.get("url") or given.get("url") or given.get("URL"), 500)


def _caption(given: Json, payload: Json, elements: list[Json]) -> str:
    """What a card says: its title, its text, or the titles of what it lists or offers."""
    title = reading.text(given.get("title")) or reading.text(payload.get("title")) or reading.text(payload.get("text"))
    listed = elements or [obj(button) for button in items(payload.get("buttons"))]
    return title or ", ".join(filter(None, (reading.line(one.get("title")) for one in listed)))


def _place(given: Json) -> InboundAttachment | None:
    payload = obj(given.get("payload"))
    spot = obj(payload.get("coordinates"))
    place = reading.location({
        "lat": spot.get("lat"),
        "lon": spot.get("long", spot.get("lon")),
        "name": given.get("title") or payload.get("title"),
    })  # fmt: skip
    return InboundAttachment(kind="location", location=place) if place else None


# ── What happens to messages ─────────────────────────────────────────────────────────────────

# Names of reactions that come without their sign.
EMOJIS = {
    "love": "\u2764\ufe0f", "like": "\U0001f44d", "dislike": "\U0001f44e", "smile": "\U0001f606",
    "haha": "\U0001f606", "wow": "\U0001f62e", "sad": "\U0001f622", "angry": "\U0001f620",
}  # fmt: skip


def _reaction(item: Item, given: Json) -> Iterator[News]:
    if item.customer and item.customer == reading.ident(item.entry.get("id")):
        return  # the page's own reaction, in the platform's app
    emoji = reading.line(given.get("emoji"), 64) or EMOJIS.get(word(given.get("reaction")), "")
    removed = word(given.get("action")) == "unreact"
    if not (emoji or removed):
        emoji = reading.line(given.get("reaction"), 64)
    yield Reaction(
        target=_mid(given),
        sender=item.sender(),
        emoji="" if removed else emoji,
        removed=removed or not emoji,
        event_id=fingerprint("reaction", item.event),
        **item.common(),
    )


def _mid(given: Json) -> str:
    found = reading.ident(given.get("mid"))
    if found is None:
        raise UnreadableEvent("“mid” is missing or not an id")
    return found


def _edit(item: Item, given: Json) -> Iterator[News]:
    mid, number = _mid(given), reading.text(given.get("num_edit"))[:10]
    if not isinstance(given.get("text"), str):
        if number == "0":
            return  # Instagram says this of new messages too
        raise UnreadableEvent("the edit does not say what the message says now")
    yield Edit(
        target=mid,
        text=reading.text(given.get("text")),
        sender=None if item.echo else item.sender(),
        event_id=f"{mid[:200]}:{number}",
        **item.common(),
    )


def _receipts(state: Literal["delivered", "read"]) -> Callable[[Item, Json], Iterator[News]]:
    def read(item: Item, given: Json) -> Iterator[News]:
        until = reading.moment(given.get("watermark"))
        named = given.get("mids")
        mids = [reading.ident(mid) for mid in ([given.get("mid")] + (named if isinstance(named, list) else []))]
        ids = list(dict.fromkeys(filter(None, mids)))
        if not ids and until is None:
            raise UnreadableEvent("the receipt names neither a message nor a time")
        common = {**item.common(), "occurred_at": until or item.at}
        for number, mid in enumerate(ids or [""]):
            # The time stands for all of them, so it is told once.
            watermark = until if number == 0 and item.customer else None
            yield Receipt(state=state, external_id=mid, watermark=watermark, recipient=item.customer, **common)

    return read


# ── Notices ──────────────────────────────────────────────────────────────────────────────────

NOTICES = {
    "optin": "opt_in",
    "referral": "referral",
    "account_linking": "account_linking",
    "pass_thread_control": "handover",
    "take_thread_control": "handover",
    "request_thread_control": "handover",
    "app_roles": "handover",
    "policy-enforcement": "policy",
    "policy_enforcement": "policy",
    "messaging_feedback": "feedback",
    "response_feedback": "feedback",
    "messaging_customer_information": "customer_information",
}


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """What is said in it, however deep: of a form the answers are."""
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else None
    if inner is None:
        yield name, value
        return
    for key, one in inner:
        yield from _leaves(one, f"{name}.{key}"[:200] if name else str(key)[:60])


def _notice(item: Item, name: str) -> Notice:
    given = obj(item.event[name])
    kind = NOTICES[name]
    if word(given.get("notification_messages_status")).replace(" ", "_") == "stop_notifications":
        kind = "opt_out"
    # Tokens that open something and codes that pass through are nobody's business in a log.
    open_ones = ((key, value) for key, value in _leaves(given) if "token" not in key and "code" not in key)
    detail = said(dict(islice(open_ones, 20))) if name != "referral" else (_referral(given) or {})
    if kind == "handover":
        detail["action"] = name
    return Notice(
        kind=kind,
        sender=item.sender() if item.customer else None,
        event_id=fingerprint(kind, _moment_of(item)),
        detail=detail,
        **item.common(),
    )


KINDS: dict[str, Callable[[Item, Json], Iterator[News]]] = {
    "message": _message,
    "postback": _pressed,
    "reaction": _reaction,
    "message_edit": _edit,
    "delivery": _receipts("delivered"),
    "read": _receipts("read"),
}


# ── Changes ──────────────────────────────────────────────────────────────────────────────────

TALK = frozenset({
    "messages", "messaging_postbacks", "messaging_seen", "messaging_referral", "messaging_handover",
    "messaging_optins", "message_reactions", "message_edit", "standby",
})  # fmt: skip
# What people write in public: the field of it → what it is here. Of a page's feed the comments alone.
COMMENTS = {
    "comments": "comment", "live_comments": "comment", "mentions": "mention",
    "feed": "comment", "mention": "mention", "ratings": "rating",
}  # fmt: skip


def _change(own: str, entry: Json, change: Json) -> Iterator[News]:
    """Some set-ups get their messages here; so does the dashboard's Test button, which must start nothing."""
    name, value = word(change.get("field")), obj(change.get("value"))
    if name in TALK:
        yield from _event(own, entry, value, name == "standby")
    elif name == "feed" and word(value.get("item")) != "comment":
        return
    elif name in COMMENTS and (not own or reading.ident(entry.get("id")) == own):
        yield from _comment(entry, COMMENTS[name], value)


def _comment(entry: Json, kind: str, value: Json) -> Iterator[News]:
    """Public, and no conversation of two: a line where one is open with that person, no more."""
    author = obj(value.get("from")) or {"id": value.get("sender_id"), "name": value.get("sender_name")}
    found = reading.ident(author.get("id"))
    if found and found == reading.ident(entry.get("id")):
        return  # our own
    name, username = reading.line(author.get("name")), reading.line(author.get("username"))
    sender = Sender(external_id=found, name=name, username=username) if found else None
    yield Notice(
        kind=kind,
        conversation=found or "",
        sender=sender,
        occurred_at=reading.moment(value.get("timestamp") or value.get("created_time"))
        or reading.moment(entry.get("time")),
        event_id=reading.ident(value.get("id")) or fingerprint(kind, value),
        detail=said(
            {
                "text": value.get("text") or value.get("message") or value.get("review_text"),
                "media": obj(value.get("media")).get("id") or value.get("media_id") or value.get("post_id"),
                "verb": value.get("verb"),
            },
            500,
        ),
    )
