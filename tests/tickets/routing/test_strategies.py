"""Who should get it: whatever the people and the work, what is promised holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tickets.routing import words
from tickets.routing.strategies import Candidate, Choice, Way, Work, choose, fits, spoken

SKILLS, LANGUAGES = ("billing", "refunds", "vip"), ("th", "id", "en", "zh-hant")

candidates = st.lists(
    st.builds(
        Candidate,
        agent=st.integers(1, 9),
        name=st.just("Bea"),
        online=st.booleans(),
        asked=st.booleans(),
        load=st.integers(0, 12),
        capacity=st.integers(0, 10),
        skills=st.frozensets(st.sampled_from(SKILLS)),
        languages=st.frozensets(st.sampled_from(LANGUAGES)),
        idle_since=st.floats(0, 100),
    ),
    max_size=7,
    unique_by=lambda one: one.agent,
)
works = st.builds(
    Work,
    weight=st.integers(1, 12),
    language=st.sampled_from(["", *LANGUAGES, "zh-Hans"]),
    skills=st.frozensets(st.sampled_from(SKILLS)),
    previous=st.none() | st.integers(1, 9),
    wanted=st.none() | st.integers(1, 9),
    passed=st.frozensets(st.integers(1, 9), max_size=3),
    relaxed=st.booleans(),
)
ways = st.builds(
    Way,
    strategy=st.sampled_from(["round_robin", "least_busy", "best_match", "from a newer version"]),
    sticky=st.booleans(),
    language=st.sampled_from(["ignore", "prefer", "require"]),
)


def able(one: Candidate, work: Work, way: Way) -> bool:
    """The promise, written once more in other words."""
    speaks = spoken(work.language) in {spoken(code) for code in one.languages}
    required = way.language == "require" and work.language and not work.relaxed
    return (
        one.online
        and not one.asked
        and one.capacity > 0
        and one.load + min(work.weight, one.capacity) <= one.capacity
        and one.agent not in work.passed
        and (work.relaxed or work.skills <= one.skills)
        and (not required or speaks)
    )


@given(works, candidates, ways)
def test_nobody_gets_what_they_cannot_take_and_nothing_waits_that_somebody_could(
    work: Work, crew: list[Candidate], way: Way
) -> None:
    found = choose(work, crew, way)
    could = [one for one in crew if able(one, work, way)]
    assert (found.agent in could) if could else (found.agent is None)
    assert found.reasons


@given(works, candidates, ways)
def test_the_order_in_which_they_stand_decides_nothing(work: Work, crew: list[Candidate], way: Way) -> None:
    assert choose(work, crew, way) == choose(work, crew[::-1], way)


@given(works, candidates, ways)
def test_whom_a_rule_names_comes_first_then_who_had_them_before(work: Work, crew: list[Candidate], way: Way) -> None:
    could = {one.agent for one in crew if able(one, work, way)}
    chosen = choose(work, crew, way).agent
    if work.wanted in could:
        assert chosen is not None
        assert chosen.agent == work.wanted
    elif way.sticky and work.previous in could:
        assert chosen is not None
        assert chosen.agent == work.previous


@given(works, candidates, ways)
def test_every_reason_has_words(work: Work, crew: list[Candidate], way: Way) -> None:
    for reason in choose(work, crew, way).reasons:
        assert words.of([reason]), reason


@given(candidates, st.sampled_from(["round_robin", "least_busy"]))
def test_who_comes_first_among_those_who_can(crew: list[Candidate], strategy: str) -> None:
    way, work = Way(strategy=strategy, sticky=False, language="ignore"), Work()
    could = [one for one in crew if able(one, work, way)]
    chosen = choose(work, crew, way).agent
    if chosen is None:
        assert not could
    elif strategy == "round_robin":
        assert chosen.idle_since == min(one.idle_since for one in could)
    else:
        assert chosen.load / chosen.capacity == min(one.load / one.capacity for one in could)


def test_in_turn_everybody_gets_as_many() -> None:
    crew = {number: Candidate(number, capacity=100) for number in (1, 2, 3)}
    got = {1: 0, 2: 0, 3: 0}
    for at in range(30):
        chosen = choose(Work(), list(crew.values()), Way("round_robin")).agent
        assert chosen is not None
        got[chosen.agent] += 1
        crew[chosen.agent] = Candidate(chosen.agent, capacity=100, load=chosen.load + 1, idle_since=at + 1.0)
    assert got == {1: 10, 2: 10, 3: 10}


def said(choice: Choice) -> str:
    return words.of(choice.reasons)


def test_it_is_explained_as_a_colleague_would() -> None:
    bea = Candidate(1, "Bea", load=2, capacity=5, languages=frozenset({"th"}))
    ana = Candidate(2, "Ana", load=2, capacity=5, languages=frozenset({"th"}), idle_since=9)
    chosen = choose(Work(language="th"), [ana, bea, Candidate(3, "Carl")], Way())
    assert chosen.agent == bea
    assert said(chosen) == "speaks Thai, 2 of 5 busy, longest without new work"


def test_it_says_what_is_missing() -> None:
    free = Candidate(1, "Bea")
    full = Candidate(2, "Ana", load=5, capacity=5)
    require = Way(language="require")
    assert said(choose(Work(), [], Way())) == "nobody is in the team"
    assert said(choose(Work(), [Candidate(1, capacity=0)], Way())).startswith("nobody in the team takes work")
    assert said(choose(Work(), [Candidate(1, online=False)], Way())) == "nobody is online"
    assert said(choose(Work(), [full], Way())) == "everybody is full"
    assert said(choose(Work(language="th"), [free], require)) == "nobody speaks Thai"
    assert said(choose(Work(skills=frozenset({"vip"})), [free], Way())) == "nobody knows vip"
    assert said(choose(Work(passed=frozenset({1})), [free], Way())) == "everybody was asked and nobody took it"
    late = choose(Work(language="th", relaxed=True), [free], require)
    assert late.agent == free
    assert "nobody better came in time" in said(late)


def test_what_is_heavier_than_a_whole_capacity_is_for_empty_hands() -> None:
    assert fits(0, 2, 5)
    assert not fits(1, 2, 5)
    assert not fits(0, 0, 1)


def test_reasons_of_another_version_are_left_out() -> None:
    assert words.of([["from a newer version", {}], ["busy", {}], ["only", {}], [], ["speaks", {"language": "xx"}]]) == (
        "the only one free, speaks xx"
    )
