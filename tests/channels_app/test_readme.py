"""The guide to adding a channel, followed to the letter: its adapter is installed as a package, and talks."""

from __future__ import annotations

import hmac
import importlib
import inspect
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from agents.models import Agent
from channels_app import registry
from channels_app.contract import Adapter, Unreadable, UnreadableEvent
from tests import test_contract as promises
from tests.api.asserts import said
from tests.conftest import Api, lean_client
from tests.platforms import FakePlatform

GUIDE = Path(django_settings.BASE_DIR) / "channels_app" / "README.md"
MODULE = "pelanggan_ngobrol"


def example() -> tuple[str, str]:
    """(the module, its settings line) as the guide has them."""
    text = GUIDE.read_text()
    code = re.search(rf"```python\n# {MODULE}\.py\n(.*?)```", text, re.DOTALL)
    line = re.search(r'add `"ngobrol": "([\w.]+)"` to `CHANNEL_ADAPTERS`', text)
    assert code
    assert line
    return code[1], line[1]


def wheel(folder: Path, code: str) -> Path:
    """A package as pip takes it, without anything that builds one."""
    path, info = folder / f"{MODULE}-1.0-py3-none-any.whl", f"{MODULE}-1.0.dist-info"
    files = {
        f"{MODULE}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {MODULE}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(name, content)
    return path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The package lies in a place of its own, as pip put it; gives the dotted path of its adapter."""
    folder = tmp_path_factory.mktemp("ngobrol")
    code, path = example()
    site = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, "--target", str(site), str(wheel(folder, code))], check=True, timeout=100)
    sys.path.insert(0, str(site))
    importlib.invalidate_caches()
    yield path
    sys.path.remove(str(site))
    sys.modules.pop(MODULE, None)


@pytest.fixture
def ngobrol(installed: str, settings: Any) -> Iterator[Adapter]:
    settings.CHANNEL_ADAPTERS = {**settings.CHANNEL_ADAPTERS, "ngobrol": installed}
    registry.adapter.cache_clear()
    yield registry.adapter("ngobrol")
    registry.adapter.cache_clear()


def test_a_customer_and_an_agent_talk(ngobrol: Adapter, ana: Agent, work: Callable[[], None]) -> None:
    api = Api(ana)
    with FakePlatform() as platform:
        platform.always(json={"id": "ng-9"})
        own = {"signing_secret": "s3cret", "access_token": "t0ken", "base_url": platform.url}
        made = said(api("POST", "/channels/", {"kind": "ngobrol", "name": "Ngobrol", "settings": own}), 201)
        event = {"id": 1, "from": {"id": 77, "name": "Dora"}, "text": "Halo 👋", "at": 1790000000}
        body = json.dumps(
            {"events": [event, "no event", {**event, "id": 2, "text": None, "type": "hologram"}]}
        ).encode()
        path = made["webhook_url"].removeprefix(django_settings.PUBLIC_URL)
        signature = hmac.new(b"s3cret", body, "sha256").hexdigest()
        for given, status in (("", 401), ("0" * 64, 401), (signature, 200), (signature, 200)):
            taken = lean_client().post(path, body, content_type="application/json", HTTP_X_NGOBROL_SIGNATURE=given)
            assert taken.status_code == status
        (ticket,) = api.get(f"/tickets/?channel={made['id']}")["results"]
        assert ticket["customer"]["name"] == "Dora"
        first, second = api.get(f"/tickets/{ticket['number']}/messages/")["results"]
        assert (first["text"], first["external_id"], first["author"]["name"]) == ("Halo 👋", "1", "Dora")
        assert second["unsupported"]
        answer = {"text": "Halo juga!", "reply_to": first["id"]}
        sent = said(api("POST", f"/tickets/{ticket['number']}/messages/", answer), 201)
        work()
        (asked,) = platform.requests
        assert (asked.path, asked.headers["authorization"]) == ("/v1/messages", "Bearer t0ken")
        assert asked.json == {"to": "77", "text": "Halo juga!", "reply_to": "1"}
        found = api.get(f"/messages/{sent['id']}/")
        assert (found["status"], found["external_id"]) == ("sent", "ng-9")


def test_it_keeps_what_every_adapter_promises(ngobrol: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the contract's tests that need nothing but the adapter, and those of sending."""
    alone = [
        check
        for name, check in vars(promises).items()
        if name.startswith("test_") and list(inspect.signature(check).parameters) == ["adapter"]
    ]
    assert len(alone) > 8
    for check in alone:
        if check is not promises.test_it_has_payloads_and_reads_them:
            check(ngobrol)
    promises.test_a_refused_connection_is_tried_again(ngobrol)
    promises.test_without_settings_a_send_fails_in_words(ngobrol)
    with FakePlatform() as platform:
        promises.test_a_private_address_that_nobody_exempted_gets_nothing(ngobrol, platform)
    (cases,) = (mark.args[1] for mark in promises.test_trouble_is_a_failure_in_words.pytestmark)  # type: ignore[attr-defined]
    for trouble, permanent, categories in cases:
        with FakePlatform() as platform:
            promises.test_trouble_is_a_failure_in_words(ngobrol, platform, monkeypatch, trouble, permanent, categories)
    own = promises.account(ngobrol)
    assert [type(item) for item in ngobrol.parse(own, {"events": [None, [], {"id": []}]})] == [Unreadable] * 3
    with pytest.raises(UnreadableEvent):
        ngobrol.parse(own, {"events": {}})


def test_the_example_is_small() -> None:
    """An hour's work: it fits on two screens, and needs nothing but the contract."""
    code = example()[0]
    assert len(code.splitlines()) < 90
    imported = set(re.findall(r"^from (\S+) import|^import (\S+)", code, re.MULTILINE))
    assert {one or other for one, other in imported} == {
        "hmac", "django.utils.translation", "channels_app", "channels_app.contract", "channels_app.http",
    }  # fmt: skip
