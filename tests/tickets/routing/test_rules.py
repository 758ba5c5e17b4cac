"""Rules: what may stand in them, what they decide, and that each ticket is asked about once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from agents.models import Agent, Team
from channels_app.models import Address, Channel
from customers.models import Customer as Known
from customers.models import CustomerTag
from tests.conftest import Customer
from tests.tickets.routing.conftest import sit, writes
from tickets import wording
from tickets.models import Activity, Message, Ticket
from tickets.routing import comparing, considering, desk, rules
from tickets.routing.models import Queue, Route, Rule
from tickets.routing.rules import Condition, Facts, Ready, Wrong
from tickets.sla.models import Policy


def condition(field: str, *values: Any, negative: bool = False) -> Condition:
    return rules.conditions_of([{"field": field, "values": list(values), "not": negative}])[0]


def rule(number: int, *conditions: Condition, **actions: Any) -> Ready:
    return Ready(number, f"Rule {number}", conditions, rules.actions_of(actions))


# ── Pure ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("holding", "facts"),
    [
        (condition("channel", 3, 4), {"channel": 4}),
        (condition("language", "th"), {"language": "th-TH"}),
        (condition("language", "zh-hant"), {"language": "zh-Hant"}),
        (condition("type", "internal"), {"type": "internal"}),
        (condition("party", "business"), {"party": "business"}),
        (condition("standing", "loyal", "advocate"), {"standing": "loyal"}),
        (condition("tag", "VIP"), {"tags": frozenset({"vip"})}),
        (condition("customer_tag", "VIP"), {"customer_tags": frozenset({"vip"})}),
        (condition("attribute", "Plan = Gold", "x"), {"attributes": {"plan": "gold"}}),
        (condition("said", "plan"), {"said": {"plan": "gold"}}),
        (condition("text", "Uang Kembali"), {"text": "minta uang kembali ya"}),
        (condition("word", "Uang!", "kembali"), {"text": "minta uang."}),
        (condition("hours", "closed"), {"open": False}),
        (condition("previous", 7), {"previous": 7}),
        (condition("previous", rules.ANYBODY), {"previous": 9}),
    ],
    ids=lambda one: getattr(one, "field", ""),
)
def test_each_condition_holds_and_its_opposite_does_not(holding: Condition, facts: dict[str, Any]) -> None:
    assert holding.holds(Facts(**facts))
    assert not holding.holds(Facts())
    turned = Condition(holding.field, holding.values, negative=True)
    assert not turned.holds(Facts(**facts))
    assert turned.holds(Facts())


@pytest.mark.parametrize(
    "bad",
    [
        "text", [1], [{}], [{"field": "weather", "values": ["rain"]}], [{"field": "text", "values": []}],
        [{"field": "text", "values": "a"}], [{"field": "text", "values": ["  "]}], [{"field": "text", "values": [1]}],
        [{"field": "channel", "values": ["1"]}], [{"field": "channel", "values": [True]}],
        [{"field": "channel", "values": [2**63]}], [{"field": "type", "values": ["nice"]}],
        [{"field": "text", "values": ["x" * 101]}], [{"field": "channel", "values": list(range(201))}],
        [{"field": "tag", "values": ["a"]}, {"field": "tag", "values": ["b"]}],
        *([{"field": "said", "values": [bad]}] for bad in ("= gold", "plan =", "a > many", "a && ", "x" * 301, 7)),
    ],
)  # fmt: skip
def test_what_is_no_condition_is_refused_in_words(bad: Any) -> None:
    with pytest.raises(Wrong) as error:
        rules.conditions_of(bad)
    assert str(error.value)


@pytest.mark.parametrize(
    "bad",
    [
        None, {}, {"team": "1"}, {"team": -1}, {"fly": True}, {"priority": "huge"}, {"tags": "vip"},
        {"tags": [""]}, {"reply": 5}, {"reply": "x" * 4001}, {"reply": "  "},
    ],
)  # fmt: skip
def test_what_is_no_action_is_refused_in_words(bad: Any) -> None:
    with pytest.raises(Wrong) as error:
        rules.actions_of(bad)
    assert str(error.value)


NAMES = [*rules.FIELDS, "field", "values", "not", "team", "tags"]
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=12,
)


@given(json)
def test_whatever_stands_in_the_database_is_read_or_left_out(given_: Any) -> None:
    """And never breaks what gives out tickets."""
    found = rules.ready(Rule(name="x", conditions=given_, actions={"priority": "high"}))
    assert found is None or found.matches(Facts()) in (True, False)
    assert rules.ready(Rule(name="x", conditions=[], actions=given_)) is None or given_


@given(st.text("ab =<>&\t1.", max_size=20))
def test_what_is_asked_of_attributes_has_one_spelling(text: str) -> None:
    found = comparing.spelled(text)
    assert found is None or comparing.spelled(found) == found


@given(st.lists(st.fixed_dictionaries({"field": st.just("text"), "values": st.just(["a"])}), max_size=1))
def test_what_is_stored_reads_as_itself(raw: list[dict[str, Any]]) -> None:
    found = rules.conditions_of(raw)
    assert rules.conditions_of(rules.stored(found)) == found


def test_the_first_to_say_a_thing_wins_and_tags_add_up() -> None:
    outcome = rules.decide(
        [
            rule(1, condition("text", "refund"), team=1, tags=["Money"]),
            rule(2, team=2, priority="high", tags=["Money", "all"]),
            rule(3, condition("text", "never"), priority="urgent"),
        ],
        Facts(text="a refund please"),
    )
    assert (outcome.team, outcome.priority, outcome.tags) == (1, "high", ["Money", "all"])
    assert outcome.rules == ["Rule 1", "Rule 2"]


def test_no_rule_sets_off_another() -> None:
    """A tag that one gives is no news to the next: nothing goes in circles."""
    circle = [rule(1, condition("tag", "b"), tags=["a"]), rule(2, condition("tag", "a"), tags=["b"])]
    assert rules.decide(circle, Facts()).rules == []
    assert rules.decide(circle, Facts(tags=frozenset({"a"}))).tags == ["b"]


@pytest.mark.parametrize(
    ("asked", "known", "holds"),
    [
        ("plan", {"plan": "gold"}, True),
        ("plan = gold", {"plan": "silver"}, False),
        ("orders>10", {"orders": "11"}, True),
        ("orders > 10", {"orders": "10"}, False),
        ("orders >= 10", {"orders": "10"}, True),
        ("orders < 9", {"orders": "8.5"}, True),
        ("orders <= 9", {"orders": "9.5"}, False),
        ("orders = 10", {"orders": "10.0"}, True),
        ("orders > 10", {"orders": "many"}, False),
        ("since = 007", {"since": "7"}, True),
        ("name = a=b", {"name": "a=b"}, True),
        ("orders > 1", {"orders": "nan"}, False),
        ("plan = gold && country = th", {"plan": "gold", "country": "th"}, True),
        ("plan = gold && country = th", {"plan": "gold", "country": "id"}, False),
    ],
)
def test_attributes_are_compared_as_texts_and_as_numbers(asked: str, known: dict[str, str], holds: bool) -> None:
    assert condition("attribute", asked).holds(Facts(attributes=known)) is holds
    # Neither stands for the other.
    assert not condition("attribute", asked).holds(Facts(said=known))
    assert condition("said", asked).holds(Facts(said=known)) is holds


def test_what_looks_like_a_chain_is_found() -> None:
    """Nothing goes in circles; whoever has written a circle, or a chain, is told so."""
    first, second = rule(1, condition("tag", "b"), tags=["A"]), rule(2, condition("tag", "a", "c"), tags=["b"])
    apart = rule(3, condition("tag", "a", negative=True), tags=["x"])
    assert rules.waiting_for_each_other([first, second, apart]) == [(first, second, "b"), (second, first, "A")]
    assert rules.waiting_for_each_other([first, apart]) == []
    own = rule(4, condition("tag", "z"), tags=["z"])
    assert rules.waiting_for_each_other([own]) == []


def test_what_can_never_be_meant_is_found() -> None:
    never = [condition("language", "th"), condition("language", "th", "id", negative=True)]
    assert rules.impossible(never) == never[0]
    assert rules.impossible([condition("hours", "open", "closed", negative=True)]) is not None
    assert rules.impossible([condition("language", "th", "id"), condition("language", "id", negative=True)]) is None
    first, second = rule(1, team=1), rule(2, condition("text", "vip"), team=2)
    assert rules.overruled([first, second]) == [(second, first, "team")]
    assert rules.overruled([second, first]) == []
    assert rules.overruled([first, rule(3, condition("text", "vip"), team=1)]) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("art", True), ("my art, please", True), ("(art)", True), ("art-work", True), ("party", False),
        ("art1", False), ("start art", True), ("partart", False), ("", False), ("ärt", False), ("arta\u0301", False),
    ],
)  # fmt: skip
def test_a_whole_word_stands_alone(text: str, found: bool) -> None:
    assert condition("word", "art").holds(Facts(text=text)) is found
    none_of = rules.conditions_of([{"field": "word", "values": ["art", "money back"], "not": True}])[0]
    assert none_of.holds(Facts(text=text)) is not found


def test_signs_alone_are_no_word() -> None:
    assert not condition("word", "!?").holds(Facts(text="what !?"))


def test_a_sign_on_a_letter_belongs_to_its_word() -> None:
    assert not condition("word", "ก").holds(Facts(text="ก็ได้"))
    assert condition("word", "ก็ได้").holds(Facts(text="ก็ได้ ครับ"))


def test_a_long_text_is_read_in_one_go() -> None:
    facts = Facts(text="a" * 20_000)
    assert not condition("word", *["a" * length for length in range(1, 101)]).holds(facts)
    assert not condition("text", *[f"{'a' * 90}{n}" for n in range(200)]).holds(facts)


# ── On the desk ──────────────────────────────────────────────────────────────────────────────


def keep(name: str, conditions: list[dict[str, Any]], position: int = 0, **actions: Any) -> Rule:
    return Rule.objects.create(
        name=name, conditions=conditions, actions=actions, position=position,
        active_since=timezone.now() - timedelta(seconds=1),
    )  # fmt: skip


def types(ticket: Ticket) -> list[str]:
    return list(Activity.objects.filter(ticket=ticket).order_by("seq").values_list("type", flat=True))


def test_a_rule_does_all_that_it_says_once(dora: Customer, bea: Agent, south: Team, carl: Agent, db: None) -> None:
    policy = Policy.objects.create(name="Gold")
    keep(
        "Refunds", [{"field": "text", "values": ["uang kembali"]}],
        team=south.pk, priority="high", tags=["Money"], skills=["Refunds"], sla=policy.pk, agent=carl.pk,
        reply="Kami segera kembali.",
    )  # fmt: skip
    dora.writes("Saya minta UANG  kembali")
    desk.sweep()
    ticket = Ticket.objects.get()
    assert (ticket.team, ticket.priority, ticket.assignee) == (south, "high", carl)
    assert [tag.name for tag in ticket.tags.all()] == ["Money"]
    assert Route.objects.get().skills == ["refunds"]
    sent = Message.objects.get(direction="out")
    assert (sent.text, sent.extra) == ("Kami segera kembali.", {"automatic": "auto-replied"})
    assert any(wording.of_line(line) == "Rules: Refunds" for line in Activity.objects.filter(ticket=ticket))
    before = types(ticket)
    desk.sweep()
    desk.moved(ticket.pk)
    assert types(ticket) == before


def test_rules_come_before_anybody_gets_it(
    sms_channel: Channel, bea: Agent, north: Team, south: Team, carl: Agent, queue: Queue
) -> None:
    Queue.objects.create(team=south, mode=Queue.Mode.DIRECT)
    keep("All south", [], team=south.pk)
    sit(bea), sit(carl)
    ticket = writes(sms_channel)
    # A colleague comes free in the moment between: it is not theirs to get.
    desk.serve(queue)
    ticket.refresh_from_db()
    assert ticket.assignee is None
    desk.sweep()
    ticket.refresh_from_db()
    assert (ticket.team, ticket.assignee) == (south, carl)


def test_tickets_from_before_are_left_alone(sms_channel: Channel, queue: Queue, bea: Agent) -> None:
    sit(bea)
    ticket = writes(sms_channel)
    Ticket.objects.update(created_at=timezone.now() - timedelta(days=1))
    keep("All", [], priority="urgent")
    desk.sweep()
    ticket.refresh_from_db()
    assert (ticket.priority, ticket.assignee) == ("normal", bea)


def test_what_names_somebody_who_is_gone_does_the_rest(dora: Customer, south: Team, carl: Agent) -> None:
    keep("Gone", [], agent=carl.pk, team=10**6, sla=10**6, priority="low")
    keep("Unreadable", [{"field": "weather", "values": ["rain"]}], priority="high")
    dora.writes("Halo")
    desk.sweep()
    ticket = Ticket.objects.get()
    # Carl cannot see this team's tickets.
    assert (ticket.priority, ticket.assignee) == ("low", None)


def test_whom_a_rule_names_waits_for_their_turn_in_a_queue(
    sms_channel: Channel, ana: Agent, bea: Agent, queue: Queue
) -> None:
    sit(ana), sit(bea, capacity=2)
    keep("Bea's", [], agent=bea.pk)
    first, second = writes(sms_channel), writes(sms_channel)
    desk.sweep()
    holders = {row.pk: row.assignee for row in Ticket.objects.all()}
    assert [holders[first.pk], holders[second.pk]] == [bea, ana]


def test_before_it_is_switched_on_it_is_tried_on_the_past(sms_channel: Channel, north: Team) -> None:
    matching = [writes(sms_channel, subject=f"Refund {n}") for n in range(3)]
    writes(sms_channel, subject="Hello")
    found, of = considering.rehearse(rule(1, condition("text", "refund"), priority="high"), Ticket.objects.all())
    assert ([row.pk for row in found], of) == ([one.pk for one in matching[::-1]], 4)
    found, of = considering.rehearse(rule(1, priority="high"), Ticket.objects.all(), limit=2)
    assert (len(found), of) == (2, 2)


def test_what_is_noted_about_the_customer_decides_and_what_a_visitor_claims_does_not(
    sms_channel: Channel, north: Team
) -> None:
    gold, forger, _plain = (writes(sms_channel, subject=name) for name in ("Gold", "Forger", "Plain"))
    Known.objects.filter(pk=gold.customer_id).update(attributes={"Plan": "Gold", "orders": 12})
    CustomerTag.objects.create(customer_id=gold.customer_id, name="VIP")
    Address.objects.filter(pk=forger.address_id).update(facts={"plan": "gold", "orders": "99"})

    def matched(*conditions: Condition) -> list[str]:
        found, _of = considering.rehearse(rule(1, *conditions, priority="high"), Ticket.objects.order_by("pk"))
        return sorted(one.subject for one in found)

    assert matched(condition("attribute", "plan = gold")) == ["Gold"]
    assert matched(condition("attribute", "plan = gold && orders > 10"), condition("customer_tag", "vip")) == ["Gold"]
    assert matched(condition("said", "plan = gold")) == ["Forger"]
    assert matched(condition("attribute", "plan", negative=True)) == ["Forger", "Plain"]


def test_a_rule_about_a_customer_is_done(sms_channel: Channel, north: Team) -> None:
    Rule.objects.create(
        name="Gold first", active_since=timezone.now(), actions={"priority": "urgent"},
        conditions=[{"field": "attribute", "values": ["plan = gold"]}, {"field": "customer_tag", "values": ["vip"]}],
    )  # fmt: skip
    ticket, forger = writes(sms_channel), writes(sms_channel)
    Known.objects.filter(pk=ticket.customer_id).update(attributes={"plan": "gold"})
    CustomerTag.objects.create(customer_id=ticket.customer_id, name="VIP")
    Address.objects.filter(pk=forger.address_id).update(facts={"plan": "gold"})
    CustomerTag.objects.create(customer_id=forger.customer_id, name="vip")
    considering.consider([ticket.pk, forger.pk])
    found = dict(Ticket.objects.values_list("pk", "priority"))
    assert found == {ticket.pk: "urgent", forger.pk: "normal"}


def test_trying_costs_the_same_however_many_tickets(sms_channel: Channel, django_assert_max_num_queries: Any) -> None:
    for _ in range(8):
        writes(sms_channel)
    with django_assert_max_num_queries(7):
        considering.rehearse(rule(1, priority="high"), Ticket.objects.all())
