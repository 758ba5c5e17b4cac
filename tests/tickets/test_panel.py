"""The customer beside the ticket: who they are, where they can be reached, what else they have asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from agents.models import Agent, Team
from channels_app.models import Address, Channel
from customers.models import Customer as Person
from customers.models import CustomerAddress
from tests.conftest import Api, Customer, connect
from tests.tickets.test_views import EVIL, PART, browser, text_of
from tickets import lifecycle, people
from tickets.models import Activity, Actor, Message, Ticket


@pytest.fixture
def pages(bea: Agent) -> Client:
    return browser(bea)


def panel(pages: Client, ticket: Ticket) -> str:
    response = pages.get(f"/tickets/{ticket.pk}/customer/", **PART)
    assert response.status_code == 200
    return text_of(response)


def another(ticket: Ticket, channel: Channel, subject: str, **fields: Any) -> Ticket:
    """One more ticket of the same customer, on another address."""
    address, _made = Address.objects.get_or_create(channel=channel, external_id=f"x-{Ticket.objects.count()}")
    CustomerAddress.objects.get_or_create(address=address, defaults={"customer": ticket.customer})
    return Ticket.objects.create(
        channel=channel, team_id=channel.team_id, customer=ticket.customer, address=address, subject=subject, **fields
    )


def test_who_they_are_and_where(ticket: Ticket, pages: Client, sms_channel: Channel) -> None:
    address = Address.objects.create(
        channel=sms_channel, external_id="+628123456789", phone="+628123456789", email="dora@example.com"
    )
    CustomerAddress.objects.create(address=address, customer=ticket.customer)
    Person.objects.update(language="id")
    html = panel(pages, ticket)
    assert "Dora" in html
    assert "Bahasa Indonesia" in html
    assert "Individual · External" in html
    assert 'href="tel:+628123456789"' in html
    assert "+62 812-3456-789" in html
    assert 'data-copy="+628123456789"' in html
    assert 'href="mailto:dora@example.com"' in html
    assert "u-dora" in html
    assert "This is their only one." in html


def test_the_picture_that_a_platform_has_given(ticket: Ticket, pages: Client) -> None:
    assert "<img" not in panel(pages, ticket)
    Address.objects.update(picture="pictures/2026/11/abcdef1234", picture_mime="image/png")
    assert f'src="{Address.objects.get().picture_url}"' in panel(pages, ticket)


def test_other_tickets_as_far_as_one_sees_them(
    ticket: Ticket, pages: Client, ana: Agent, sms_channel: Channel, south: Team
) -> None:
    hidden = connect("webhook", south, "Far away", secret="whsec_x", reply_url="http://127.0.0.1:9/")
    seen = [another(ticket, sms_channel, f"Lama {number}", seq=number) for number in range(7)]
    secret = another(ticket, hidden, "Rahasia")
    html = panel(pages, ticket)
    assert ">Lama 6<" in html
    assert ">Lama 2<" in html
    assert ">Lama 1<" not in html
    assert "Rahasia" not in html
    assert "All 8 tickets" in html
    assert f'href="/?customer={ticket.customer_id}"' in html
    listed = text_of(pages.get(f"/?customer={ticket.customer_id}"))
    assert all(f'id="t-{one.pk}"' in listed for one in (*seen, ticket))
    assert f'id="t-{secret.pk}"' not in listed
    assert "Dora" in listed
    assert "All 9 tickets" in panel(browser(ana), ticket)


def test_a_customer_of_whom_one_sees_nothing(ticket: Ticket, carl: Agent) -> None:
    client = browser(carl)
    assert client.get(f"/tickets/{ticket.pk}/customer/", **PART).status_code == 404
    assert client.post(f"/tickets/{ticket.pk}/customer/", {"name": "X"}, **PART).status_code == 404
    html = text_of(client.get(f"/?customer={ticket.customer_id}"))
    assert "Dora" not in html
    assert "No tickets of this customer" in html


@pytest.mark.parametrize("others", [0, 60])
def test_it_costs_eight_statements(
    ticket: Ticket, pages: Client, sms_channel: Channel, others: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(others):
        another(ticket, sms_channel, f"Lama {number}")
    Address.objects.update(is_group=True)
    with django_assert_max_num_queries(8):
        panel(pages, ticket)


def test_without_scripts_it_is_a_page(ticket: Ticket, pages: Client) -> None:
    assert "<html" in text_of(pages.get(f"/tickets/{ticket.pk}/customer/"))
    response = pages.post(f"/tickets/{ticket.pk}/customer/", {"name": "Dora Lestari"})
    assert response.status_code == 302
    assert Person.objects.get().name == "Dora Lestari"


def test_a_group_shows_who_has_written(pages: Client, webhook_channel: Channel, ticket: Ticket) -> None:
    Address.objects.filter(pk=ticket.address_id).update(is_group=True)
    Person.objects.filter(pk=ticket.customer_id).update(party="group")
    member = Address.objects.create(channel=webhook_channel, external_id="m-1", name="Fitri")
    Message.objects.create(
        ticket=ticket, channel=webhook_channel, direction="in", status="received", address=member, external_id="g-1"
    )
    html = panel(pages, ticket)
    assert "Who has written here" in html
    assert "Fitri" in html


def test_html_in_every_field(ticket: Ticket, pages: Client, sms_channel: Channel) -> None:
    Person.objects.update(name=EVIL, language='"><b>')
    Address.objects.update(name=EVIL, phone='"><script>', email='"><script>@x', external_id=EVIL, username=EVIL)
    another(ticket, sms_channel, EVIL)
    html = panel(pages, ticket)
    assert "<script" not in html
    assert "<img src=x" not in html
    assert '"><b>' not in html


@pytest.mark.parametrize("given", ["dora.s", "@dora.s"])
def test_a_user_name_has_one_sign_however_the_platform_writes_it(ticket: Ticket, pages: Client, given: str) -> None:
    Address.objects.filter(pk=ticket.address_id).update(username=given)
    html = panel(pages, ticket)
    assert "@dora.s" in html
    assert "@@" not in html


def test_a_name_of_five_hundred_marks(ticket: Ticket, pages: Client) -> None:
    Person.objects.update(name="a" + "\u0300" * 199)
    assert "\u0300" in panel(pages, ticket)
    assert pages.get("/").status_code == 200


# ── Changing ─────────────────────────────────────────────────────────────────────────────────


def test_what_is_known_is_changed_and_told(ticket: Ticket, pages: Client, bea: Agent) -> None:
    wanted = {"name": " Dora  Lestari\x00", "language": "ms", "party": "business", "type": "intermediary"}
    response = pages.post(f"/tickets/{ticket.pk}/customer/", wanted, **PART)
    line = Activity.objects.latest("seq")
    assert json.loads(response.content) == {"words": "Saved", "undo": line.pk}
    person = Person.objects.get()
    assert (person.name, person.language, person.party, person.type) == (
        "Dora Lestari\ufffd",
        "ms",
        "business",
        "intermediary",
    )
    assert (line.type, line.ticket, line.agent) == ("customer.changed", ticket, bea)
    assert line.changes["name"] == ["Dora", "Dora Lestari\ufffd"]
    html = text_of(pages.get(f"/tickets/{ticket.pk}/"))
    assert "Bea changed the customer: name “Dora Lestari\ufffd”, language Bahasa Melayu, Business, Intermediary" in html
    pages.post(f"/tickets/{ticket.pk}/customer/", wanted, **PART)
    assert Activity.objects.latest("seq") == line


@pytest.mark.parametrize(
    "values",
    [
        {"party": "cat"}, {"type": ""}, {"name": "x" * 201}, {"language": "x" * 17}, {"standing": "king"},
        {"tags": "x" * 61}, {"attributes": "plan"}, {"attributes": f"{'x' * 61} = 1"},
        {"attributes": "a = " + "x" * 501},
    ],
)  # fmt: skip
def test_what_cannot_be(ticket: Ticket, pages: Client, values: dict[str, str]) -> None:
    response = pages.post(f"/tickets/{ticket.pk}/customer/", {"name": "Lain", **values}, **PART)
    assert response.status_code == 422
    assert Person.objects.get().name == "Dora"
    assert not Activity.objects.filter(type="customer.changed").exists()


def test_the_api_tells_it_too(ticket: Ticket, bea: Agent, sms_channel: Channel) -> None:
    older = another(ticket, sms_channel, "Lama")
    lifecycle.resolve(older.pk, Actor.of(bea))
    response = Api(bea)("PATCH", f"/customers/{ticket.customer_id}/", {"name": "Dora Lestari"})
    assert response.status_code == 200
    line = Activity.objects.latest("seq")
    # On the ticket that is still open, though the resolved one moved last.
    assert (line.type, line.ticket, line.changes) == ("customer.changed", ticket, {"name": ["Dora", "Dora Lestari"]})


def test_a_line_stands_only_where_its_writer_sees(ticket: Ticket, bea: Agent, south: Team) -> None:
    lifecycle.change(ticket.pk, Actor.of(bea), team=south)
    people.change(ticket.customer_id, Actor.of(bea), bea.sight(), name="Dora L")
    assert Person.objects.get().name == "Dora L"
    assert not Activity.objects.filter(type="customer.changed").exists()


def test_a_platforms_name_does_not_undo_it(ticket: Ticket, dora: Customer, bea: Agent) -> None:
    people.change(ticket.customer_id, Actor.of(bea), bea.sight(), name="Dora L")
    dora.name = "dora_1999"
    dora.writes("Halo lagi")
    assert Person.objects.get().name == "Dora L"


# ── Noted down ───────────────────────────────────────────────────────────────────────────────


def save(pages: Client, ticket: Ticket, **values: str) -> int:
    """What the form sends, and the number by which it is undone."""
    response = pages.post(f"/tickets/{ticket.pk}/customer/", values, **PART)
    assert response.status_code == 200, response.content
    return int(json.loads(response.content)["undo"] or 0)


def noted(ticket: Ticket) -> tuple[str, list[str], dict[str, Any]]:
    person = Person.objects.get(pk=ticket.customer_id)
    return person.standing, sorted(tag.name for tag in person.tags.all()), person.attributes


def test_standing_tags_and_attributes_are_noted_shown_and_told(ticket: Ticket, pages: Client) -> None:
    save(pages, ticket, standing="loyal", tags="VIP, pelanggan lama", attributes="plan = gold\norders = 12")
    assert noted(ticket) == ("loyal", ["VIP", "pelanggan lama"], {"plan": "gold", "orders": 12})
    html = panel(pages, ticket)
    assert "Individual · External · Loyal" in html
    assert '<bdi class="cut">VIP</bdi>' in html
    assert '<dt dir="auto">orders</dt><dd dir="auto">12</dd>' in html
    assert "plan = gold</textarea>" in html
    told = text_of(pages.get(f"/tickets/{ticket.pk}/"))
    assert "changed the customer: Loyal, tags VIP, pelanggan lama, plan = gold, orders = 12" in told
    save(pages, ticket, standing="", tags="", tags_before="VIP", attributes="", attributes_before="plan = gold")
    assert noted(ticket) == ("", ["pelanggan lama"], {"orders": 12})
    assert "no standing, tags pelanggan lama, no plan" in text_of(pages.get(f"/tickets/{ticket.pk}/"))


def test_a_form_that_was_open_keeps_what_a_colleague_has_noted_meanwhile(
    ticket: Ticket, pages: Client, lena: Agent
) -> None:
    shown = {"tags_before": "lama", "attributes_before": "plan = silver"}
    save(pages, ticket, tags="lama", attributes="plan = silver")
    save(browser(lena), ticket, tags="lama, VIP", attributes="plan = silver\ncity = Kedah", **shown)
    save(pages, ticket, tags="baru", attributes="plan = gold", **shown)
    assert noted(ticket) == ("", ["VIP", "baru"], {"plan": "gold", "city": "Kedah"})


def test_what_was_noted_is_taken_back(ticket: Ticket, pages: Client, lena: Agent) -> None:
    save(pages, ticket, name="Dora", standing="new", tags="lama", attributes="plan = silver")
    before = noted(ticket)
    line = save(
        pages, ticket, name="Dora L", standing="loyal", tags="VIP", tags_before="lama",
        attributes="plan = gold\norders = 3", attributes_before="plan = silver",
    )  # fmt: skip
    # About something else: it does not stand in the way, and it stays.
    save(browser(lena), ticket, attributes="city = Kedah")
    response = pages.post(f"/tickets/{ticket.pk}/undo/", {"seq": line}, **PART)
    assert response.status_code == 200
    assert noted(ticket) == (*before[:2], {**before[2], "city": "Kedah"})
    assert Person.objects.get(pk=ticket.customer_id).name == "Dora"


@pytest.mark.parametrize("meanwhile", [{"standing": "churning"}, {"attributes": "plan = bronze"}])
def test_what_somebody_has_changed_since_is_not_taken_back(
    ticket: Ticket, pages: Client, lena: Agent, sms_channel: Channel, meanwhile: dict[str, str]
) -> None:
    line = save(pages, ticket, standing="loyal", attributes="plan = gold")
    # On another ticket of theirs, so that no line of this one tells it.
    other = another(ticket, sms_channel, "Lain")
    save(browser(lena), other, **meanwhile)
    now = noted(ticket)
    response = pages.post(f"/tickets/{ticket.pk}/undo/", {"seq": line}, **PART)
    assert response.status_code == 409
    assert noted(ticket) == now


def test_what_a_visitor_says_stays_apart_until_an_agent_keeps_it(ticket: Ticket, pages: Client) -> None:
    Address.objects.update(facts={"plan": "gold <b>", "visits": "7"})
    html = panel(pages, ticket)
    assert noted(ticket) == ("", [], {})
    assert 'name="attributes" value="plan = gold &lt;b&gt;"' in html
    save(pages, ticket, attributes="plan = gold <b>")
    save(pages, ticket, attributes="visits = 7")
    assert noted(ticket)[2] == {"plan": "gold <b>", "visits": 7}
    assert "<b>" not in panel(pages, ticket)


@pytest.mark.parametrize(
    ("number", "shown"),
    [("+628123456789", "+62 812-3456-789"), ("+66812345678", "+66 81 234 5678"), ("0812", "0812"), ("x", "x")],
)
def test_a_phone_number_as_people_write_it(number: str, shown: str) -> None:
    assert people.phone(number) == shown


# ── What a hidden tab tells ──────────────────────────────────────────────────────────────────


def told(client: Client, *numbers: Any) -> list[int]:
    response = client.get("/told/", {"n": ",".join(map(str, numbers))}, **PART)
    return [one["number"] for one in json.loads(response.content)["tickets"]]


def test_told_is_what_concerns_one(ticket: Ticket, ana: Agent, bea: Agent, lena: Agent, carl: Agent) -> None:
    everyone = [browser(agent) for agent in (ana, bea, lena, carl)]
    assert [bool(told(one, ticket.pk)) for one in everyone] == [True, True, True, False]
    lifecycle.assign(ticket.pk, bea, Actor.of(bea))
    assert [bool(told(one, ticket.pk)) for one in everyone] == [False, True, False, False]
    lifecycle.resolve(ticket.pk, Actor.of(bea))
    assert told(everyone[1], ticket.pk, "x", 2**70) == []


def test_an_administrator_is_told_of_their_own_teams(ticket: Ticket, ana: Agent, south: Team) -> None:
    ana.teams.set([south])
    assert told(browser(ana), ticket.pk) == []
