"""Twilio: signed forms in, one REST call out, and how many SMS a text is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus, unquote_to_bytes, urlencode

import pytest
from twilio.request_validator import RequestValidator

from channels_app import http as http_module
from channels_app.adapters.sms import ERRORS, SmsAdapter
from channels_app.contract import (
    Account,
    BadBody,
    Conversation,
    DeliveryFailed,
    InboundMessage,
    InboundRequest,
    MediaGone,
    NotAuthentic,
    Notice,
    OutboundAttachment,
    OutboundMessage,
    Receipt,
    Remote,
    SettingsInvalid,
    UnreadableEvent,
)
from channels_app.http import Http
from tests.platforms import FakePlatform
from tests.platforms.twilio import ACCOUNT_SID, AUTH_TOKEN, OUR_NUMBER, FakeTwilio, inbound_form

adapter = SmsAdapter()
URL = "https://hub.example/webhooks/3/"
FORM = "application/x-www-form-urlencoded; charset=UTF-8"


def account(**settings: str) -> Account:
    own = {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "from_number": OUR_NUMBER, "mode": "live"}
    return Account(id=3, kind="sms", name="SMS", settings={**own, **settings}, webhook_url=URL)


def request(body: bytes, signature: str, url: str = URL, content_type: str = FORM, **headers: str) -> InboundRequest:
    return InboundRequest("POST", url, {"x-twilio-signature": signature, "content-type": content_type, **headers}, body)


def sign(form: Any, url: str = URL, token: str = AUTH_TOKEN) -> str:
    return RequestValidator(token).compute_signature(url, form)


def signed(form: dict[str, str], url: str = URL, token: str = AUTH_TOKEN, as_url: str = "") -> InboundRequest:
    return request(urlencode(form).encode(), sign(form, as_url or url, token), url)


def news(form: dict[str, Any]) -> list[Any]:
    return list(adapter.parse(account(), form))


def one(form: dict[str, Any]) -> Any:
    (found,) = news(form)
    return found


# ── Authenticity ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fields", [{}, {"Body": "ขอบคุณ 😀 & a=b+c"}, {"Body": "", "NumMedia": ""}, {"Body": " \r\n "}])
def test_what_twilio_signs_is_authentic(fields: dict[str, str]) -> None:
    adapter.verify(account(), signed(inbound_form(**fields)))


def test_with_and_without_the_port() -> None:
    form = inbound_form()
    adapter.verify(account(), signed(form, "http://127.0.0.1:8000/webhooks/3/"))
    adapter.verify(account(), signed(form, "http://127.0.0.1:8000/webhooks/3/", as_url="http://127.0.0.1/webhooks/3/"))
    adapter.verify(account(), signed(form, URL, as_url="https://hub.example:443/webhooks/3/"))


def test_the_query_counts_as_it_is_on_the_wire() -> None:
    url = URL + "?a=%20b&c=It%27s"
    adapter.verify(account(), signed(inbound_form(), url))
    with pytest.raises(NotAuthentic):
        adapter.verify(account(), signed(inbound_form(), URL + "?a= b&c=It's", as_url=url))


def test_a_repeated_field_counts_once_per_value() -> None:
    body = b"Digits=5678&Digits=1234&Digits=1234&MessageSid=SM1"
    mac = hmac.digest(AUTH_TOKEN.encode(), f"{URL}Digits1234Digits5678MessageSidSM1".encode(), "sha1")
    adapter.verify(account(), request(body, base64.b64encode(mac).decode()))


def test_during_rotation_two_tokens_count() -> None:
    for token in (AUTH_TOKEN, "the-new-one"):
        adapter.verify(account(auth_token=f"the-new-one {AUTH_TOKEN}"), signed(inbound_form(), token=token))


def test_the_account_sid_in_the_body_is_not_compared() -> None:
    adapter.verify(account(), signed(inbound_form(AccountSid="AC-of-a-subaccount")))


def test_a_json_body_is_signed_by_its_hash() -> None:
    body = '{"MessageSid": "SM1", "From": "+6281311112222", "Body": "ไทย"}'.encode()
    url = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    good = request(body, sign({}, url), url, "application/json")
    adapter.verify(account(), good)
    assert one(adapter.decode(account(), good)).text == "ไทย"
    with pytest.raises(NotAuthentic):
        adapter.verify(account(), request(body + b" ", sign({}, url), url, "application/json"))
    with pytest.raises(NotAuthentic):  # a hash in the URL does not free a form from its signature
        adapter.verify(account(), request(urlencode(inbound_form()).encode(), sign({}, url), url))


@pytest.mark.parametrize(
    "change",
    [
        {"token": ""},
        {"token": " "},
        {"token": "wrong"},
        {"signature": ""},
        {"signature": "WRONG"},
        {"signature": "ไทย"},
        {"signature": "A" * 10_000},
        {"url": URL + "x"},
        {"body": b"MessageSid=SM2"},
        {"body": b""},
        {"algorithm": "algorithm=MD5"},
    ],
)
def test_what_is_not_signed_right_is_refused(change: dict[str, Any]) -> None:
    form = inbound_form()
    with pytest.raises(NotAuthentic):
        adapter.verify(
            account(auth_token=change.get("token", AUTH_TOKEN)),
            request(
                change.get("body", urlencode(form).encode()),
                change.get("signature", sign(form)),
                change.get("url", URL),
                **{"x-twilio-webhooks-signature-settings": change.get("algorithm", "")},
            ),
        )


def test_an_empty_token_does_not_match_what_an_empty_key_signs() -> None:
    mac = hmac.digest(b"", (URL + "MessageSidSM1").encode(), "sha1")
    for token in ("", "  "):
        with pytest.raises(NotAuthentic):
            adapter.verify(account(auth_token=token), request(b"MessageSid=SM1", base64.b64encode(mac).decode()))


def test_a_million_fields_are_not_sorted() -> None:
    with pytest.raises(NotAuthentic):
        adapter.verify(account(), request(b"a=1&" * 1_000_000, "x"))


# ── Format ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("value", [b"%FF%FE", b"\xff\xfe", b"caf%E9 \xe9"])
@pytest.mark.parametrize("reading", ["bytes", "replaced"])
def test_a_well_signed_form_that_is_not_utf8_is_a_bad_body(value: bytes, reading: str) -> None:
    raw = unquote_to_bytes(value)
    text = raw if reading == "bytes" else raw.decode("utf-8", "replace").encode()
    mac = hmac.digest(AUTH_TOKEN.encode(), URL.encode() + b"Body" + text + b"MessageSidSM1", "sha1")
    bad = request(b"MessageSid=SM1&Body=" + value, base64.b64encode(mac).decode())
    adapter.verify(account(), bad)
    with pytest.raises(BadBody):
        adapter.decode(account(), bad)


@pytest.mark.parametrize("body", [b'{"a": 1}', b"<xml/>", b"just words"])
def test_a_body_that_is_no_form_is_a_bad_body(body: bytes) -> None:
    bad = request(body, sign({body.decode(): ""}))
    adapter.verify(account(), bad)
    with pytest.raises(BadBody):
        adapter.decode(account(), bad)


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"\xff", b"[" * 100 + b"]" * 100, b'{"a": NaN}', b'{"a":' + b"1" * 5000 + b"}"]
)
def test_a_well_signed_bad_json_is_a_bad_body(body: bytes) -> None:
    url = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    bad = request(body, sign({}, url), url, "application/json")
    adapter.verify(account(), bad)
    with pytest.raises(BadBody):
        adapter.decode(account(), bad)


def test_the_answer_is_empty_twiml() -> None:
    body, content_type = adapter.answer(account(), signed(inbound_form()))
    assert body.endswith("<Response/>")
    assert content_type == "text/xml"


# ── What becomes what ────────────────────────────────────────────────────────────────────────


def test_a_message() -> None:
    message = one(inbound_form(From="+62 813-1111-2222", Body="  Halo\n ", ProfileName="Dora"))
    assert isinstance(message, InboundMessage)
    assert message.external_id == "SM" + "0" * 31 + "1"
    assert (message.conversation, message.sender.phone, message.sender.name) == (*["+6281311112222"] * 2, "Dora")
    assert (message.text, message.occurred_at) == ("  Halo\n ", None)


@pytest.mark.parametrize(
    "given", ["53079", "GRAB", "+12345", "whatsapp:+6281311112222", "rcs:brand_agent", "client:ana"]
)
def test_senders_that_are_no_ordinary_number_stay_as_they_are(given: str) -> None:
    assert one(inbound_form(From=given)).sender.external_id == given


def test_media_with_and_without_their_types() -> None:
    media = one(inbound_form(
        Body="", NumMedia="3", MediaUrl0="https://api.twilio.com/x", MediaContentType0="image/JPEG; a=b",
        MediaUrl1="https://evil.example/x", MediaContentType1="application/pdf",
    )).attachments  # fmt: skip
    assert [(file.kind, file.mime) for file in media] == [
        ("image", "image/jpeg"),
        ("file", "application/pdf"),
        ("file", ""),
    ]
    assert [file.remote.url for file in media] == ["https://api.twilio.com/x", "https://evil.example/x", ""]
    assert [file.remote.credentials for file in media] == [True, False, False]


@pytest.mark.parametrize("count", ["9999999999", "-1", "x", "", "1e999", "NaN"])
def test_an_absurd_number_of_media(count: str) -> None:
    assert len(one(inbound_form(NumMedia=count, MediaUrl0="https://x.example/")).attachments) in (1, 10)


def test_a_place() -> None:
    (place,) = one(
        inbound_form(Body="", Latitude="-6.2", Longitude="106.8", Label="Kantor", Address="Jl. 1")
    ).attachments
    assert (place.location.lat, place.location.lon, place.location.name, place.location.address) == (
        -6.2,
        106.8,
        "Kantor",
        "Jl. 1",
    )
    assert one(inbound_form(Latitude="nan", Longitude="1")).attachments == ()
    assert one(inbound_form(Latitude="91", Longitude="1")).attachments == ()


def test_a_button_and_what_it_answers() -> None:
    message = one(inbound_form(Body="", ButtonText="Ya", ButtonPayload="YES", OriginalRepliedMessageSid="MM1"))
    assert (message.text, message.postback.title, message.postback.payload) == ("Ya", "Ya", "YES")
    assert message.reply_to.external_id == "MM1"
    assert one(inbound_form(Body="", ListId="7", ListTitle="Tiga")).postback.source == "list"
    form = one(inbound_form(Body="", MessageType="interactive", InteractiveData='{"pages": []}'))
    assert (form.text, form.postback.source, form.unsupported) == ('{"pages": []}', "form", False)
    assert one(inbound_form(Body="Halo", ButtonText="", ButtonPayload="")).postback is None


def test_where_they_came_from() -> None:
    message = one(
        inbound_form(ReferralSourceUrl="https://fb.example/ad", ReferralHeadline="Promo", ReferralNumMedia="0")
    )
    assert message.referral == {"url": "https://fb.example/ad", "headline": "Promo"}
    assert one(inbound_form(ReferralNumMedia="0")).referral is None


@pytest.mark.parametrize(("word", "kind", "blocked"), [("STOP", "opt_out", True), ("start", "opt_in", False)])
def test_opting_out_is_a_message_and_a_notice(word: str, kind: str, blocked: bool) -> None:
    message, notice = news(inbound_form(Body=word, OptOutType=word))
    assert message.text == word
    assert (type(notice), notice.kind, notice.blocked, notice.conversation) == (Notice, kind, blocked, "+6281311112222")
    assert len(news(inbound_form(Body="HELP", OptOutType="HELP"))) == 1


def test_an_unknown_kind_is_shown() -> None:
    message = one(inbound_form(Body="", MessageType="hologram"))
    assert (message.unsupported, message.unsupported_reason) == (True, "hologram")
    assert one(inbound_form(Body="", MessageType="contacts")).unsupported_reason == "contacts"
    assert not one(inbound_form(Body="", MessageType="text")).unsupported


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("accepted", "accepted"),
        ("queued", "accepted"),
        ("sending", "accepted"),
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("read", "read"),
        ("undelivered", "failed"),
        ("failed", "failed"),
        ("canceled", "failed"),
    ],
)
def test_status_callbacks(status: str, state: str) -> None:
    receipt = one({"MessageSid": "SM1", "MessageStatus": status, "SmsStatus": status, "To": "+6281311112222"})
    assert isinstance(receipt, Receipt)
    assert (receipt.external_id, receipt.state, receipt.recipient) == ("SM1", state, "+6281311112222")
    assert bool(receipt.error) == (state == "failed")


@pytest.mark.parametrize(
    ("code", "category", "permanent"),
    [
        ("21610", "blocked", True), ("30007", "content", True), ("30003", "unknown", True), ("63016", "window", True),
        ("20429", "rate", False), ("63018", "rate", False), ("30002", "auth", True), ("63014", "blocked", True),
        ("21635", "content", True), ("63041", "content", True), ("30500", "unknown", False),
        ("99999", "unknown", True), ("", "unknown", True),
    ],
)  # fmt: skip
def test_error_codes_in_words(code: str, category: str, permanent: bool) -> None:
    error = one({"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": code, "ErrorMessage": "raw"}).error
    assert (error.code, error.category, error.permanent, error.detail) == (code, category, permanent, "raw")
    assert len(error.title) > 10


@pytest.mark.parametrize(
    "form",
    [
        {}, {"Body": "x"}, {"MessageSid": "", "From": "+62"}, {"MessageSid": "SM1"}, {"MessageSid": "SM1", "From": " "},
        {"MessageSid": "SM1", "MessageStatus": "lost"}, [], None,
    ],
)  # fmt: skip
def test_without_its_ids_an_event_is_unreadable(form: Any) -> None:
    with pytest.raises(UnreadableEvent):
        news(form)


# ── Media ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def twilio():
    with FakeTwilio() as fake:
        yield fake


def fetch(twilio: FakeTwilio, url: str, *also: str) -> bytes:
    http = Http.trusting(twilio.url, *also)
    return b"".join(adapter.fetch_media(account(base_url=twilio.url), Remote(url=url), http))


def test_media_are_fetched_with_credentials_from_the_platform(twilio: FakeTwilio) -> None:
    url = twilio.add_media(b"png")
    assert fetch(twilio, url) == b"png"
    assert fetch(twilio, url.replace("https://api.twilio.com", twilio.url)) == b"png"
    with pytest.raises(MediaGone):
        fetch(twilio, url + "-gone")


@pytest.mark.parametrize(
    "host", ["evil-api.twilio.com.evil.example", "api.twilio.com.evil.example", "api.twilio.com@evil.example"]
)
def test_credentials_never_go_to_a_host_named_in_a_payload(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(Http, "media", lambda self, url, **more: asked.update(url=url, **more) or iter(()))
    adapter.fetch_media(account(), Remote(url=f"https://{host}/x"), Http())
    assert asked["auth"] is None


def test_credentials_never_go_past_a_redirect(twilio: FakeTwilio) -> None:
    with FakePlatform() as cdn:
        cdn.always(body=b"png")
        twilio.will(redirect=f"{cdn.url}/signed")
        assert fetch(twilio, twilio.add_media(b""), cdn.url) == b"png"
        assert "authorization" in twilio.requests[0].headers
        assert "authorization" not in cdn.requests[0].headers
        fetch(twilio, f"{cdn.url}/named-in-payload", cdn.url)
        assert "authorization" not in cdn.requests[1].headers


# ── Out ──────────────────────────────────────────────────────────────────────────────────────

FILE = OutboundAttachment(
    kind="image", mime="image/png", filename="a.png", size=3, url="https://hub/a?sig=1", open=lambda: b"png"
)


def send(twilio: FakeTwilio, to: str = "+6281311112222", text: str = "Halo", **settings: str):
    message = OutboundMessage(key="41", to=to, text=text, attachments=(FILE,) if "file" in text else ())
    return adapter.send(account(base_url=twilio.url, **settings), message, Http.trusting(twilio.url))


def test_a_reply_is_sent(twilio: FakeTwilio) -> None:
    sent = send(twilio, text="ก็ & file")
    (message,) = twilio.messages
    assert (sent.external_id, sent.state) == (message["sid"], "accepted")
    assert (message["to"], message["from"], message["body"]) == ("+6281311112222", OUR_NUMBER, "ก็ & file")
    assert (message["media"], message["status_callback"]) == (["https://hub/a?sig=1"], URL)


def test_a_messaging_service_and_whatsapp(twilio: FakeTwilio) -> None:
    send(twilio, from_number="MG" + "0" * 32)
    assert twilio.requests[0].form["MessagingServiceSid"] == ["MG" + "0" * 32]
    assert "From" not in twilio.requests[0].form
    send(twilio, to="whatsapp:+6281311112222")
    assert twilio.messages[1]["from"] == f"whatsapp:{OUR_NUMBER}"


def test_of_two_tokens_the_first_is_used(twilio: FakeTwilio) -> None:
    send(twilio, auth_token=f"{AUTH_TOKEN} the-old-one")


@pytest.mark.parametrize(
    ("to", "code", "category", "permanent"),
    [
        ("+15005550001", "21211", "content", True), ("+15005550009", "21614", "content", True),
        ("+15005550004", "21610", "blocked", True), ("+15005550003", "21408", "auth", True),
        ("+15005550002", "21612", "content", True), ("+15005550029", "20429", "rate", False),
    ],
)  # fmt: skip
def test_magic_numbers_fail_in_words(twilio: FakeTwilio, to: str, code: str, category: str, permanent: bool) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        send(twilio, to)
    failure = caught.value
    assert (failure.code, failure.category, failure.permanent) == (code, category, permanent)
    assert failure.detail
    assert failure.retry_after == (3 if category == "rate" else None)


@pytest.mark.parametrize(
    ("trouble", "category", "permanent"),
    [
        ({"status": 500}, "unknown", False), ({"status": 429, "headers": {"Retry-After": "9"}}, "rate", False),
        ({"drop": True}, "unconfirmed", False), ({"hang": True}, "unconfirmed", False),
        ({"status": 201, "json": {"sid": "SM1", "status": "failed", "error_code": 30003}}, "unknown", True),
        ({"status": 401, "body": "no json"}, "auth", True),
    ],
)  # fmt: skip
def test_what_goes_wrong(
    twilio: FakeTwilio, trouble: dict, category: str, permanent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "SEND_SECONDS", 0.5)
    twilio.will(**trouble)
    with pytest.raises(DeliveryFailed) as caught:
        send(twilio)
    assert (caught.value.category, caught.value.permanent) == (category, permanent)


def test_a_wrong_token_is_said_so(twilio: FakeTwilio) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        send(twilio, auth_token="wrong")
    assert (caught.value.code, caught.value.category) == ("20003", "auth")


def test_stub_mode_sends_nothing(twilio: FakeTwilio) -> None:
    sent = send(twilio, mode="stub", account_sid="", auth_token="")
    assert (sent.external_id, sent.state) == ("STUB41", "sent")
    assert twilio.requests == []


def test_without_settings_nothing_is_tried(twilio: FakeTwilio) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        send(twilio, account_sid="")
    assert caught.value.permanent
    assert twilio.requests == []


def test_an_account_sid_cannot_leave_its_path(twilio: FakeTwilio) -> None:
    with pytest.raises(DeliveryFailed):
        send(twilio, account_sid="../../x?y#")
    assert twilio.requests[0].path == f"/2010-04-01/Accounts/{quote_plus('../../x?y#')}/Messages.json"


# ── Length, addresses, set-up ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "encoding", "segments", "remaining"),
    [
        ("", "GSM-7", 0, 160), ("a" * 160, "GSM-7", 1, 0), ("a" * 161, "GSM-7", 2, 145), ("a" * 306, "GSM-7", 2, 0),
        ("€" * 80, "GSM-7", 1, 0), ("€" * 81, "GSM-7", 2, 143), ("a" * 152 + "€" * 5, "GSM-7", 2, 143),
        ("ก" * 70, "UCS-2", 1, 0), ("ก" * 71, "UCS-2", 2, 63), ("ก" * 134, "UCS-2", 2, 0), ("ก" * 135, "UCS-2", 3, 66),
        ("😀" * 35, "UCS-2", 1, 0), ("😀" * 36, "UCS-2", 2, 61), ("a" * 69 + "’", "UCS-2", 1, 0),
        ("[x]\n", "GSM-7", 1, 154),
    ],
)  # fmt: skip
def test_segments(text: str, encoding: str, segments: int, remaining: int) -> None:
    measured = adapter.measure(account(), text)
    assert (measured.encoding, measured.segments, measured.remaining_in_segment) == (encoding, segments, remaining)
    assert (measured.length, measured.limit) == (len(text), 1600)


def test_a_long_reply_is_split_where_it_is_natural() -> None:
    able = adapter.abilities(account(), Conversation(external_id="x"), datetime.now(UTC))
    parts = adapter.split(OutboundMessage(key="1", to="x", text="kata " * 700, attachments=(FILE,)), able)
    assert [len(part.text) <= 1600 for part in parts] == [True] * 3
    assert [len(part.attachments) for part in parts] == [1, 0, 0]
    assert " ".join(part.text for part in parts).split() == ["kata"] * 700


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("0813-1111-2222", "+6281311112222"), ("+62 813 1111 2222", "+6281311112222"),
        ("whatsapp:+6281311112222", "whatsapp:+6281311112222"), ("+66812345678", "+66812345678"),
    ],
)  # fmt: skip
def test_addresses_have_one_spelling(given: str, expected: str) -> None:
    assert adapter.normalise_address(account(), given) == expected


@pytest.mark.parametrize("given", ["", "Dora", "12", "+", "+999999999999999999", "dora@example.com"])
def test_what_is_no_number_is_no_address(given: str) -> None:
    with pytest.raises(ValueError):
        adapter.normalise_address(account(), given)


def test_settings_that_cannot_work_are_said_so() -> None:
    adapter.check_settings(account().settings)
    adapter.check_settings({"mode": "stub"})
    for odd in ({"auth_token": ""}, {"from_number": "?!"}, {"auth_token": "a b c"}, {"account_sid": ""}):
        with pytest.raises(SettingsInvalid) as caught:
            adapter.check_settings({**account().settings, **odd})
        assert list(caught.value.errors) == list(odd)


def test_the_live_check_says_what_works(twilio: FakeTwilio) -> None:
    http = Http.trusting(twilio.url)
    assert [line.ok for line in adapter.check(account(base_url=twilio.url), http)] == [True]
    assert [line.ok for line in adapter.check(account(base_url=twilio.url, auth_token="x"), http)] == [False]
    twilio.will(json={"status": "suspended"})
    assert [line.ok for line in adapter.check(account(base_url=twilio.url), http)] == [False]
    assert [line.ok for line in adapter.check(account(mode="stub"), http)] == [True]


def test_the_error_codes_that_matter_have_words() -> None:
    for code in [
        "21610",
        "21211",
        "21614",
        "21408",
        "30003",
        "30005",
        "30006",
        "30007",
        "30008",
        "30034",
        "63016",
        "20429",
        "20003",
    ]:
        assert ERRORS[code][0]
    assert json.dumps([words for words, _category, _permanent in ERRORS.values()])
