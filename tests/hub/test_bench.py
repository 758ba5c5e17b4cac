"""The benchmark's own parts: its data, its wire and its table. Its figures are nobody's test."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from channels_app.adapters.webhook import WebhookAdapter
from channels_app.contract import Account, InboundRequest
from hub.bench import data, product, report, text, wire
from hub.stamp import BASE_DIR
from tests.hub.conftest import Web

TICKETS = 10_000


def test_both_sizes_have_the_same_desk() -> None:
    desk = data.Desk(TICKETS, datetime.now(UTC))
    columns, rows = desk.rows("tickets_ticket")
    tickets = [dict(zip(columns, row, strict=True)) for row in rows]
    unresolved = [ticket for ticket in tickets if ticket["status"] != "resolved"]
    assert len(unresolved) == data.UNRESOLVED
    assert len({ticket["address_id"] for ticket in unresolved}) == data.UNRESOLVED
    assert sum(ticket["team_id"] == data.SMALL_TEAM for ticket in tickets) == TICKETS // 100
    assert {ticket["team_id"] for ticket in tickets} == {None, *range(1, data.TEAMS + 1)}


def test_messages_take_turns_and_each_ticket_knows_its_newest() -> None:
    assert [data.place(data.message_id(ticket, turn)) for ticket in (1, 100, 101) for turn in (0, 9)] == [
        (ticket, turn) for ticket in (1, 100, 101) for turn in (0, 9)
    ]
    desk = data.Desk(TICKETS, datetime.now(UTC))
    columns, rows = desk.rows("tickets_message")
    messages = [dict(zip(columns, row, strict=True)) for row in rows]
    assert [message["id"] for message in messages] == list(range(1, TICKETS * data.EACH + 1))
    texts = [message["text"] for message in messages]
    for words, least, most in ((text.COMMON, 0.03, 0.15), (text.RARE, 0.00001, 0.001), (text.ABSENT, 0, 0)):
        for word in words.values():
            assert least <= sum(word in said for said in texts) / len(texts) <= most, word


def test_the_load_generator_signs_truly() -> None:
    (request,) = wire.signed_posts(8000, 1, data.SECRET, iter([wire.message("m-1", 7)]))
    head, _, body = request.partition(b"\r\n\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
    headers["webhook-signature"] = head.decode().partition("webhook-signature: ")[2].partition("\r\n")[0]
    account = Account(id=1, kind="webhook", name="", settings={"secret": data.SECRET}, webhook_url="")
    WebhookAdapter().verify(account, InboundRequest(method="POST", url="", headers=headers, body=body))


def test_the_wire_speaks_http_and_websocket(web: Web) -> None:
    async def talk() -> tuple[int, list[bytes]]:
        connection = await wire.Http.connect(web.port)
        status = await connection.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        heard: list[bytes] = []
        ear = await wire.Ear.connect(web.port, "/ws/chatter/", "", heard.append)
        ear.say("hello")
        await asyncio.sleep(0.2)
        ear.close()
        return status, heard

    status, _heard = asyncio.run(talk())
    assert status == 200


def test_a_row_that_does_not_exist_is_refused() -> None:
    done = subprocess.run([sys.executable, "-m", "hub.bench", "nonsense"], cwd=BASE_DIR, capture_output=True, text=True)
    assert (done.returncode, "ingest, live, routing, inbox, start" in done.stderr) == (2, True)


def test_a_small_desk_is_filled_once_and_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product, "FOLDER", tmp_path)
    desk = product.Backend("embedded").desk("tiny")
    facts = desk.inside("data", "2000")
    assert desk.inside("data", "2000")["words"] == facts["words"]
    assert desk.inside("data", "3000") is None
    floor = desk.inside("floor", "20")
    assert floor["rate"] > 0
    assert floor["statements"] <= 12
    headers = f"Authorization: Bearer {facts['small']}"
    asked = [
        f"GET /api/v1/tickets/?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n\r\n"
        for query in ("", "q=kecombrang")
    ]
    assert all(0 < statements <= 8 for statements, _seconds in desk.inside("statements", told=asked))


def test_a_figure_that_misses_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    table = report.Table("สวัสดี")
    table.add("fine", 0.5, "s", most=1)
    table.add("missed", 12345.6, least=20_000)
    table.show()
    shown = capsys.readouterr().out
    assert table.failed == 1
    assert "0.5 s" in shown
    assert "≥ 20,000  MISSED" in shown
    assert json.dumps(report.percentile([3, 1, 2], 0.5)) == "2"
