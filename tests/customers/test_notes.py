"""What may be noted down about a customer, how it is typed, and that typing loses nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers import notes
from customers.notes import Wrong

names = st.text(st.characters(exclude_characters="=<>", exclude_categories=["C", "Z"]), min_size=1, max_size=20)
texts = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)
numbers = st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9, allow_nan=False).map(lambda one: round(one, 6))
values = st.booleans() | numbers | texts


def test_tags_are_kept_once_whatever_their_capitals() -> None:
    assert notes.tags_of([" VIP ", "vip", "pelanggan  lama"]) == ["VIP", "pelanggan lama"]


@pytest.mark.parametrize("bad", [[""], [7], [None], ["x" * 61], [str(number) for number in range(51)]])
def test_what_is_no_tag(bad: Any) -> None:
    with pytest.raises(Wrong) as error:
        notes.tags_of(bad)
    assert str(error.value)


@pytest.mark.parametrize(
    "bad",
    [
        None, [], "plan", {"": 1}, {"a=b": 1}, {"a<b": 1}, {"x" * 61: 1}, {7: 1}, {"a": ""}, {"a": "x" * 501},
        {"a": []}, {"a": {}}, {"a": 10**400}, {"a": -(2**53) - 1}, {"a": float("nan")}, {"a": float("inf")},
    ],
)  # fmt: skip
def test_what_is_no_attribute(bad: Any) -> None:
    with pytest.raises(Wrong) as error:
        notes.patch_of(bad)
    assert str(error.value)


def test_a_patch_changes_what_it_names() -> None:
    now: dict[str, notes.Value] = {"Plan": "silver", "city": "Kedah"}
    assert notes.patched(now, notes.patch_of({"plan": "gold", "CITY": None, "orders": 3})) == {
        "Plan": "gold",
        "orders": 3,
    }
    assert notes.differing({"a": 1, "b": "x"}, {"a": True, "b": "x", "c": 2}) == [
        {"a": 1, "c": None},
        {"a": True, "c": 2},
    ]


def test_too_many_are_refused_and_what_is_there_may_still_change() -> None:
    full: dict[str, notes.Value] = {f"a{number}": number for number in range(notes.MOST_ATTRIBUTES)}
    with pytest.raises(Wrong):
        notes.patched(full, {"one more": 1})
    over = {**full, "merged": 1}
    assert notes.patched(over, {"merged": 2})["merged"] == 2
    assert "merged" not in notes.patched(over, {"merged": None})


@given(st.dictionaries(names, values, max_size=8))
def test_what_is_shown_and_typed_again_is_the_same(attributes: dict[str, Any]) -> None:
    read = notes.patch_of(attributes)
    kept = {name: value for name, value in read.items() if value is not None}
    shown = notes.as_typed(kept)
    assert notes.typed(shown) == {name: notes.text_of(value) for name, value in kept.items()}
    assert notes.changes_typed(shown, shown) == {}


@given(texts | numbers.map(str))
def test_a_number_is_one_only_where_it_reads_the_same(text: str) -> None:
    value = notes.value_of(text)
    assert notes.text_of(value).lower() == text.lower() or value == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10", 10), ("-3", -3), ("0.5", 0.5), ("True", True), ("false", False), ("007", "007"), ("1.50", "1.50"),
        ("+62812", "+62812"), ("1e3", "1e3"), ("nan", "nan"), ("12345678901234567890", "12345678901234567890"),
    ],
)  # fmt: skip
def test_what_is_typed_has_its_kind(text: str, value: Any) -> None:
    found = notes.value_of(text)
    assert (found, type(found)) == (value, type(value))


def test_of_a_form_only_what_was_changed_in_it() -> None:
    before = "city = Kedah\norders = 3\nplan = silver"
    assert notes.changes_typed("orders = 3\nplan = gold\nsince = 2024", before) == {
        "city": None,
        "plan": "gold",
        "since": 2024,
    }
    for bad in ("plan", "= gold", "plan ="):
        with pytest.raises(Wrong):
            notes.changes_typed(bad, "")
