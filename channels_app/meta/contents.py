"""What one WhatsApp message says, by its type: text, files, places, people, answers to choices, baskets.

A reader gives the fields of an ``InboundMessage``, or None where the message lacks what its type promises.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from channels_app import reading
from channels_app.contract import InboundAttachment, Postback, Remote
from channels_app.meta.door import Json, items, obj, word

Content = dict[str, Any]


def _text(item: Json) -> Content | None:
    body = obj(item.get("text")).get("body")
    return {"text": reading.text(body)} if isinstance(body, str | int | float) else None


MEDIA: dict[str, Literal["image", "video", "audio", "voice", "file", "sticker"]] = {
    "image": "image", "video": "video", "audio": "audio", "voice": "voice", "document": "file", "sticker": "sticker",
}  # fmt: skip


def _media(item: Json) -> Content | None:
    kind = word(item.get("type")) or next((name for name in MEDIA if name in item), "")
    given = item.get(kind)
    if not isinstance(given, Mapping):
        return None
    attachment = _file(kind, given)
    return {"text": attachment.caption, "attachments": (attachment,)}


def _file(kind: str, given: Json) -> InboundAttachment:
    media_id, url = reading.ident(given.get("id")), reading.web_url(given.get("url") or given.get("link"))
    return InboundAttachment(
        kind="voice" if kind == "audio" and reading.flag(given.get("voice")) else MEDIA[kind],
        mime=_mime(given.get("mime_type")),
        filename=reading.filename(given.get("filename")),
        size=reading.size(given.get("file_size")),
        caption=reading.text(given.get("caption")),
        remote=Remote(id=media_id or "", url=url, credentials=True) if media_id or url else None,
    )


def _mime(value: Any) -> str:
    """With its parameters, which say how a sound is coded; some senders escape the slash twice."""
    given = reading.line(value, 120).replace("\\/", "/")
    return given if reading.mime(given) else ""


def _location(item: Json) -> Content | None:
    given = item.get("location")
    if not isinstance(given, Mapping):
        return None
    place = reading.location(given)
    if place is None:
        return None
    return {"attachments": (InboundAttachment(kind="location", location=place),)}


def _contacts(item: Json) -> Content | None:
    cards = [card for given in items(item.get("contacts")) if (card := _card(obj(given)))]
    return {"attachments": tuple(cards)} if cards else None


def _card(given: Json) -> InboundAttachment | None:
    name = obj(given.get("name"))
    whole = " ".join(
        filter(None, (reading.line(name.get(part)) for part in ("first_name", "middle_name", "last_name")))
    )
    phones = [obj(phone) for phone in items(given.get("phones"))]
    written = reading.vcard(given.get("vcard"))
    card = reading.contact({
        "name": reading.line(name.get("formatted_name")) or whole or reading.line(given.get("name")) or written.name,
        "phones": [phone.get("phone") or phone.get("wa_id") for phone in phones] or [*written.phones],
        "emails": [obj(email).get("email") for email in items(given.get("emails"))] or [*written.emails],
    })  # fmt: skip
    return InboundAttachment(kind="contact", contact=card) if card else None


def _button(item: Json) -> Content | None:
    """A quick reply of a template."""
    given = item.get("button")
    return _pressed(given, "text", "payload", "template") if isinstance(given, Mapping) else None


def _pressed(given: Json, title: str, payload: str, source: str) -> Content | None:
    words, sent = reading.text(given.get(title)), reading.text(given.get(payload))
    if not (words or sent):
        return None
    return {"text": words, "postback": Postback(title=words, payload=sent, source=source)}


def _interactive(item: Json) -> Content | None:
    given = obj(item.get("interactive"))
    kind = word(given.get("type")) or next((name for name in ANSWERS if name in given), "")
    answer = given.get(kind)
    if kind not in ANSWERS or not isinstance(answer, Mapping):
        return None
    title, payload, source = ANSWERS[kind]
    if isinstance(answer.get(payload), Mapping | list):
        answer = {**answer, payload: json.dumps(answer[payload], ensure_ascii=False)}
    return _pressed(answer, title, payload, source)


ANSWERS = {
    "button_reply": ("title", "id", "button"),
    "list_reply": ("title", "id", "list"),
    "nfm_reply": ("body", "response_json", "form"),
    "call_permission_reply": ("", "response", "call_permission"),
    "address_message": ("body", "response_json", "form"),
}


def _order(item: Json) -> Content | None:
    """A basket from the catalogue, as text: one line per product."""
    given = item.get("order")
    if not isinstance(given, Mapping):
        return None
    lines = [_product(obj(product)) for product in items(given.get("product_items"))]
    words = reading.text(given.get("text"))
    return {"text": "\n".join(filter(None, [words, *lines]))} if words or any(lines) else None


def _product(given: Json) -> str:
    name, quantity = reading.ident(given.get("product_retailer_id")) or "", reading.text(given.get("quantity"))
    price = " ".join(filter(None, (reading.text(given.get("item_price")), reading.line(given.get("currency"), 10))))
    amount = f"{quantity[:20]} × " if quantity else ""
    return f"{amount}{name}" + (f" · {price[:40]}" if price else "") if name else ""


READERS: dict[str, Callable[[Json], Content | None]] = {
    "text": _text,
    **dict.fromkeys(MEDIA, _media),
    "location": _location,
    "contacts": _contacts,
    "button": _button,
    "interactive": _interactive,
    "order": _order,
}
