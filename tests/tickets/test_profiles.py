"""Names and pictures come from the platform, by a worker; what an agent wrote stays; who may not see sees nothing."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from PIL import Image

from agents.models import Agent
from channels_app.models import Address, Channel
from customers.models import Customer as Person
from tests.conftest import Api, Customer
from tests.platforms import FakePlatform, answer
from tests.platforms.chatty import FakeChatty
from tickets import profiles
from tickets.models import Activity, Actor, Ticket

pytestmark = pytest.mark.django_db


def png(colour: str = "red", size: int = 300) -> bytes:
    file = BytesIO()
    Image.new("RGB", (size, size), colour).save(file, "PNG")
    return file.getvalue()


def known(chatty: FakeChatty, id: str = "u-fitri", picture: bytes | None = None, **more: str) -> None:
    said = {"name": "Fitri Handayani", "username": "fitri", "language": "id", **more}
    if picture is not None:
        said["picture_url"] = chatty.add_file("fitri.png", picture, "image/png")
    chatty.profiles[id] = said


def written(fitri: Customer) -> Address:
    fitri.writes()
    profiles.sweep()
    return Address.objects.get(external_id=fitri.id)


def lines(ticket: int) -> int:
    return Activity.objects.filter(ticket=ticket, type=profiles.LINE).count()


def due(address: Address) -> None:
    Address.objects.filter(pk=address.pk).update(profile_due_at=timezone.now())


# ── Fetched ──────────────────────────────────────────────────────────────────────────────────


def test_a_first_message_brings_name_language_and_picture(chatty: FakeChatty, fitri: Customer) -> None:
    known(chatty, picture=png())
    message = fitri.writes()
    address = Address.objects.get()
    assert address.name == ""
    profiles.sweep()
    address.refresh_from_db()
    assert (address.name, address.username, address.language) == ("Fitri Handayani", "fitri", "id")
    assert (address.picture_mime, address.picture_url) == ("image/webp", address.picture_url)
    with address.picture.open("rb") as file:
        assert max(Image.open(file).size) == profiles.EDGE
    person = Person.objects.get()
    assert (person.name, person.language) == ("Fitri Handayani", "id")
    assert lines(message.ticket_id) == 1, "open pages hear of it"
    fitri.writes()
    profiles.sweep()
    assert chatty.asked("/profiles/u-fitri") == 1, "once"


@pytest.mark.django_db(transaction=True)
def test_it_is_fetched_at_once_by_a_worker(chatty: FakeChatty, fitri: Customer, jobs_inline: list[str]) -> None:
    known(chatty)
    fitri.writes()
    assert "tickets.profiles.fetch" in jobs_inline
    assert Person.objects.get().name == "Fitri Handayani"


def test_what_an_agent_wrote_stays(chatty: FakeChatty, fitri: Customer) -> None:
    fitri.writes()
    Person.objects.update(name="Bu Fitri (VIP)")
    known(chatty)
    profiles.sweep()
    assert (Person.objects.get().name, Address.objects.get().name) == ("Bu Fitri (VIP)", "Fitri Handayani")


def test_it_is_refreshed_with_a_message_when_it_is_old(chatty: FakeChatty, fitri: Customer) -> None:
    known(chatty, picture=png())
    address = written(fitri)
    before = address.picture_url
    known(chatty, name="Fitri H.", picture=png("blue"))
    old = timezone.now() - timedelta(days=django_settings.PROFILE_REFRESH_DAYS, hours=1)
    Address.objects.update(profile_at=old)
    profiles.sweep()
    assert chatty.asked("/profiles/u-fitri") == 1, "not by itself"
    address = written(fitri)
    assert address.name == "Fitri H."
    assert address.picture_url != before
    assert len(default_storage.listdir(f"pictures/{timezone.now():%Y/%m}")[1]) <= 2


def test_the_same_again_says_nothing(chatty: FakeChatty, fitri: Customer) -> None:
    known(chatty, picture=png())
    address = written(fitri)
    due(address)
    profiles.sweep()
    assert chatty.asked("/profiles/u-fitri") == 2
    assert lines(Ticket.objects.get().pk) == 1
    assert Address.objects.get().picture_url == address.picture_url


def test_a_picture_that_is_gone_goes(chatty: FakeChatty, fitri: Customer) -> None:
    known(chatty, picture=png())
    address = written(fitri)
    known(chatty)
    due(address)
    profiles.sweep()
    assert Address.objects.get().picture_url == ""


def test_a_platform_that_tells_nothing_is_not_asked_again_soon(chatty: FakeChatty, fitri: Customer) -> None:
    address = written(fitri)
    assert (address.profile_due_at, address.profile_at is None) == (None, False)
    written(fitri)
    assert chatty.asked("/profiles/u-fitri") == 1


def test_failures_are_tried_a_few_times_then_left(chatty: FakeChatty, fitri: Customer) -> None:
    chatty.answers["/profiles/u-fitri"] = [answer(503) for _ in range(9)]
    address = written(fitri)
    waits = []
    while address.profile_due_at:
        waits.append(round((address.profile_due_at - timezone.now()).total_seconds()))
        due(address)
        profiles.sweep()
        address.refresh_from_db()
    assert waits == list(profiles.BACKOFF)
    assert chatty.asked("/profiles/u-fitri") == 4
    assert address.profile_at is not None
    written(fitri)
    assert chatty.asked("/profiles/u-fitri") == 4, "left until the next refresh"


def test_a_refusal_is_not_repeated(chatty: FakeChatty, fitri: Customer) -> None:
    chatty.answers["/profiles/u-fitri"] = [answer(401)]
    assert written(fitri).profile_due_at is None
    assert Channel.objects.get(kind="chatty").failure_category == "auth"


def test_a_name_is_not_kept_waiting_for_its_picture(chatty: FakeChatty, fitri: Customer) -> None:
    known(chatty, picture=png())
    chatty.answers["/files/fitri.png"] = [answer(503)]
    address = written(fitri)
    assert (address.name, address.picture_url) == ("Fitri Handayani", "")
    assert address.profile_due_at is not None
    due(address)
    profiles.sweep()
    assert Address.objects.get().picture_url


def test_a_dead_worker_leaves_a_claim_that_runs_out(chatty: FakeChatty, fitri: Customer) -> None:
    known(chatty)
    fitri.writes()
    address = Address.objects.get()
    Address.objects.update(profile_due_at=timezone.now() + profiles.LEASE)
    profiles.fetch(address.pk)
    assert chatty.requests == [], "another has it"
    due(address)
    profiles.fetch(address.pk)
    assert Address.objects.get().name == "Fitri Handayani"


@pytest.mark.parametrize("body", [b"<svg onload=alert(1)>", b"\x89PNG\r\n\x1a\n" + b"\0" * (2 << 20), b""])
def test_what_is_no_picture_is_not_kept(chatty: FakeChatty, fitri: Customer, body: bytes) -> None:
    known(chatty, picture=body)
    address = written(fitri)
    assert (address.name, address.picture_url, address.profile_due_at) == ("Fitri Handayani", "", None)


def test_an_endless_picture_is_cut_off(chatty: FakeChatty, fitri: Customer) -> None:
    known(chatty, picture=png())
    chatty.answers["/files/fitri.png"] = [answer(endless=True)]
    assert written(fitri).picture_url == ""


def test_a_picture_on_a_private_address_is_not_fetched(chatty: FakeChatty, fitri: Customer) -> None:
    with FakePlatform() as inside:
        inside.always(200, body=png())
        known(chatty)
        chatty.profiles["u-fitri"]["picture_url"] = f"{inside.url}/secret.png"
        assert written(fitri).picture_url == ""
        assert inside.requests == []


def test_a_channel_without_profiles_is_never_asked(dora: Customer) -> None:
    dora.writes()
    assert Address.objects.get().profile_due_at is None


# ── Seen ─────────────────────────────────────────────────────────────────────────────────────


def test_who_may_see_the_ticket_may_see_the_picture(
    chatty: FakeChatty, fitri: Customer, bea: Agent, carl: Agent, client: Client
) -> None:
    known(chatty, picture=png())
    address = written(fitri)
    assert client.get(address.picture_url).status_code == 404
    client.force_login(carl)
    assert client.get(address.picture_url).status_code == 404
    client.force_login(bea)
    response: Any = client.get(address.picture_url)
    assert (response.status_code, response["Content-Type"]) == (200, "image/webp")
    assert (response["X-Content-Type-Options"], response["Cache-Control"]) == ("nosniff", "private, max-age=3600")
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert b"".join(response.streaming_content)[:4] == b"RIFF"
    assert client.get(address.picture_url, headers={"If-None-Match": response["ETag"]}).status_code == 304
    assert client.get("/addresses/99999999999999999999/picture/").status_code == 404


def test_a_group_member_is_seen_by_who_sees_their_words(
    chatty: FakeChatty, fitri: Customer, bea: Agent, carl: Agent
) -> None:
    known(chatty, picture=png())
    address = written(fitri)
    member = Address.objects.create(channel=address.channel, external_id="u-member")
    assert profiles.may_see(carl.sight(), member), "of whom nobody has anything"
    Ticket.objects.get().messages.update(address=member)
    assert not profiles.may_see(carl.sight(), member)
    assert profiles.may_see(bea.sight(), member)


def test_the_api_names_the_picture(chatty: FakeChatty, fitri: Customer, bea: Agent, api: Any) -> None:
    known(chatty, picture=png())
    address = written(fitri)
    door: Api = api(bea)
    [shown] = door.get("/customers/?address=u-fitri")["results"]
    assert shown["addresses"][0]["picture_url"] == django_settings.PUBLIC_URL + address.picture_url
    assert shown["addresses"][0]["username"] == "fitri"


def test_a_list_costs_no_request_per_face(chatty: FakeChatty, fitri: Customer, bea: Agent, client: Client) -> None:
    known(chatty, picture=png())
    address = written(fitri)
    client.force_login(bea)
    rows = client.get("/").content.decode()
    assert 'class="row' in rows
    assert address.picture_url not in rows
    number = Ticket.objects.get().pk
    assert address.picture_url in client.get(f"/tickets/{number}/").content.decode()


# ── Forgotten ────────────────────────────────────────────────────────────────────────────────


def test_a_profile_can_be_forgotten(chatty: FakeChatty, fitri: Customer, ana: Agent, client: Client) -> None:
    known(chatty, picture=png())
    address = written(fitri)
    url, path = address.picture_url, str(address.picture.name)
    profiles.forget(address.pk, Actor.of(ana))
    address.refresh_from_db()
    assert (address.name, address.username, address.language, address.picture_url) == ("", "", "", "")
    assert Person.objects.get().name == ""
    client.force_login(ana)
    assert client.get(url).status_code == 404
    fitri.writes()
    profiles.sweep()
    assert chatty.asked("/profiles/u-fitri") == 1, "not fetched again at once"
    assert path


@pytest.mark.django_db(transaction=True)
def test_the_file_goes_with_it(chatty: FakeChatty, fitri: Customer, ana: Agent) -> None:
    known(chatty, picture=png())
    address = written(fitri)
    assert default_storage.exists(str(address.picture.name))
    profiles.forget(address.pk, Actor.of(ana))
    assert not default_storage.exists(str(address.picture.name))


# ── On the pages ─────────────────────────────────────────────────────────────────────────────


def test_the_head_and_the_messages_show_it(chatty: FakeChatty, fitri: Customer, bea: Agent, client: Client) -> None:
    known(chatty, picture=png())
    client.force_login(bea)
    fitri.writes()
    number = Ticket.objects.get().pk
    before = client.get("/").content.decode() + client.get(f"/tickets/{number}/").content.decode()
    assert "/picture/" not in before
    profiles.sweep()
    url = Address.objects.get().picture_url
    assert "/picture/" not in client.get("/").content.decode(), "in a list a picture a row would be a request a row"
    page = client.get(f"/tickets/{number}/").content.decode()
    assert page.count(f'src="{url}"') >= 2
    assert "profile" not in page.replace('href="/profile/"', ""), "no line of the conversation"


def test_the_api_forgets_it(
    chatty: FakeChatty, fitri: Customer, bea: Agent, lena: Agent, carl: Agent, api: Any
) -> None:
    known(chatty, picture=png())
    where = f"/addresses/{written(fitri).pk}/profile/"
    assert [api(who)("DELETE", where).status_code for who in (carl, bea, lena, lena)] == [404, 403, 204, 204]
    assert Address.objects.get().picture_url == ""
