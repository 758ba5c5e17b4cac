"""The cast, and a world without a network: Ana and Bea answer, Carl must never see, Dora is the customer."""

from __future__ import annotations

import ipaddress
import itertools
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import pytest
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.test import Client
from django.test.client import ClientHandler
from django.utils.module_loading import import_string

from agents import kept
from agents.models import Agent, Team, Token
from channels_app import inbound, jobs, registry
from channels_app.models import Channel
from tests.platforms.chatty import FakeChatty
from tests.platforms.twilio import ACCOUNT_SID, AUTH_TOKEN, OUR_NUMBER, FakeTwilio
from tests.platforms.webhook import SECRET, FakeWebhookPlatform, signed
from tickets import courtesies, delivery, lifecycle, media, pending, profiles, reactions, thumbnails
from tickets.models import Message, Ticket

PASSWORD = "kopi tubruk 1999"
NOBODY = "http://127.0.0.1:9"
"""Loopback's discard port: a connection is refused at once."""

hypothesis.settings.register_profile(
    "house",
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("house")


def pytest_configure() -> None:
    # Real hashing takes longer than a whole test.
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The suite runs on both databases: what is about one of them alone belongs to that run."""
    embedded = "sqlite" in django_settings.DATABASES["default"]["ENGINE"]
    other = "postgres" if embedded else "sqlite"
    elsewhere = [
        item for item in items if item.get_closest_marker(other) or (not embedded and _touches_no_database(item))
    ]
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        left_out = set(elsewhere)
        items[:] = [item for item in items if item not in left_out]


EXCHANGE = Path(__file__).parent / "channels_app"
NEAR_THE_DATABASE = {"db", "transactional_db", "django_db_setup", "live_server"}


def _touches_no_database(item: pytest.Item) -> bool:
    """What the exchange only reads or computes is the same on every database: once is enough."""
    pure = EXCHANGE in item.path.parents or item.path.name in ("test_contract.py", "test_house.py")
    needs = NEAR_THE_DATABASE & set(getattr(item, "fixturenames", ()))
    return pure and not needs and item.get_closest_marker("django_db") is None


# ── The world ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite: a file of each worker's own, so that two runs never meet and threads are real."""
    database = django_settings.DATABASES["default"]
    if "sqlite" in database["ENGINE"]:
        folder: Path = tmp_path_factory.mktemp("database")
        database["TEST"]["NAME"] = str(folder / "test.sqlite3")
        pragmas = database["OPTIONS"]["init_command"]
        database["OPTIONS"]["init_command"] = pragmas.replace("synchronous=FULL", "synchronous=OFF")


def _is_near(host: Any) -> bool:
    if host in (None, "", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def _is_number(host: Any) -> bool:
    """An address that needs no name server, in any of its spellings (127.1, 0x7f000001)."""
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    try:
        socket.inet_pton(socket.AF_INET6, text.partition("%")[0])
    except OSError:
        try:
            socket.inet_aton(text)
        except OSError:
            return False
    return True


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Beyond loopback nothing is reached, and no name is looked up."""
    real_connect, real_connect_ex, real_lookup = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guard(address: Any) -> None:
        if isinstance(address, tuple) and not _is_near(address[0]):
            raise OSError(101, f"tests do not leave this machine: {address[0]}")

    def connect(self: socket.socket, address: Any) -> None:
        guard(address)
        real_connect(self, address)

    def connect_ex(self: socket.socket, address: Any) -> int:
        guard(address)
        return real_connect_ex(self, address)

    def lookup(host: Any, *args: Any, **options: Any) -> Any:
        if not (_is_near(host) or _is_number(host)):
            raise socket.gaierror(socket.EAI_NONAME, f"tests look up no names: {host}")
        return real_lookup(host, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        patch.setattr(socket.socket, "connect_ex", connect_ex)
        patch.setattr(socket, "getaddrinfo", lookup)
        yield


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    kept.forget_all()


@pytest.fixture(autouse=True)
def own_media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def no_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that is handed over gets lost, as it may at any time; ``work`` finds its row."""
    monkeypatch.setattr(jobs, "_hand_over", lambda path, args: None)


@pytest.fixture
def jobs_inline(no_jobs: None, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each job runs as soon as its transaction is committed; gives the paths of those that ran."""
    ran: list[str] = []

    def hand_over(path: str, args: tuple[int | str, ...]) -> None:
        ran.append(path)
        jobs.run(import_string(path), *args)

    monkeypatch.setattr(jobs, "_hand_over", hand_over)
    return ran


SWEEPS = (
    inbound.retry_due, pending.settle, lifecycle.wake_due, media.sweep, thumbnails.sweep, profiles.sweep,
    courtesies.sweep, reactions.sweep, delivery.sweep,
)  # fmt: skip


def sweep_all() -> None:
    for sweep in SWEEPS:
        sweep()


@pytest.fixture
def work() -> Callable[[], None]:
    """One round of the timetable: everything that is due now is done when this returns."""
    return sweep_all


# ── The cast ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def north(db: None) -> Team:
    return Team.objects.create(name="North")


@pytest.fixture
def south(db: None) -> Team:
    return Team.objects.create(name="South")


def hire(name: str, team: Team | None, role: str = Agent.Role.AGENT) -> Agent:
    agent = Agent.objects.create_user(f"{name.lower()}@example.com", PASSWORD, name=name, role=role)
    if team:
        agent.teams.add(team)
    return agent


@pytest.fixture
def ana(north: Team) -> Agent:
    return hire("Ana", north, Agent.Role.ADMIN)


@pytest.fixture
def bea(north: Team) -> Agent:
    return hire("Bea", north)


@pytest.fixture
def carl(south: Team) -> Agent:
    return hire("Carl", south)


@pytest.fixture
def lena(north: Team) -> Agent:
    return hire("Lena", north, Agent.Role.LEAD)


def connect(kind: str, team: Team | None, name: str = "", **values: str) -> Channel:
    channel = Channel(kind=kind, name=name or kind.title(), team=team)
    channel.put_settings(values)
    channel.save()
    return channel


@pytest.fixture
def webhook_channel(north: Team) -> Channel:
    return connect("webhook", north, "Shop", secret=SECRET, reply_url=f"{NOBODY}/reply/")


@pytest.fixture
def sms_channel(north: Team) -> Channel:
    return connect(
        "sms", north, "SMS", account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, from_number=OUR_NUMBER,
        mode="live", base_url=NOBODY,
    )  # fmt: skip


@pytest.fixture
def sandbox_channel(north: Team) -> Channel:
    return connect("sandbox", north, "Sandbox")


def lead_to(channel: Channel, **values: str) -> None:
    channel.put_settings({**channel.clear_settings(), **values})
    channel.save()


@pytest.fixture
def shop(webhook_channel: Channel) -> Iterator[FakeWebhookPlatform]:
    """The platform behind ``webhook_channel``, listening on loopback."""
    with FakeWebhookPlatform() as platform:
        lead_to(webhook_channel, reply_url=platform.reply_url)
        yield platform


@pytest.fixture
def chatty(north: Team, settings: Any) -> Iterator[FakeChatty]:
    """A platform with profiles, templates, a quota, read marks and reactions, and a channel on it."""
    path = "tests.platforms.chatty.ChattyAdapter"
    settings.CHANNEL_ADAPTERS = {**settings.CHANNEL_ADAPTERS, "chatty": path}
    registry.adapter.cache_clear()
    with FakeChatty() as platform:
        yield platform
    registry.adapter.cache_clear()


@pytest.fixture
def chatty_channel(chatty: FakeChatty, north: Team) -> Channel:
    return connect("chatty", north, "Chatty", secret=SECRET, reply_url=chatty.reply_url, api=chatty.url)


@pytest.fixture
def fitri(chatty_channel: Channel) -> Customer:
    """A customer on the platform that has everything."""
    return Customer(chatty_channel, id="u-fitri", name="")


@pytest.fixture
def twilio(sms_channel: Channel) -> Iterator[FakeTwilio]:
    """The platform behind ``sms_channel``, listening on loopback."""
    with FakeTwilio() as platform:
        lead_to(sms_channel, base_url=platform.url)
        yield platform


# ── The customer ─────────────────────────────────────────────────────────────────────────────


class LeanClientHandler(ClientHandler):
    """Webhooks take the short way through the middlewares, as they do in production."""

    def load_middleware(self, is_async: bool = False) -> None:
        everything, django_settings.MIDDLEWARE = django_settings.MIDDLEWARE, django_settings.LEAN_MIDDLEWARE
        try:
            super().load_middleware(is_async)
        finally:
            django_settings.MIDDLEWARE = everything


def lean_client() -> Client:
    """Never raises what a view raises: the platform sees a 500, and so does the test."""
    client = Client(raise_request_exception=False)
    client.handler = LeanClientHandler(enforce_csrf_checks=True)
    return client


@dataclass
class Customer:
    """Someone who writes through a platform that signs its posts."""

    channel: Channel
    id: str = "u-dora"
    name: str = "Dora"
    secret: str = SECRET
    client: Client = field(default_factory=lean_client)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def sender(self) -> dict[str, str]:
        return {"id": self.id, "name": self.name}

    def post(self, event: Any, delivery: str = "", **headers: str) -> HttpResponse:
        """Truly signed; the event may be any JSON value, or bytes. Headers override the right ones."""
        body, right = signed(event, self.secret, delivery or f"msg_{uuid4().hex}")
        right.pop("content-type")
        return self.raw(body, **{**{_meta(name): value for name, value in right.items()}, **headers})

    def raw(self, body: bytes, **headers: str) -> HttpResponse:
        path = f"/webhooks/{self.channel.pk}/"
        response: Any = self.client.post(path, data=body, content_type="application/json", **headers)
        return response

    def writes(self, text: str = "Halo", id: str = "", **more: Any) -> Message:
        """A message that must be taken; gives the row that it became."""
        id = id or f"m-{self.id}-{next(self._numbers)}"
        self.sends({"type": "message", "id": id, "sender": self.sender, "text": text, **more})
        return Message.objects.get(channel=self.channel, direction="in", external_id=id)

    def sends(self, event: Any) -> None:
        response = self.post(event)
        assert response.status_code == 200, response.content

    def edits(self, target: str, text: str, **more: Any) -> None:
        self.sends({"type": "edit", "message": target, "text": text, **more})

    def deletes(self, target: str, **more: Any) -> None:
        self.sends({"type": "delete", "message": target, **more})

    def reacts(self, target: str, emoji: str, **more: Any) -> None:
        self.sends({"type": "reaction", "message": target, "sender": self.sender, "emoji": emoji, **more})

    def receipt(self, target: str | int, status: str, **more: Any) -> None:
        """The platform's word on one of our messages."""
        self.sends({"type": "receipt", "message": str(target), "status": status, **more})


def _meta(header: str) -> str:
    return "HTTP_" + header.upper().replace("-", "_")


@pytest.fixture
def dora(webhook_channel: Channel) -> Customer:
    return Customer(webhook_channel)


@pytest.fixture
def eka(webhook_channel: Channel) -> Customer:
    """Another customer of the same channel."""
    return Customer(webhook_channel, id="u-eka", name="Eka")


@pytest.fixture
def ticket(dora: Customer) -> Ticket:
    """Dora has written: an open ticket of team North."""
    return dora.writes("Halo, pesanan saya di mana?", id="m-first").ticket


# ── The integrator ───────────────────────────────────────────────────────────────────────────


class Api:
    """The REST API as one agent's token opens it; answers are (status, JSON)."""

    def __init__(self, agent: Agent | None) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"authorization": f"Bearer {Token.issue(agent)[1]}"} if agent else {}

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        data = b"" if body is None else json.dumps(body).encode()
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        response: Any = self.client.generic(
            method, f"/api/v1{path}", data, content_type="application/json", headers={**self.headers, **more}
        )
        return response

    def get(self, path: str, **headers: str) -> Any:
        response = self("GET", path, **headers)
        assert response.status_code == 200, response.content
        return json.loads(response.content)


@pytest.fixture
def api(db: None) -> Callable[[Agent | None], Api]:
    return Api
