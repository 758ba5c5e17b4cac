"""What WhatsApp, Messenger and Instagram share: who may post, and that no body makes them stumble."""

from __future__ import annotations

import hmac
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils.module_loading import import_string
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from channels_app.contract import (
    Account,
    Adapter,
    Event,
    HandshakeAnswer,
    InboundMessage,
    InboundRequest,
    NotAuthentic,
    SettingsInvalid,
    Unreadable,
    UnreadableEvent,
)
from tests.platforms.meta import APP_SECRET, VERIFY_TOKEN, page, said, signed, wa_message, whatsapp
from tests.test_contract import _storable, scalars

PATHS = {
    "whatsapp": "channels_app.adapters.whatsapp.WhatsAppAdapter",
    "messenger": "channels_app.adapters.messenger.MessengerAdapter",
    "instagram": "channels_app.adapters.instagram.InstagramAdapter",
}
ADAPTERS: dict[str, Adapter] = {kind: import_string(path)() for kind, path in PATHS.items()}
ID_FIELDS = {"whatsapp": "phone_number_id", "messenger": "page_id", "instagram": "account_id"}
PAYLOADS = Path(__file__).parent.parent / "platforms" / "payloads"
BODIES = {kind: [json.loads(path.read_bytes()) for path in sorted((PAYLOADS / kind).iterdir())] for kind in PATHS}


@pytest.fixture(params=sorted(PATHS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def account(kind: str, **given: str) -> Account:
    own = {"app_secret": APP_SECRET, "verify_token": VERIFY_TOKEN, "access_token": "t"}
    return Account(id=1, kind=kind, name="x", settings={**own, **given})


def request(body: bytes, headers: dict[str, str]) -> InboundRequest:
    return InboundRequest("POST", "https://hub/", {name.lower(): value for name, value in headers.items()}, body)


def verify(kind: str, body: bytes, headers: dict[str, str], **given: str) -> None:
    ADAPTERS[kind].verify(account(kind, **given), request(body, headers))


def parse(kind: str, body: Any, **given: str) -> list[Any]:
    return list(ADAPTERS[kind].parse(account(kind, **given), body))


# ── Who may post ─────────────────────────────────────────────────────────────────────────────


def test_what_meta_signs_is_authentic_and_nothing_else(kind: str) -> None:
    body, headers = signed({"object": "page", "text": "มนุษย์/😀"})
    assert b"\\u" in body
    assert b"\\/" in body
    verify(kind, body, headers)
    redumped = json.dumps(json.loads(body), ensure_ascii=False).encode()
    for other in (redumped, body + b"\n", b"", body[:-1]):
        with pytest.raises(NotAuthentic):
            verify(kind, other, headers)


def test_during_rotation_two_secrets_count_and_no_third(kind: str) -> None:
    body, headers = signed({})
    verify(kind, body, headers, app_secret=f"new {APP_SECRET}")
    with pytest.raises(NotAuthentic):
        verify(kind, body, headers, app_secret=f"a b {APP_SECRET}")


@pytest.mark.parametrize("secret", ["", " ", "\t\n"])
def test_an_empty_secret_does_not_match_what_an_empty_key_signs(kind: str, secret: str) -> None:
    mac = hmac.digest(b"", b"{}", "sha256").hex()
    with pytest.raises(NotAuthentic):
        verify(kind, b"{}", {"X-Hub-Signature-256": f"sha256={mac}"}, app_secret=secret)


@pytest.mark.parametrize("change", ["upper", "sha1", "bare", "odd", "empty", "wide"])
def test_other_spellings_of_a_signature_are_refused(kind: str, change: str) -> None:
    body, headers = signed({})
    right = headers["X-Hub-Signature-256"]
    changed = {
        "upper": right.upper(), "sha1": "sha1=" + hmac.digest(APP_SECRET.encode(), body, "sha1").hex(),
        "bare": right.removeprefix("sha256="), "odd": "sha256=ไทย", "empty": "sha256=", "wide": right + "0",
    }[change]  # fmt: skip
    with pytest.raises(NotAuthentic):
        verify(kind, body, {"X-Hub-Signature-256": changed})


def handshake(kind: str, query: dict[str, str], **given: str) -> HandshakeAnswer | None:
    return ADAPTERS[kind].handshake(account(kind, **given), InboundRequest("GET", "https://hub/", {}, b"", query))


QUERY = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1158201444"}


def test_the_handshake(kind: str) -> None:
    assert handshake(kind, QUERY) == HandshakeAnswer("1158201444")


@pytest.mark.parametrize(
    "change",
    [
        {"hub.verify_token": "wrong"},
        {"hub.verify_token": ""},
        {"hub.verify_token": "ไทย\udcff"},
        {"hub.mode": "unsubscribe"},
        {"hub.mode": ""},
        {"hub.challenge": ""},
        {"hub.challenge": "x" * 100_000},
    ],
)
def test_any_other_handshake_is_forbidden(kind: str, change: dict[str, str]) -> None:
    answer = handshake(kind, {**QUERY, **change})
    assert answer is not None
    assert answer.status == 403
    assert "x" * 100 not in answer.body


@pytest.mark.parametrize("token", ["", " "])
def test_an_empty_verify_token_never_matches(kind: str, token: str) -> None:
    for given_token in ("", " "):
        answer = handshake(kind, {**QUERY, "hub.verify_token": given_token}, verify_token=token)
        assert answer is not None
        assert answer.status == 403


# ── Whose entry ──────────────────────────────────────────────────────────────────────────────


def one(kind: str, id: str) -> dict[str, Any]:
    return wa_message(id) if kind == "whatsapp" else said(kind, id)


def of_another(kind: str, id: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(json.dumps(one(kind, id)).replace("00000000001", "00000000009"))
    return body


def test_a_set_account_id_leaves_entries_for_others_alone(kind: str) -> None:
    body = one(kind, "a")
    body["entry"] += of_another(kind, "b")["entry"]
    own = {"whatsapp": "100000000000001", "messenger": "300000000000001", "instagram": "17841400000000001"}[kind]
    assert [item.external_id for item in parse(kind, body, **{ID_FIELDS[kind]: own})] == ["a"]
    assert [item.external_id for item in parse(kind, body, **{ID_FIELDS[kind]: "404"})] == []
    assert [item.external_id for item in parse(kind, body)] == ["a", "b"]


def test_a_body_about_something_else_says_nothing(kind: str) -> None:
    for other in ("user", "page", "instagram", "whatsapp_business_account", "permissions"):
        body = {**one(kind, "a"), "object": other}
        assert bool(parse(kind, body)) == (one(kind, "a")["object"] == other)


def counted(act: Callable[[], list[Any]]) -> tuple[list[Any], int]:
    """What it gives, and how many calls that took: the same on a busy machine."""
    made = [0]

    def counting(frame: object, event: str, argument: object) -> None:
        made[0] += event == "call"

    before = sys.getprofile()
    sys.setprofile(counting)
    try:
        found = act()
    finally:
        sys.setprofile(before)
    return found, made[0]


def test_a_thousand_entries_are_read_one_after_the_other(kind: str) -> None:
    """Linear: ten times the entries take about ten times as long."""

    def calls(count: int) -> int:
        body = one(kind, "m0")
        body["entry"] = [one(kind, f"m{number}")["entry"][0] for number in range(count)]
        news, made = counted(lambda: parse(kind, body))
        assert len(news) == count
        return made

    assert calls(1000) < 11 * calls(100)


def test_a_thousand_messages_and_contacts_in_one_change_are_linear() -> None:
    def calls(count: int) -> int:
        people = [{"profile": {"name": f"N{i}"}, "wa_id": f"6280000{i:06}"} for i in range(count)]
        messages = [
            {"from": f"6280000{i:06}", "id": f"m{i}", "type": "text", "text": {"body": "x"}} for i in range(count)
        ]
        body = whatsapp(contacts=people, messages=messages)
        found, made = counted(lambda: parse("whatsapp", body))
        assert [item.sender.name for item in found[:2]] == ["N0", "N1"]
        return made

    assert calls(1000) < 11 * calls(100)


# ── Bad input ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("body", [{}, {"entry": []}, {"entry": None}, {"object": "page"}, {"object": 7, "entry": []}])
def test_empty_bodies_say_nothing(kind: str, body: Any) -> None:
    assert parse(kind, body) == []


@pytest.mark.parametrize("entry", ["x", 7, True])
def test_entries_of_the_wrong_type_are_unreadable(kind: str, entry: Any) -> None:
    body = {**one(kind, "a"), "entry": entry}
    with pytest.raises(UnreadableEvent):
        parse(kind, body)
    (found,) = parse(kind, {**body, "entry": [entry]})
    assert isinstance(found, Unreadable)


def test_one_bad_event_does_not_lose_its_neighbours(kind: str) -> None:
    body = one(kind, "before")
    body["entry"] += [7, {"id": None, "messaging": "x", "changes": "x"}, *one(kind, "after")["entry"]]
    found = parse(kind, body)
    assert [item.external_id for item in found if isinstance(item, InboundMessage)] == ["before", "after"]
    assert [item for item in found if isinstance(item, Unreadable)]


@pytest.mark.parametrize("swap", [str, int])
def test_ids_as_numbers_and_as_text_are_the_same(kind: str, swap: Any) -> None:
    body = json.dumps(one(kind, "a"))
    for number in ("6281311112222", "7001", "17841400000000001", "300000000000001", "100000000000001"):
        body = body.replace(f'"{number}"', f'"{number}"' if swap is str else number)
    (found,) = parse(kind, json.loads(body), **{ID_FIELDS[kind]: OWN[kind]})
    assert isinstance(found, InboundMessage)
    assert found.sender.external_id == ("6281311112222" if kind == "whatsapp" else "7001")


OWN = {"whatsapp": "100000000000001", "messenger": "300000000000001", "instagram": "17841400000000001"}


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("1767225600", "2026-01-01T00:00:00+00:00"),
        (1767225600, "2026-01-01T00:00:00+00:00"),
        (1767225600123, "2026-01-01T00:00:00.123000+00:00"),
        ("1767225600123", "2026-01-01T00:00:00.123000+00:00"),
        (0, None),
        ("0", None),
        (32503680000, None),
        (10**30, None),
        ("soon", None),
        ({}, None),
    ],
)
def test_times_in_seconds_and_milliseconds_and_absurd_ones(kind: str, stamp: Any, expected: str | None) -> None:
    body = one(kind, "a")
    entry = body["entry"][0]
    event = entry["changes"][0]["value"]["messages"][0] if kind == "whatsapp" else entry["messaging"][0]
    event["timestamp"] = stamp
    (found,) = parse(kind, body)
    assert (found.occurred_at.isoformat() if found.occurred_at else None) == expected


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a body."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, item in inner for path in paths(item, (*here, key)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The body with something else there; ``...`` takes it away."""
    if not path:
        return {} if new is ... else new
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1 and new is ...:
        del copy[path[0]]
    else:
        copy[path[0]] = changed(copy[path[0]], path[1:], new)
    return copy


replacements: st.SearchStrategy[Any] = (
    st.just(...) | scalars | st.just([]) | st.just({}) | st.just([None]) | st.just({"id": 1}) | st.just([{}])
)


@pytest.mark.parametrize("kind", sorted(PATHS))
@hypothesis_settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_is_swapped_or_dropped_is_unreadable_and_nothing_worse(kind: str, data: st.DataObject) -> None:
    body = data.draw(st.sampled_from(BODIES[kind]))
    for _ in range(data.draw(st.integers(1, 4))):
        body = changed(body, data.draw(st.sampled_from(paths(body))), data.draw(replacements))
    try:
        found = parse(kind, body)
    except UnreadableEvent:
        return
    for item in found:
        assert isinstance(item, Event | Unreadable)
        _storable(item)
        if isinstance(item, InboundMessage):
            assert item.external_id
            assert item.conversation


# ── Settings ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "bad",
    [
        {"api_version": "24"},
        {"api_version": "v24.0/../.."},
        {"app_secret": "a b c"},
        {"access_token": "two words"},
        {"access_token": "ไทย"},
    ],
)
def test_settings_that_cannot_be_are_refused(kind: str, bad: dict[str, str]) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        ADAPTERS[kind].check_settings({**account(kind).settings, **bad})
    assert set(caught.value.errors) == set(bad)


def test_an_account_id_with_a_path_in_it_is_refused(kind: str) -> None:
    for odd in ("1/../2", "ไทย", "x" * 200):
        with pytest.raises(SettingsInvalid):
            ADAPTERS[kind].check_settings({ID_FIELDS[kind]: odd})


def test_a_dashboard_test_starts_nothing() -> None:
    ping = {"sender": {"id": "12334"}, "recipient": {"id": "23245"}, "timestamp": "1527459824"}
    value = {**ping, "message": {"mid": "random_mid", "text": "random_text"}}
    for kind in ("messenger", "instagram"):
        assert parse(kind, page(kind, id="0", changes=[{"field": "messages", "value": value}])) == []
        assert parse(kind, page(kind, changes=[{"field": "feed", "value": {"item": "like"}}])) == []
    body = whatsapp("123456123", messages=[{"from": "16315551181", "id": "ABGGFlA5Fpa", "type": "text"}])
    body["entry"][0]["id"] = "0"
    assert parse("whatsapp", body) == []
