"""WhatsApp's templates: read from the account as text with blanks, sent with the blanks filled.

Meta numbers the blanks of each part from 1 (or names them). Those of the body keep their name here; those
of the header are ``header_1``; a button's address ends in ``button_0``, a coupon is ``coupon_0`` (the button's
place). A header that is a picture, a video or a document goes out with the file that was chosen, else with what
``header_image`` leads to, else with the example. One that is a place has four blanks: ``header_latitude``,
``header_longitude``, ``header_name`` and ``header_address``. What a quick answer sends back may be given as
``payload_0``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from channels_app import reading
from channels_app.contract import Account, MessageTemplate, Template
from channels_app.http import Http
from channels_app.meta import graph
from channels_app.meta.door import Json, items, obj, word

FIELDS = "id,name,language,status,category,components,parameter_format"
PAGE = 100
MAX_PAGES = 20
# Parts that need more than words to be sent: such a template is left out.
BEYOND_US = frozenset({"carousel", "limited_time_offer", "product", "catalog", "mpm", "spm", "flow", "order_details"})
BLANK = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,60})\s*\}\}")
PREFIXES = ("header_", "button_", "coupon_", "payload_", "body_")
PLACE = "{{header_name}}, {{header_address}} ({{header_latitude}}, {{header_longitude}})"
PLACED = re.compile(r"(header|button|coupon|payload|body)_(.+)")
MAX_PAYLOAD = 128
MB = 1024 * 1024
# What a header takes, and bytes at most; None: any type of file.
FILES: dict[str, tuple[frozenset[str] | None, int]] = {
    "image": (frozenset({"image/jpeg", "image/png"}), 5 * MB),
    "video": (frozenset({"video/mp4", "video/3gpp"}), 16 * MB),
    "document": (None, 100 * MB),
}


def fetch(account: Account, business: str, http: Http) -> list[MessageTemplate]:
    """All of them, page by page. Raises DeliveryFailed."""
    found: list[MessageTemplate] = []
    after = ""
    for _page in range(MAX_PAGES):
        query = f"fields={FIELDS}&limit={PAGE}" + (f"&after={after}" if after else "")
        body = graph.call(account, http, "GET", business, "message_templates", query=query).json_object()
        found += [read for given in items(body.get("data")) if (read := template(obj(given)))]
        paging = obj(body.get("paging"))
        # By the cursor: the ready-made address of the next page has the token in it, and a host.
        after = re.sub(r"[^A-Za-z0-9_=-]", "", reading.text(obj(paging.get("cursors")).get("after")))[:500]
        if not after or not paging.get("next"):
            break
    return found


def template(given: Json) -> MessageTemplate | None:
    """None: it has parts that cannot be filled with words."""
    name, language = reading.ident(given.get("name")), reading.line(given.get("language"), 20)
    parts = {word(part.get("type")): part for item in items(given.get("components")) if (part := obj(item))}
    if not name or not language or BEYOND_US & parts.keys():
        return None
    buttons = [obj(button) for button in items(obj(parts.get("buttons")).get("buttons"))]
    if BEYOND_US & {word(button.get("type")) for button in buttons}:
        return None
    head = obj(parts.get("header"))
    header, media = _header(head)
    body = _renamed(reading.text(obj(parts.get("body")).get("text")), "")
    if header is None:
        return None
    labels = tuple(_button(place, button) for place, button in enumerate(buttons))
    footer = reading.text(obj(parts.get("footer")).get("text"))
    return MessageTemplate(
        name=name,
        language=language,
        category=reading.line(given.get("category"), 40).upper(),
        status=reading.line(given.get("status"), 40).upper(),
        header=header,
        body=body,
        footer=footer,
        buttons=labels,
        variables=tuple(
            dict.fromkeys(blank for text in (header, body, footer, *labels) for blank in BLANK.findall(text))
        ),
        optional=(
            *((f"header_{media}",) if media else ()),
            *(f"payload_{place}" for place, button in enumerate(buttons) if word(button.get("type")) == "quick_reply"),
        ),
        media=media,
        example=_example(head) if media else "",
        external_id=reading.ident(given.get("id")) or "",
    )


def _header(given: Json) -> tuple[str | None, Literal["", "image", "video", "document"]]:
    """(its words, what it shows); None for its words: nothing that we can send."""
    kind = word(given.get("format")) or "text"
    if kind in ("image", "video", "document"):
        return "", kind  # type: ignore[return-value]
    if kind == "location":
        return PLACE, ""
    return (_renamed(reading.text(given.get("text")), "header_") if kind == "text" else None), ""


def _example(given: Json) -> str:
    """Meta gives the address of the file that the template was approved with."""
    return next(
        (found for one in items(obj(given.get("example")).get("header_handle")) if (found := reading.web_url(one))), ""
    )


def _renamed(text: str, prefix: str) -> str:
    """Its blanks with the names that tell the parts apart."""

    def name(blank: re.Match[str]) -> str:
        own = blank[1] if prefix or not blank[1].startswith(PREFIXES) else f"body_{blank[1]}"
        return f"{{{{{prefix}{own}}}}}"

    return BLANK.sub(name, text)


def _button(place: int, given: Json) -> str:
    text, kind = reading.line(given.get("text"), 60), word(given.get("type"))
    if kind == "otp" or (kind == "url" and BLANK.search(reading.text(given.get("url")))):
        address = reading.text(given.get("url")) if kind == "url" else "{{1}}"
        return f"{text}: " + BLANK.sub(f"{{{{button_{place}}}}}", address)
    return f"{text}: {{{{coupon_{place}}}}}" if kind == "copy_code" else text


# ── Sending one ──────────────────────────────────────────────────────────────────────────────


def outgoing(chosen: Template, file: Mapping[str, str] | None = None) -> dict[str, Any]:
    """file: what the header shows, as Meta wants it ({"id"} or {"link"}); None: what the template itself names."""
    given = dict(chosen.parameters)
    link = given.pop(f"header_{chosen.media}", "") if chosen.media else ""
    parts = list(_components(given))
    if chosen.media:
        shown = {"type": chosen.media, chosen.media: dict(file or {"link": link or chosen.media_link})}
        parts.insert(0, {"type": "header", "parameters": [shown]})
    said: dict[str, Any] = {"name": chosen.name, "language": {"code": chosen.language}}
    return {"type": "template", "template": {**said, **({"components": parts} if parts else {})}}


def _components(parameters: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    header: list[dict[str, Any]] = []
    body: list[dict[str, str]] = []
    buttons: list[dict[str, Any]] = []
    for name in sorted(parameters, key=_order):
        value = _filling(parameters[name])
        placed = PLACED.fullmatch(name)
        where, rest = (placed[1], placed[2]) if placed else ("body", name)
        if where == "header":
            header.append(_blank(rest, value))
        elif where == "body":
            body.append(_blank(rest, value))
        else:
            buttons.append(_pressed(where, rest, value))
    place = {name: parameters[f"header_{name}"] for name in SPOT if parameters.get(f"header_{name}")}
    if {"latitude", "longitude"} <= place.keys():
        header = [{"type": "location", "location": place}]
    if header:
        yield {"type": "header", "parameters": header}
    if body:
        yield {"type": "body", "parameters": body}
    yield from buttons


def _order(name: str) -> int:
    """Numbered blanks go by their number; named ones stay as they were given."""
    last = name.rpartition("_")[2]
    return int(last) if last.isascii() and last.isdigit() and len(last) < 5 else 0


def _blank(name: str, value: str) -> dict[str, str]:
    if name.isascii() and name.isdigit():
        return {"type": "text", "text": value}
    return {"type": "text", "parameter_name": name, "text": value}


def _pressed(where: str, place: str, value: str) -> dict[str, Any]:
    kind, blank = BUTTONS[where]
    value = value[:MAX_PAYLOAD] if where == "payload" else value
    return {"type": "button", "sub_type": kind, "index": place, "parameters": [{"type": blank, blank: value}]}


SPOT = ("latitude", "longitude", "name", "address")
BUTTONS = {"coupon": ("copy_code", "coupon_code"), "payload": ("quick_reply", "payload"), "button": ("url", "text")}


def _filling(value: str) -> str:
    """A blank takes one line without wide gaps."""
    return re.sub(r"[\r\n\t]+| {4,}", " ", value).strip()
