"""Messages through the API: reading, answering once, sending again."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import Agent
from channels_app.models import Channel
from tests.api.asserts import at_once, problem, said
from tests.conftest import Api, Customer
from tickets import lifecycle, media
from tickets.models import Actor, Message, Ticket
from tickets.models.activity import newest


@pytest.fixture
def as_bea(bea: Agent) -> Api:
    return Api(bea)


def path(ticket: Ticket) -> str:
    return f"/tickets/{ticket.pk}/messages/"


def test_oldest_first(as_bea: Api, ticket: Ticket, dora: Customer) -> None:
    for number in range(4):
        dora.writes(f"Nomor {number}")
    page = as_bea.get(path(ticket) + "?limit=3")
    texts = [row["text"] for row in page["results"]]
    assert texts == ["Halo, pesanan saya di mana?", "Nomor 0", "Nomor 1"]
    rest = as_bea.get(page["next"].removeprefix("http://testserver/api/v1"))
    assert [row["text"] for row in rest["results"]] == ["Nomor 2", "Nomor 3"]
    assert rest["next"] is None
    back = as_bea.get(rest["previous"].removeprefix("http://testserver/api/v1"))
    assert back["results"] == page["results"]


def test_a_constant_number_of_statements(
    as_bea: Api, ticket: Ticket, dora: Customer, django_assert_max_num_queries: Any
) -> None:
    as_bea.get(path(ticket))
    with django_assert_max_num_queries(8) as few:
        as_bea.get(path(ticket))
    for number in range(9):
        dora.writes(f"Nomor {number}", attachments=[{"url": "https://shop.example/a.png", "mime": "image/png"}])
        said(as_bea("POST", path(ticket), {"text": "Ya", "kind": "note"}), 201)
    with django_assert_max_num_queries(8) as lots:
        as_bea.get(path(ticket))
    assert len(lots) == len(few)


def test_find_one(as_bea: Api, carl: Agent, ticket: Ticket, webhook_channel: Channel) -> None:
    found = f"/messages/?channel={webhook_channel.pk}&external_id=m-first"
    for query in (found, f"{found}&direction=in", "/messages/?external_id=m-first"):
        assert [row["ticket"] for row in as_bea.get(query)["results"]] == [ticket.pk]
    for query in (
        f"{found}&direction=out",
        "/messages/?external_id=other",
        f"/messages/?channel={10**6}&external_id=m-first",
    ):
        assert as_bea.get(query)["results"] == []
    assert Api(carl).get(found)["results"] == []
    for query in ("/messages/", "/messages/?channel=1", f"{found}&direction=up", "/messages/?channel=x&external_id=1"):
        problem(as_bea("GET", query), 400)


def test_an_id_longer_than_its_column_is_found(as_bea: Api, dora: Customer) -> None:
    long = "m" * 900
    dora.sends({"type": "message", "id": long, "sender": dora.sender, "text": "Hai"})
    assert len(as_bea.get(f"/messages/?external_id={long}")["results"]) == 1


def test_one_message(as_bea: Api, carl: Agent, ticket: Ticket) -> None:
    message = ticket.messages.get()
    row = as_bea.get(f"/messages/{message.pk}/")
    assert (row["direction"], row["status"], row["external_id"]) == ("in", "received", "m-first")
    assert row["author"]["address"] == "u-dora"
    problem(Api(carl)("GET", f"/messages/{message.pk}/"), 404)


# ── Answering ────────────────────────────────────────────────────────────────────────────────


def test_reply_and_note(as_bea: Api, bea: Agent, ticket: Ticket) -> None:
    reply = said(
        as_bea("POST", path(ticket), {"text": "Sedang dikirim\x00.", "reply_to": ticket.messages.get().pk}), 201
    )
    assert (reply["direction"], reply["status"], reply["text"]) == ("out", "queued", "Sedang dikirim\ufffd.")
    assert reply["author"] == {"type": "agent", "id": bea.pk, "name": "Bea", "address": None}
    assert reply["reply_to"] == ticket.messages.get(direction="in").pk
    note = said(as_bea("POST", path(ticket), {"text": "Cek gudang", "kind": "note"}), 201)
    assert (note["direction"], note["status"]) == ("note", "sent")


def test_lone_surrogates_and_emoji(as_bea: Api, ticket: Ticket) -> None:
    client = as_bea
    body = b'{"text": "a\\ud800b \\ud83d\\ude00 \\u0000"}'
    response: Any = client.client.post(
        "/api/v1" + path(ticket), body, content_type="application/json", headers=client.headers
    )
    assert said(response, 201)["text"] == "a\ufffdb 😀 \ufffd"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": " \n "},
        {"text": None},
        {"text": 7},
        {"text": ["x"]},
        {"text": "x", "kind": "shout"},
        {"text": "x", "kind": None},
        {"text": "x", "seen": "x"},
        {"text": "x", "seen": True},
        {"text": "x", "seen": 10**30},
        {"text": "x", "seen": {}},
        {"text": "x", "attachments": 7},
        {"text": "x", "attachments": ["x"]},
        {"text": "x", "attachments": [10**6]},
        {"text": "x", "attachments": [10**30]},
        {"text": "x", "attachments": [None]},
        {"text": "x", "attachments": list(range(1, 60))},
        {"text": "x", "reply_to": 10**6},
        {"text": "x", "reply_to": "x"},
        {"text": "x", "nonsense": 1},
        {"text": "x" * (1024 * 1024 + 1)},
    ],
)
def test_answers_that_are_refused(as_bea: Api, ticket: Ticket, body: dict[str, Any]) -> None:
    problem(as_bea("POST", path(ticket), body), 400)
    assert ticket.messages.count() == 1


def test_a_message_of_another_ticket_cannot_be_answered(as_bea: Api, ticket: Ticket, eka: Customer) -> None:
    problem(as_bea("POST", path(ticket), {"text": "x", "reply_to": eka.writes("Hai").pk}), 400)


def test_text_of_a_megabyte(as_bea: Api, ticket: Ticket) -> None:
    assert (
        len(said(as_bea("POST", path(ticket), {"text": "é" * (512 * 1024), "kind": "note"}), 201)["text"]) == 512 * 1024
    )


def test_the_same_key_gives_the_same_message(as_bea: Api, ana: Agent, ticket: Ticket) -> None:
    first = said(as_bea("POST", path(ticket), {"text": "Ya", "seen": 0 + ticket.seq}, idempotency_key="k-1"), 201)
    # Also when something new arrived: the key is looked up before “seen”.
    again = said(as_bea("POST", path(ticket), {"text": "Ya", "seen": 0}, idempotency_key="k-1"), 200)
    assert again["id"] == first["id"]
    problem(as_bea("POST", path(ticket), {"text": "Tidak"}, idempotency_key="k-1"), 422)
    assert said(Api(ana)("POST", path(ticket), {"text": "Tidak"}, idempotency_key="k-1"), 201)["id"] != first["id"]
    problem(as_bea("POST", path(ticket), {"text": "Ya"}, idempotency_key="k" * 256), 400)
    said(as_bea("POST", path(ticket), {"text": "Ya"}, idempotency_key="k" * 255), 201)
    assert Message.objects.filter(direction="out").count() == 3


def test_an_answer_against_an_older_state(as_bea: Api, ana: Agent, ticket: Ticket, dora: Customer) -> None:
    seen = newest()
    dora.writes("Tolong batalkan saja!")
    stale = problem(as_bea("POST", path(ticket), {"text": "Sudah dikirim", "seen": seen}), 409)
    assert stale["seq"] == newest()
    assert [(line["type"], line["data"]["text"]) for line in stale["new"]] == [
        ("message.added", "Tolong batalkan saja!")
    ]
    # A note is never stale, one's own deeds make nothing stale, and without “seen” nothing is checked.
    said(as_bea("POST", path(ticket), {"text": "Batal?", "seen": seen, "kind": "note"}), 201)
    said(as_bea("POST", path(ticket), {"text": "Baik", "seen": stale["seq"]}), 201)
    lifecycle.resolve(ticket.pk, Actor.of(ana))
    resolved = problem(as_bea("POST", path(ticket), {"text": "Oke", "seen": stale["seq"]}), 409)
    assert [(line["type"], line["data"]["status"]) for line in resolved["new"]] == [("ticket.resolved", "resolved")]
    said(as_bea("POST", path(ticket), {"text": "Oke"}), 201)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_with_the_same_seen(bea: Agent, ana: Agent, ticket: Ticket) -> None:
    answers = at_once(
        [(Api(agent), {"text": f"Dari {agent.name}", "seen": ticket.seq}, {}) for agent in (bea, ana)], path(ticket)
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]


@pytest.mark.django_db(transaction=True)
def test_one_key_in_parallel(bea: Agent, ticket: Ticket) -> None:
    api = Api(bea)
    answers = at_once([(api, {"text": "Ya"}, {"idempotency_key": "k"})] * 4, path(ticket))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_what_the_channel_cannot_carry(as_bea: Api, sandbox_channel: Channel) -> None:
    row = said(as_bea("POST", "/tickets/", {"channel": sandbox_channel.pk, "to": "u-1", "text": "Halo"}), 201)
    refused = problem(as_bea("POST", f"/tickets/{row['number']}/messages/", {"text": "x" * 5000}), 400)
    assert "4000" in refused["detail"]


# ── Sending again ────────────────────────────────────────────────────────────────────────────


def test_retry(as_bea: Api, carl: Agent, ticket: Ticket) -> None:
    message = said(as_bea("POST", path(ticket), {"text": "Ya"}), 201)
    again = f"/messages/{message['id']}/retry/"
    problem(as_bea("POST", again), 409)
    Message.objects.filter(pk=message["id"]).update(status="failed", next_attempt_at=None)
    problem(Api(carl)("POST", again), 404)
    assert said(as_bea("POST", again), 202)["status"] == "queued"
    problem(as_bea("POST", again), 409)
    problem(as_bea("POST", f"/messages/{ticket.messages.get(direction='in').pk}/retry/"), 409)
    problem(as_bea("POST", "/messages/999999/retry/"), 404)


def test_a_file_is_sent_by_its_uploader_alone(as_bea: Api, bea: Agent, ana: Agent, ticket: Ticket) -> None:
    from django.core.files.base import ContentFile

    row = media.upload(bea, ContentFile(b"\x89PNG\r\n\x1a\n" + b"0" * 60), "struk.png", "image/png")
    problem(Api(ana)("POST", path(ticket), {"text": "x", "attachments": [row.pk]}), 400)
    message = said(as_bea("POST", path(ticket), {"attachments": [row.pk]}), 201)
    assert [(file["filename"], file["kind"], file["state"]) for file in message["attachments"]] == [
        ("struk.png", "image", "stored")
    ]
    problem(as_bea("POST", path(ticket), {"text": "x", "attachments": [row.pk]}), 400)
