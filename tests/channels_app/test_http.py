"""The client that stands between a stranger's URL and our own network."""

from __future__ import annotations

import gzip
import ipaddress
import ssl
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from channels_app import http as http_module
from channels_app import wire
from channels_app.contract import MediaGone, MediaNotReady
from channels_app.http import (
    Blocked,
    Http,
    HttpError,
    Refused,
    Response,
    TooLarge,
    Unanswered,
    failure_from,
    origin,
    retry_after,
)
from channels_app.wire import is_public, lookup
from tests.platforms import FakePlatform


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    with FakePlatform() as fake:
        yield fake


@pytest.fixture
def other() -> Iterator[FakePlatform]:
    with FakePlatform() as fake:
        yield fake


@pytest.fixture
def http(platform: FakePlatform) -> Http:
    return Http.trusting(platform.url)


# ── Asking and answering ─────────────────────────────────────────────────────────────────────


def test_a_request_and_its_answer(platform: FakePlatform, http: Http) -> None:
    platform.will(201, json={"id": "x"}, headers={"X-Quota": "7"})
    answer = http.request("POST", f"{platform.url}/send?a=1", json={"text": "สวัสดี"}, headers={"X-Key": "k"})
    assert (answer.status, answer.ok, answer.json(), answer.headers["x-quota"]) == (201, True, {"id": "x"}, "7")
    got = platform.requests[0]
    assert (got.method, got.path, got.query, got.json) == ("POST", "/send", {"a": ["1"]}, {"text": "สวัสดี"})
    assert got.headers["x-key"] == "k"


def test_forms_files_and_basic_auth(platform: FakePlatform, http: Http) -> None:
    http.request("POST", platform.url, data={"To": "+62", "MediaUrl": ["a", "b"]}, auth=("sid", "ไทย"))
    assert platform.requests[0].form == {"To": ["+62"], "MediaUrl": ["a", "b"]}
    assert platform.requests[0].headers["authorization"].startswith("Basic ")
    http.request("POST", platform.url, data={"chat": "1"}, files={"photo": ("a.png", b"PNG", "image/png")})
    assert b"PNG" in platform.requests[1].body


def test_an_answer_that_is_no_json_has_none(platform: FakePlatform, http: Http) -> None:
    for body in (b"<html>", b"\xff", b"[" * 5000, b'"text"', b""):
        platform.will(body=body)
        assert http.request("GET", platform.url).json_object() == {}


def test_nothing_of_the_environment_redirects_our_requests(
    platform: FakePlatform, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert http.request("GET", platform.url).ok


def test_cookies_are_not_kept(platform: FakePlatform, http: Http) -> None:
    platform.will(headers={"Set-Cookie": "a=1"})
    http.request("GET", platform.url)
    http.request("GET", platform.url)
    assert "cookie" not in platform.requests[1].headers


# ── Whether a request went out decides whether it may be repeated ────────────────────────────


def test_a_refused_connection_is_safe_to_repeat() -> None:
    with FakePlatform() as gone:
        url = gone.url
    with pytest.raises(Refused):
        Http.trusting(url).request("POST", url)


def test_a_name_that_does_not_exist_is_safe_to_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_name(host: str, port: int) -> wire.Found:
        raise OSError("no such name")

    monkeypatch.setattr(wire, "lookup", no_such_name)
    with pytest.raises(Refused):
        Http().request("POST", "http://nowhere.example/")


def test_a_name_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(host: str, port: int) -> wire.Found:
        time.sleep(3)
        return []

    monkeypatch.setattr(wire, "lookup", slow)
    started = time.monotonic()
    with pytest.raises(Refused):
        Http().request("POST", "http://slow.example/", timeout=0.3)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "trouble",
    [
        {"hang": True},
        {"drop": True},
        {"body": b"x" * 1000, "trickle": 0.05},
        {"body": b"half", "drop_after": 2},
        {"body": b"not gzip", "headers": {"Content-Encoding": "gzip"}},
    ],
)
def test_no_whole_answer_after_sending_is_unconfirmed(platform: FakePlatform, http: Http, trouble: dict) -> None:
    platform.will(**trouble)
    started = time.monotonic()
    with pytest.raises(Unanswered):
        http.request("POST", platform.url, timeout=0.5)
    assert time.monotonic() - started < 3, "a trickle must not stretch the deadline"


def test_a_server_that_never_takes_the_body_is_given_up(http: Http) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        with pytest.raises(Unanswered):
            Http.trusting(url).request("POST", url, content=b"x" * 50_000_000, timeout=0.5)


def test_tls_without_tls_never_went_out(platform: FakePlatform) -> None:
    url = platform.url.replace("http:", "https:")
    with pytest.raises(Refused):
        Http.trusting(url).request("POST", url, timeout=2)
    assert platform.requests == []


# ── Size ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("trouble", [{"endless": True}, {"headers": {"Content-Length": "2147483648"}}])
def test_an_endless_answer_is_cut(platform: FakePlatform, http: Http, trouble: dict) -> None:
    platform.will(**trouble)
    with pytest.raises(TooLarge) as caught:
        http.request("GET", platform.url)
    assert caught.value.status == 200
    platform.will(**trouble)
    with pytest.raises(TooLarge), http.stream(platform.url, max_bytes=100_000) as download:
        for _chunk in download:
            pass


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_a_decompression_bomb_is_cut(platform: FakePlatform, http: Http, pack) -> None:
    encoding = "gzip" if pack is gzip.compress else "deflate"
    platform.will(body=pack(b"\0" * 50_000_000), headers={"Content-Encoding": encoding})
    with pytest.raises(TooLarge):
        http.request("GET", platform.url)
    platform.will(body=pack(b"fine" * 100_000), headers={"Content-Encoding": encoding})
    assert http.request("GET", platform.url).body == b"fine" * 100_000


def test_a_stream_comes_in_chunks_with_its_name_and_type(platform: FakePlatform, http: Http) -> None:
    disposition = "attachment; filename*=UTF-8''%2Fetc%2Fbukti%20transfer.pdf"
    headers = {"Content-Type": "Application/PDF; x=y", "Content-Disposition": disposition}
    platform.will(body=b"x" * 300_000, headers=headers)
    with http.stream(platform.url) as download:
        assert (download.status, download.content_type) == (200, "application/pdf")
        assert download.filename == "bukti transfer.pdf"
        assert sum(map(len, download)) == 300_000


def test_media_says_gone_or_not_ready(platform: FakePlatform, http: Http) -> None:
    for status, error in (
        (404, MediaGone),
        (403, MediaGone),
        (202, MediaNotReady),
        (429, Unanswered),
        (503, Unanswered),
    ):
        platform.will(status)
        with pytest.raises(error):
            http.media(platform.url)
    platform.will(body=b"bytes")
    assert b"".join(http.media(platform.url)) == b"bytes"


# ── Where it may go ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://10.1.2.3/", "http://172.16.0.1/", "http://192.168.1.1/", "http://0.0.0.0/",
        "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/", "http://224.0.0.1/", "http://255.255.255.255/",
        "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:a00:1]/", "http://[fe80::1]/",
        "http://[fc00::1]/", "http://[2002:7f00:1::]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b:1::1]/",
        "http://[2001:0:1::1]/", "http://[ff02::1]/", "http://[::127.0.0.1]/",
        "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/", "http://localhost/",
        "ftp://example.com/", "file:///etc/passwd", "gopher://x/", "javascript:alert(1)", "", "/path", "http://", "http:///x",
    ],
)  # fmt: skip
def test_private_and_odd_addresses_are_blocked(url: str) -> None:
    with pytest.raises(Blocked):
        Http().request("GET", url)
    with pytest.raises(Blocked):
        Http().stream(url)


def test_public_addresses_are_public() -> None:
    for address in ("1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"):
        assert is_public(address)
    assert not is_public("not an address")


def test_a_name_with_one_private_address_is_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, ("1.1.1.1", 80)), (2, ("10.0.0.1", 80))]
    monkeypatch.setattr(wire, "lookup", lambda host, port: found)
    with pytest.raises(Blocked):
        Http().request("GET", "http://half.example/")


def test_the_address_checked_is_the_one_connected_to(platform: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: another address at the second look. There is no second look."""
    looks: list[str] = []

    def rebinding(host: str, port: int) -> wire.Found:
        looks.append(host)
        return lookup("127.0.0.1" if len(looks) == 1 else "127.0.0.2", port)

    monkeypatch.setattr(wire, "lookup", rebinding)
    monkeypatch.setattr(wire, "is_public", lambda address: address == "127.0.0.1")
    assert Http().request("GET", f"http://rebind.example:{platform.port}/").ok
    assert looks == ["rebind.example"]
    assert platform.requests[0].headers["host"] == f"rebind.example:{platform.port}"


def test_only_the_exact_origin_is_exempt(platform: FakePlatform, other: FakePlatform, http: Http) -> None:
    assert http.request("GET", f"{platform.url}/any/path").ok
    for url in (other.url, platform.url.replace("127.0.0.1", "localhost"), platform.url.replace("http:", "https:")):
        with pytest.raises(Blocked):
            http.request("GET", url)


def test_origins_are_spelled_one_way() -> None:
    assert (
        origin("HTTPS://API.Example.com/x?y") == "https://api.example.com:443" == origin("https://api.example.com:443")
    )
    assert origin("http://[::1]/") == origin("http://[::1]:80") == "http://[::1]:80"
    assert origin("nonsense") == origin("http://:80") == ""


# ── Redirects ────────────────────────────────────────────────────────────────────────────────


def test_a_redirect_is_checked_again(platform: FakePlatform, other: FakePlatform, http: Http) -> None:
    platform.will(redirect=f"{other.url}/secret")
    with pytest.raises(Blocked):
        http.stream(platform.url)
    platform.will(redirect="http://169.254.169.254/latest/")
    with pytest.raises(Blocked):
        http.request("GET", platform.url, follow=True)
    assert other.requests == []


def test_credentials_do_not_go_past_a_redirect(platform: FakePlatform, other: FakePlatform) -> None:
    http = Http.trusting(platform.url, other.url)
    for target in (f"{other.url}/file", "/elsewhere"):
        platform.will(redirect=target)
        headers = {"X-Api-Key": "secret", "Cookie": "a=1", "Accept": "image/*"}
        b"".join(http.stream(platform.url, headers=headers, auth=("sid", "token")))
        last = max(platform.requests + other.requests, key=lambda request: request.at)
        assert not {"authorization", "x-api-key", "cookie"} & set(last.headers)
        assert last.headers["accept"] == "image/*"


def test_a_send_is_not_redirected(platform: FakePlatform, http: Http) -> None:
    platform.will(redirect="/again", status=307)
    assert http.request("POST", platform.url, json={}, follow=True).status == 307
    assert len(platform.requests) == 1


def test_redirects_end(platform: FakePlatform, http: Http) -> None:
    platform.always(redirect="/round")
    with pytest.raises(Blocked):
        http.stream(platform.url)
    assert len(platform.requests) == 6


@pytest.mark.parametrize("key", ["s3cret\n", "s3cret\r\nX-More: 1", "s3cret\u2026"])
def test_a_key_that_no_header_can_carry_is_not_repeated(platform: FakePlatform, http: Http, key: str) -> None:
    """What failed stands on the message and on the channel, where every agent of the team reads it."""
    with pytest.raises(Blocked) as refused:
        http.request("POST", platform.url, headers={"Authorization": f"Bearer {key}"}, json={})
    assert "cannot be made" in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert platform.requests == []


def test_odd_redirects_are_blocked(platform: FakePlatform, http: Http) -> None:
    for target in ("file:///etc/passwd", "http://[", "http://user:pass@10.0.0.1/", "x" * 70_000):
        platform.will(redirect=target)
        with pytest.raises(HttpError):
            http.stream(platform.url)


def test_the_name_in_the_certificate_is_checked_though_we_connect_to_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = _self_signed(tmp_path, "platform.example")
    with FakePlatform(tls=context) as platform:
        monkeypatch.setattr(wire, "lookup", lambda host, port: lookup("127.0.0.1", port))
        client = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        monkeypatch.setattr(http_module, "tls", lambda: client)
        right, wrong = (f"https://{name}:{platform.port}" for name in ("platform.example", "evil.example"))
        assert Http.trusting(right).request("GET", right).ok
        assert platform.requests[0].headers["host"] == f"platform.example:{platform.port}"
        with pytest.raises(Refused):
            Http.trusting(wrong).request("GET", wrong)
        assert len(platform.requests) == 1


def _self_signed(folder: Path, name: str) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*private))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def test_the_fake_is_where_tests_may_go() -> None:
    assert ipaddress.ip_address(FakePlatform.host).is_loopback


# ── What a failure means ─────────────────────────────────────────────────────────────────────


def _answer(status: int, **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"because", "")


@pytest.mark.parametrize(
    ("status", "category", "permanent"),
    [
        (429, "rate", False), (500, "unknown", False), (503, "unknown", False), (408, "unknown", False),
        (401, "auth", True), (403, "auth", True), (400, "content", True), (404, "content", True),
        (302, "content", True),
    ],
)  # fmt: skip
def test_answers_become_failures(status: int, category: str, permanent: bool) -> None:
    failure = failure_from(_answer(status))
    assert (failure.category, failure.permanent, failure.code) == (category, permanent, str(status))
    assert failure.detail == "because"


def test_no_answer_becomes_a_failure() -> None:
    cases = {Refused("x"): ("unknown", False), Blocked("x"): ("content", True)}
    cases |= {Unanswered("x"): ("unconfirmed", False), TooLarge("x"): ("unconfirmed", False)}
    for error, expected in cases.items():
        failure = failure_from(error)
        assert (failure.category, failure.permanent) == expected


def test_retry_after_is_seconds_or_a_date() -> None:
    assert failure_from(_answer(429, retry_after="7")).retry_after == 7
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(minutes=1), usegmt=True)
    assert 55 < (retry_after({"retry-after": in_a_minute}) or 0) <= 60
    for odd in ("", "soon", "nan", "-5", "1e999", "Mon, 99 Foo 2020"):
        assert retry_after({"retry-after": odd}) in (None, 0.0, 24 * 3600.0)
