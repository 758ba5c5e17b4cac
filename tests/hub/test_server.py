"""The web process from outside: what it bounds, what it streams, how it ends."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import socket
import threading
import time

import httpx
import pytest
import websockets

from tests.hub.conftest import Web, answers, eventually, start

MIB = 1024 * 1024


def test_body_and_query_arrive_as_sent(web: Web) -> None:
    found = httpx.post(f"{web.url}/webhooks/echo/?a=%20b&a=c", content=b"x" * 3_000_000).json()
    assert (found["size"], found["uri"]) == (3_000_000, "/webhooks/echo/?a=%20b&a=c")


def test_chunked_form_is_read(web: Web) -> None:
    body = iter([b"text=", b"halo"])
    found = httpx.post(
        f"{web.url}/webhooks/echo/", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
    ).json()
    assert found["form"] == {"text": "halo"}


def test_malformed_multipart_is_the_views_business(web: Web) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert httpx.post(f"{web.url}/webhooks/echo/", content=b"nonsense", headers=headers).status_code == 200


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_body_over_48_mib_is_refused_and_not_kept(web: Web, chunked: bool) -> None:
    before = web.memory()
    content = iter([b"x" * MIB] * 60) if chunked else b"x" * (60 * MIB)
    answer = httpx.post(f"{web.url}/webhooks/echo/", content=content, timeout=120)
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert web.memory() - before < 20 * MIB


def test_declared_2_gb_are_refused_before_a_byte_of_them(web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=60) as sender:
        sender.sendall(b"POST /webhooks/echo/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000000\r\n\r\n")
        assert sender.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_line_that_is_too_long_is_answered(web: Web) -> None:
    answer = httpx.get(f"{web.url}/healthz?q={'x' * 60_000}", timeout=120)
    assert (answer.status_code, answer.headers["content-type"]) == (431, "application/problem+json")
    assert httpx.get(f"{web.url}/healthz?q={'x' * 15_000}", timeout=120).status_code == 200


def test_many_clients_at_once(web: Web) -> None:
    async def post(client: httpx.AsyncClient, size: int) -> int:
        return int((await client.post(f"{web.url}/webhooks/echo/", content=b"x" * size)).json()["size"])

    async def all_of_them() -> list[int]:
        async with httpx.AsyncClient() as client:
            return await asyncio.gather(*(post(client, size) for size in range(64)))

    assert asyncio.run(all_of_them()) == list(range(64))


def test_file_is_streamed_whole(web: Web) -> None:
    content = os.urandom(5 * MIB)
    (web.var / "large").write_bytes(content)
    assert httpx.get(f"{web.url}/file").content == content


def test_reader_who_stops_costs_little_and_his_leaving_closes_the_answer(web: Web) -> None:
    (web.var / "closed").unlink(missing_ok=True)
    before = web.memory()
    with socket.create_connection(("127.0.0.1", web.port)) as reader:
        reader.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(1.5)
        assert web.memory() - before < 20 * MIB
        assert not (web.var / "closed").exists()
    eventually((web.var / "closed").exists)


def test_idle_readers_do_not_take_the_threads(web: Web) -> None:
    """Twenty downloads that nobody reads, and everybody else is served as ever."""
    (web.var / "large").write_bytes(b"x" * 20 * MIB)
    readers = [socket.create_connection(("127.0.0.1", web.port)) for _ in range(20)]
    for reader in readers:
        reader.sendall(b"GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n")
    time.sleep(0.3)
    assert answers(f"{web.url}/healthz")
    for reader in readers:
        reader.close()


def test_a_broken_view_is_a_500_and_no_more(web: Web) -> None:
    assert httpx.get(f"{web.url}/broken").status_code == 500
    assert answers(f"{web.url}/healthz")


def test_head_has_no_body(web: Web) -> None:
    answer = httpx.head(f"{web.url}/healthz")
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "2", b"")


def test_ready_once_the_worker_beats(web: Web) -> None:
    eventually(lambda: httpx.get(f"{web.url}/readyz").status_code == 200)
    assert httpx.get(f"{web.url}/readyz").json() == {"database": "ok", "redis": "ok", "worker": "ok"}


def test_a_health_check_need_not_know_the_host_name(web: Web) -> None:
    assert httpx.get(f"{web.url}/healthz", headers={"host": "10.1.2.3"}).status_code == 200


def test_message_over_64_kib_closes_1009(web: Web) -> None:
    async def talk() -> int | None:
        async with websockets.connect(web.sockets) as live:
            await live.send("x" * 64 * 1024)
            assert await live.recv() == str(64 * 1024)
            await live.send("x" * (64 * 1024 + 1))
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await live.recv()
            return closed.value.rcvd.code if closed.value.rcvd else None

    assert asyncio.run(talk()) == 1009


@pytest.mark.parametrize("size", [1, 125, 126, 65_535, 65_536, 3_000_000])
def test_our_own_frames_may_be_of_any_size(web: Web, size: int) -> None:
    async def talk() -> int:
        async with websockets.connect(web.sockets, max_size=None) as live:
            await live.send(f"burst 1 {size}")
            return len(await live.recv())

    assert asyncio.run(talk()) == size


def test_who_waits_for_the_reader_may_send_any_amount(web: Web) -> None:
    """A long catch-up: 20 MB to a browser that takes its time."""

    async def talk() -> int:
        async with websockets.connect(web.sockets, max_queue=1) as live:
            await live.send("flow 200 100000")
            got = 0
            for turn in range(200):
                got += len(await live.recv())
                await asyncio.sleep(0.02 if turn < 20 else 0)
            return got

    assert asyncio.run(talk()) == 20_000_000


def test_no_deflate(web: Web) -> None:
    async def talk() -> list[object]:
        async with websockets.connect(web.sockets) as live:
            return list(live.protocol.extensions)

    assert asyncio.run(talk()) == []


def test_unknown_socket_path_is_403(web: Web) -> None:
    async def talk() -> int:
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(f"ws://127.0.0.1:{web.port}/ws/nowhere/")
        return refused.value.response.status_code

    assert asyncio.run(talk()) == 403


def test_socket_that_reads_slowly_but_reads_keeps_all(web: Web) -> None:
    async def talk() -> int:
        async with websockets.connect(web.sockets, max_queue=1) as live:
            await live.send("burst 90 10000")
            got = 0
            for _ in range(90):
                got += len(await live.recv())
                await asyncio.sleep(0.005)
            return got

    assert asyncio.run(talk()) == 900_000


def test_socket_that_never_reads_is_cut_and_costs_little(web: Web) -> None:
    before = web.memory()
    with never_reading(web.port) as reader:
        began = time.monotonic()
        eventually(lambda: cut(reader))
        assert time.monotonic() - began > 3
    assert web.memory() - before < 20 * MIB
    assert answers(f"{web.url}/healthz")


def test_socket_that_reads_again_in_time_finds_4408(web: Web) -> None:
    # "In time" is after the server has noticed and before it cuts the line; a slow machine notices later.
    assert any(finds_4408(web.port, wait) for wait in (1.5, 3, 1, 4, 2))


def finds_4408(port: int, wait: float) -> bool:
    seen = b""
    with never_reading(port) as reader:
        time.sleep(wait)
        reader.settimeout(20)
        try:
            while piece := reader.recv(1 << 20):
                seen = (seen + piece)[-20:]
                # 0x88: a close frame of two bytes, the code.
                if seen.endswith(b"\x88\x02" + (4408).to_bytes(2, "big")):
                    return True
        except OSError:
            return False
    return False


def never_reading(port: int) -> socket.socket:
    reader = socket.create_connection(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16))
    reader.sendall(
        b"GET /ws/chatter/ HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
    )
    reader.recv(1000)
    text = b"burst 20000 10000"
    reader.sendall(bytes([0x81, 0x80 | len(text)]) + bytes(4) + text)
    return reader


def cut(reader: socket.socket) -> bool:
    """Aborted: writing to it fails. Reading would let the rest of its data through."""
    try:
        reader.sendall(b"\x8a\x80\0\0\0\0")
    except OSError:
        return True
    return False


def test_sigterm_finishes_what_is_under_way(tmp_path) -> None:
    running = start(tmp_path)
    got: list[str] = []
    client = threading.Thread(target=lambda: got.append(httpx.get(f"{running.url}/slow", timeout=120).text))
    client.start()
    eventually((tmp_path / "under-way").exists)
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(120) == 0
    client.join()
    assert got == ["done"]


def test_sigterm_waits_for_what_is_not_read_yet(tmp_path) -> None:
    """The answer is given, more than the kernel's buffers hold, and the client takes its time."""
    running = start(tmp_path)
    with socket.create_connection(("127.0.0.1", running.port), timeout=120) as client:
        client.sendall(b"GET /slow?times=8000000 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        eventually((tmp_path / "under-way").exists)
        running.process.send_signal(signal.SIGTERM)
        size = len(client.recv(1))
        time.sleep(0.5)
        while piece := client.recv(1 << 20):
            size += len(piece)
    assert size > 32_000_000
    assert running.process.wait(120) == 0


def test_sockets_are_told_to_come_back(tmp_path) -> None:
    running = start(tmp_path)

    async def talk() -> int | None:
        async with websockets.connect(running.sockets) as live:
            running.process.send_signal(signal.SIGTERM)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await live.recv()
            return closed.value.rcvd.code if closed.value.rcvd else None

    assert asyncio.run(talk()) == 1001
    assert running.process.wait(120) == 0
