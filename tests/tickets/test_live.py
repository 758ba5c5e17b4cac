"""The live socket of the running product: no gap, no double, only what one may see."""

from __future__ import annotations

import itertools
import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.live_client import Ear, refused
from tests.running import RunningHub
from tickets import live

# The product is started within the first of them.
pytestmark = pytest.mark.timeout(900)


def test_who_may_listen_is_looked_at_often_enough() -> None:
    """What ends a socket "within 5 seconds" below; how long a busy machine takes is no matter of the code."""
    assert live.EVERY + live.CHECK_EVERY < 5


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    with RunningHub(tmp_path_factory.mktemp("live")) as running:
        yield running


def added(text: str) -> Any:
    return lambda frame: frame["type"] == "message.added" and frame["data"].get("text") == text


def ticket_of(hub: RunningHub, external_id: str) -> int:
    with hub.api("ana") as api:
        found = api.get("/messages/", params={"external_id": external_id, "direction": "in"}).json()["results"]
    return int(found[0]["ticket"])


def test_a_message_is_heard_by_those_who_may_see_it_and_by_nobody_else(hub: RunningHub) -> None:
    with Ear(hub, "ana") as ana, Ear(hub, "bea") as bea, Ear(hub, "carl") as carl:
        assert ana.hello["at"] == bea.hello["at"] == carl.hello["at"]
        hub.say("selamat pagi", sender="u-live-1")
        frame = bea.until(added("selamat pagi"))
        assert frame == ana.until(added("selamat pagi"))
        with hub.api("bea") as api:
            message = api.get(f"/tickets/{frame['ticket']}/messages/").json()["results"][-1]
            log = api.get("/activity/", params={"after": frame["seq"] - 1, "limit": 1}).json()["results"]
        assert frame["data"] == message
        assert log == [frame]
        assert set(frame) == {"seq", "type", "ticket", "actor", "at", "data"}
        assert carl.lines() == []


def test_whoever_comes_back_hears_all_that_was_missed_once_and_in_order(hub: RunningHub) -> None:
    with Ear(hub, "bea") as bea:
        start = bea.hello["at"]
    texts = [f"nomor {number}" for number in range(450)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: hub.say(text, sender=f"u-r{hash(text) % 20}"), texts))
    hub.say("terakhir", sender="u-r-last")
    with Ear(hub, "bea", after=start) as bea:
        last = bea.until(added("terakhir"))
        heard = [frame["data"]["text"] for frame in bea.lines() if frame["type"] == "message.added"]
        assert sorted(heard) == sorted([*texts, "terakhir"])
        numbers = [frame["seq"] for frame in bea.lines()]
        assert numbers == sorted(set(numbers))
    with Ear(hub, "bea", after=last["seq"]) as bea:
        hub.say("sesudahnya", sender="u-r-last")
        bea.until(added("sesudahnya"))
        assert next(frame["seq"] for frame in bea.lines()) > last["seq"]


def test_coming_and_going_in_the_middle_of_a_storm_leaves_neither_gap_nor_double(hub: RunningHub) -> None:
    with Ear(hub, "ana") as ana:
        at = ana.hello["at"]
    over = threading.Event()

    def storm(worker: int) -> int:
        for number in itertools.count():
            if over.is_set():
                return number
            hub.say(f"badai {worker}-{number}", sender=f"u-s{worker}")
        return 0

    heard: list[int] = []
    with ThreadPoolExecutor(4) as pool:
        storms = [pool.submit(storm, worker) for worker in range(4)]
        for _turn in range(12):
            with Ear(hub, "ana", after=at) as ana:
                ana.until_heard(20)
            heard += [frame["seq"] for frame in ana.lines()]
            at = heard[-1]
        over.set()
        said = sum(future.result() for future in storms)
    assert said > 0
    with hub.api("ana") as api:
        log: list[int] = []
        after = heard[0] - 1
        while after < heard[-1]:
            page = [
                line["seq"] for line in api.get("/activity/", params={"after": after, "limit": 200}).json()["results"]
            ]
            log += page
            after = page[-1]
    assert heard == [seq for seq in log if seq <= heard[-1]]


@pytest.mark.parametrize(("after", "first"), [("-3", True), ("999999999999999999999999", False), ("%2B0", True)])
def test_odd_numbers_to_resume_from(hub: RunningHub, after: str, first: bool) -> None:
    hub.say("ada sesuatu", sender="u-odd")
    with Ear(hub, "ana", after=after) as ana:
        assert ana.hello["at"] > 0
        marker = uuid.uuid4().hex
        hub.say(marker, sender="u-odd")
        ana.until(added(marker))
        assert (len(ana.lines()) > 2) is first


@pytest.mark.parametrize("after", ["", "abc", "1.5", "١", "1e3", "0x10"])
def test_what_is_no_number_closes_with_4400(hub: RunningHub, after: str) -> None:
    with Ear(hub, "ana", after=after) as ana:
        assert ana.closed() == 4400


def test_the_door_is_shut_for_strangers(hub: RunningHub) -> None:
    assert refused(hub, "") == 403
    assert refused(hub, "", Authorization="Bearer nonsense") == 403
    assert refused(hub, "", Authorization="Basic Zm9vOmJhcg==") == 403
    assert refused(hub, "bea", Origin="https://evil.example") == 403
    assert refused(hub, "bea", Origin="null") == 403
    assert refused(hub, "bea", Origin=hub.url) == 101


def browser(hub: RunningHub, name: str) -> httpx.Client:
    """Signed in as a browser is: by the form, with a cookie."""
    client = httpx.Client(base_url=hub.url, follow_redirects=True, trust_env=False, timeout=60)
    client.get("/accounts/login/")
    agent = hub.agent(name)
    form = {
        "login": agent["email"],
        "password": agent["password"],
        "csrfmiddlewaretoken": client.cookies["csrftoken"],
    }
    done = client.post("/accounts/login/", data=form, headers={"Referer": hub.url})
    assert "sessionid" in client.cookies, done.text[:500]
    return client


def test_a_browser_needs_its_cookie_and_our_origin(hub: RunningHub) -> None:
    with closing(browser(hub, "bea")) as client:
        cookie = f"sessionid={client.cookies['sessionid']}"
        assert refused(hub, "", Cookie=cookie) == 403
        assert refused(hub, "", Cookie=cookie, Origin="null") == 403
        assert refused(hub, "", Cookie=cookie, Origin="http://127.0.0.1:1") == 403
        with Ear(hub, "", Cookie=cookie, Origin=hub.url) as ear:
            hub.say("lewat kuki", sender="u-cookie")
            ear.until(added("lewat kuki"))
            # Signing out ends the socket too.
            client.get("/accounts/logout/")
            client.post(
                "/accounts/logout/",
                data={"csrfmiddlewaretoken": client.cookies["csrftoken"]},
                headers={"Referer": hub.url},
            )
            assert ear.closed() == 4401


def test_a_revoked_token_ends_the_socket_within_5_seconds(hub: RunningHub) -> None:
    with hub.api("bea") as api:
        made = api.post("/tokens/", json={"name": "short-lived"}).json()
        with Ear(hub, "", Authorization=f"Bearer {made['key']}") as ear:
            assert ear.hello
            assert api.delete(f"/tokens/{made['id']}/").status_code == 204
            assert ear.closed() == 4401


def test_a_closed_account_is_signed_out_everywhere_within_5_seconds(hub: RunningHub) -> None:
    """By the settings page: its browsers, their sockets and its tokens; opened again, only the tokens are back."""
    with hub.api("ana") as api:
        password = "gula aren 2026"
        body = {"email": f"{uuid.uuid4().hex}@example.com", "name": "Gita", "password": password}
        agent = api.post("/agents/", json=body).json()
    hub.demo["agents"].append({**body, "name": "Gita", "token": ""})
    with closing(browser(hub, "ana")) as ana, closing(browser(hub, "gita")) as gita:
        cookie = f"sessionid={gita.cookies['sessionid']}"
        with Ear(hub, "", Cookie=cookie, Origin=hub.url) as ear:
            assert ear.hello
            assert signed_in(gita)
            press(hub, ana, f"/settings/agents/{agent['id']}/close/")
            assert not signed_in(gita)
            assert ear.closed() == 4401
        press(hub, ana, f"/settings/agents/{agent['id']}/reopen/")
        assert not signed_in(gita)
        assert refused(hub, "", Cookie=cookie, Origin=hub.url) == 403


def test_a_new_password_ends_the_sockets_of_other_browsers(hub: RunningHub) -> None:
    """Whoever knew the old one hears nothing more: their session's row would have lived for a month."""
    password, new = "gula aren 2026", "gula semut 2027"
    with hub.api("ana") as api:
        body = {"email": f"{uuid.uuid4().hex}@example.com", "name": "Hana", "password": password}
        assert api.post("/agents/", json=body).status_code == 201
    hub.demo["agents"].append({**body, "name": "Hana", "token": ""})
    with closing(browser(hub, "hana")) as own, closing(browser(hub, "hana")) as other:
        cookie = f"sessionid={other.cookies['sessionid']}"
        with Ear(hub, "", Cookie=cookie, Origin=hub.url) as ear:
            assert ear.hello
            form = {"oldpassword": password, "password1": new, "password2": new}
            own.get("/accounts/password/change/")
            form["csrfmiddlewaretoken"] = own.cookies["csrftoken"]
            done = own.post("/accounts/password/change/", data=form, headers={"Referer": hub.url})
            assert done.status_code == 200, done.text[:500]
            assert signed_in(own)
            assert ear.closed() == 4401
        assert not signed_in(other)


def press(hub: RunningHub, client: httpx.Client, path: str) -> None:
    data = {"csrfmiddlewaretoken": client.cookies["csrftoken"]}
    answer = client.post(path, data=data, headers={"Referer": hub.url}, follow_redirects=False)
    assert answer.status_code == 302


def signed_in(client: httpx.Client) -> bool:
    return client.get("/settings/profile/", follow_redirects=False).status_code == 200


def test_a_move_to_another_team_is_told_to_both(hub: RunningHub) -> None:
    number = ticket_of(hub, hub.say("pindah tim", sender="u-move"))
    other = hub.agent("carl")["team"]["id"]
    with Ear(hub, "bea") as bea, Ear(hub, "carl") as carl, hub.api("ana") as api:
        assert bea.hello
        assert carl.hello
        assert api.patch(f"/tickets/{number}/", json={"team": other}).status_code == 200
        gone = bea.until(lambda frame: frame["type"] == "ticket.changed" and frame["ticket"] == number)
        assert gone["data"] == {"number": number}
        come = carl.until(lambda frame: frame["type"] == "ticket.changed" and frame["ticket"] == number)
        assert come["data"]["team"]["id"] == other
        hub.say("masih di sini", sender="u-move")
        carl.until(added("masih di sini"))
        assert not [frame for frame in bea.lines() if frame["ticket"] == number and frame["seq"] > gone["seq"]]
    with Ear(hub, "bea", after=0) as bea:
        bea.until(lambda frame: frame.get("seq") == gone["seq"])
        assert [frame["data"] for frame in bea.lines() if frame["ticket"] == number] == [{"number": number}]


def test_other_teams_mean_a_reset_and_another_sight(hub: RunningHub) -> None:
    carl, team = hub.agent("carl"), hub.agent("bea")["team"]["id"]
    with Ear(hub, "carl") as ear, hub.api("ana") as api:
        assert ear.hello
        assert api.patch(f"/agents/{carl['id']}/", json={"teams": [carl["team"]["id"], team]}).status_code == 200
        ear.until(lambda frame: frame["type"] == "reset")
        hub.say("sekarang terlihat", sender="u-sight")
        ear.until(added("sekarang terlihat"))
        assert api.patch(f"/agents/{carl['id']}/", json={"teams": [carl["team"]["id"]]}).status_code == 200


def test_who_was_away_while_their_teams_changed_begins_afresh(hub: RunningHub) -> None:
    """A browser that sleeps has its number alone, and the log says nothing about teams."""
    bea, other = hub.agent("bea"), hub.agent("carl")["team"]["id"]
    hub.say("sebelum tidur", sender="u-away")
    with Ear(hub, "bea") as ear:
        before = ear.hello["at"]

    def told_anew(after: int) -> bool:
        word = f"bangun {uuid.uuid4().hex}"
        with Ear(hub, "bea", after=after) as ear:
            assert ear.hello
            hub.say(word, sender="u-away")
            ear.until(added(word))
            return any(frame["type"] == "reset" for frame in ear.frames)

    def put_into(*teams: int) -> None:
        with hub.api("ana") as api:
            assert api.patch(f"/agents/{bea['id']}/", json={"teams": teams}).status_code == 200

    assert not told_anew(before)
    put_into(bea["team"]["id"], other)
    try:
        assert told_anew(before)
        # Another browser of theirs slept as long; one that was loaded since did not.
        assert told_anew(before)
        with Ear(hub, "bea") as ear:
            loaded = ear.hello["at"]
        assert not told_anew(loaded)
        assert not told_anew(0)
    finally:
        put_into(bea["team"]["id"])


def say_until_heard(speaker: Ear, value: Any, listener: Ear, holds: Any) -> dict[str, Any]:
    """Words of the moment reach whoever has joined, and between "hello" and joining there is a moment."""
    for left in reversed(range(20)):
        speaker.say(value)
        try:
            return listener.until(holds, 5)
        except AssertionError:
            if not left:
                raise
    raise AssertionError


def test_typing_and_viewing_reach_colleagues_only(hub: RunningHub) -> None:
    number = ticket_of(hub, hub.say("siapa di sana?", sender="u-typing"))
    with Ear(hub, "ana") as ana, Ear(hub, "bea") as bea, Ear(hub, "carl") as carl:
        for ear in (ana, bea, carl):
            assert ear.hello
        for nonsense in (
            "",
            "[]",
            "{",
            '{"type":"typing"}',
            '{"type":"typing","ticket":"1"}',
            '{"type":"typing","ticket":true}',
        ):
            bea.say(nonsense)
        carl.say({"type": "typing", "ticket": number})
        typing = {"type": "typing", "ticket": number}
        frame = say_until_heard(bea, typing, ana, lambda frame: frame["type"] == "typing")
        assert frame["ticket"] == number
        assert frame["actor"] == {"type": "agent", "id": hub.agent("bea")["id"], "name": hub.agent("bea")["name"]}
        assert "seq" not in frame
        hub.say("penanda", sender="u-typing")
        bea.until(added("penanda"))
        assert not [frame for frame in [*bea.frames, *carl.frames] if frame["type"] == "typing"]


def test_what_one_has_read_is_told_to_ones_own_tabs_alone(hub: RunningHub) -> None:
    number = ticket_of(hub, hub.say("sudah dibaca?", sender="u-seen"))
    with Ear(hub, "ana") as ana, Ear(hub, "bea") as bea, Ear(hub, "bea") as other, Ear(hub, "carl") as carl:
        for ear in (ana, bea, other, carl):
            assert ear.hello
        for upto in ("1", True, 0, -1, 2**63, None):
            bea.say({"type": "seen", "ticket": number, "upto": upto})
        carl.say({"type": "seen", "ticket": number, "upto": 1})
        seen = {"type": "seen", "ticket": number, "upto": 2**40}
        frame = say_until_heard(bea, seen, other, lambda frame: frame["type"] == "seen")
        assert (frame["ticket"], frame["upto"]) == (number, 2**40)
        assert "seq" not in frame
        hub.say("penanda dibaca", sender="u-seen")
        for ear in (ana, other):
            ear.until(added("penanda dibaca"))
        assert not [frame for frame in [*ana.frames, *carl.frames] if frame["type"] == "seen"]


def test_what_is_read_within_the_same_second_is_told_too(hub: RunningHub) -> None:
    """And what was said last before the page was left."""
    number = ticket_of(hub, hub.say("baca cepat", sender="u-quick"))

    def seen(upto: int) -> dict[str, Any]:
        return {"type": "seen", "ticket": number, "upto": upto}

    with Ear(hub, "bea") as other:
        with Ear(hub, "bea") as bea:
            assert bea.hello
            say_until_heard(bea, seen(1), other, lambda frame: frame["type"] == "seen")
            for upto in (2, 3, 4):
                bea.say(seen(upto))
            other.until(lambda frame: frame["type"] == "seen" and frame["upto"] == 4)
            for upto in (5, 6):
                bea.say(seen(upto))
        other.until(lambda frame: frame["type"] == "seen" and frame["upto"] == 6)


def test_a_frame_over_64_kib_is_refused_by_the_server(hub: RunningHub) -> None:
    with Ear(hub, "bea") as bea:
        assert bea.hello
        bea.say(json.dumps({"type": "typing", "ticket": 1, "x": "y" * 70_000}))
        assert bea.closed() == 1009
