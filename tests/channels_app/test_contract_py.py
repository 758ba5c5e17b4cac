"""The small pieces that all adapters stand on: strict JSON, clean text, natural seams."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_app.contract import (
    Abilities,
    Account,
    BadBody,
    InboundRequest,
    NoSeam,
    OutboundMessage,
    clean_text,
    read_json,
    read_json_object,
    split_text,
)
from channels_app.contract.text import LONGEST_NUMBER


def test_nesting_up_to_the_limit_is_read() -> None:
    assert read_json(b"[" * 64 + b"]" * 64)
    assert read_json(b'{"a":' * 64 + b"1" + b"}" * 64)
    assert read_json(json.dumps(["[{" * 500, '\\"[' * 100]).encode()), "brackets inside a text do not count"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b"[" * 1_000_000,
        b'["' + b'\\"' * 50_000 + b"[" * 100_000,
        b"\xff",
        "{}".encode("utf-16"),
        b"NaN",
        b"-Infinity",
        b"1" * 1000,
        b"-" + b"1" * 100_000,
        b"",
        b"{'a': 1}",
        b'{"a": 1} trailing',
    ],
)
def test_what_is_not_json_or_not_sane_is_a_bad_body(body: bytes) -> None:
    with pytest.raises(BadBody):
        read_json(body)


@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null"])
def test_an_object_is_an_object(body: bytes) -> None:
    read_json(body)
    with pytest.raises(BadBody):
        read_json_object(body)


def test_digits_in_a_text_are_no_number() -> None:
    assert read_json(b'{"id": "' + b"9" * 5000 + b'", "n": 12}')["n"] == 12
    assert read_json(b"\xef\xbb\xbf{}") == {}, "a byte order mark is harmless"


@pytest.mark.timeout(30)
def test_runs_of_digits_just_below_the_longest_number_cost_no_more_than_letters() -> None:
    """All that the API takes of them was half a minute, in which the process did nothing else; now half a second."""
    text = "1" + ("9" * (LONGEST_NUMBER - 2) + "a") * (12 * 1024 * 1024 // LONGEST_NUMBER)
    assert read_json(f'["{text}", 7]'.encode()) == [text, 7]
    for before in ("", "1,", '"1",', " "):
        with pytest.raises(BadBody, match=f"{LONGEST_NUMBER} digits"):
            read_json(f"[{before}{'9' * LONGEST_NUMBER}]".encode())
        with pytest.raises(BadBody):
            read_json(f"[{before}-{'9' * LONGEST_NUMBER}]".encode())


def test_a_large_body_is_judged_quickly() -> None:
    started = time.monotonic()
    with pytest.raises(BadBody):
        read_json(b'["' + b'\\"' * 5_000_000)
    assert time.monotonic() - started < 5


@given(st.text(alphabet=st.characters(codec=None), max_size=200))
def test_clean_text_changes_only_what_cannot_be_stored(text: str) -> None:
    clean = clean_text(text)
    clean.encode()
    assert "\x00" not in clean
    assert len(clean) == len(text)
    assert all(
        a == b or (b == "\ufffd" and (a == "\x00" or "\ud800" <= a <= "\udfff"))
        for a, b in zip(text, clean, strict=True)
    )


@given(
    st.text(st.sampled_from("ab .!\n😀กิ่ง้é"), max_size=400),
    st.integers(4, 80),
    st.sampled_from(["characters", "utf16", "bytes"]),
)
def test_split_text_loses_nothing_but_space_at_the_seams(text: str, limit: int, unit) -> None:
    able = Abilities(max_length=limit, unit=unit)
    try:
        parts = split_text(text, able)
    except NoSeam:
        return
    assert all(able.length(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert [word for part in parts for word in part.split()] == text.split()


def test_a_word_is_never_cut() -> None:
    for limit in range(2, 30):
        with pytest.raises(NoSeam):
            split_text("ที่นี่ก็ดี" * 10, Abilities(max_length=limit))


def test_writing_without_spaces_is_cut_between_syllables() -> None:
    thai = "ขอบคุณที่แจ้งมาแล้วเราจะส่งสินค้าให้ใหม่โดยเร็ว"
    parts = split_text(thai, Abilities(max_length=60, unit="bytes"))
    assert "".join(parts) == thai
    assert all(len(part.encode()) <= 60 for part in parts)
    # Each begins with a vowel that is written before its consonant: no syllable is torn.
    assert all(part[0] in "เแโใไ" for part in parts[1:])
    japanese = "ご注文ありがとうございます、すぐに発送いたします。"
    parts = split_text(japanese, Abilities(max_length=10))
    assert "".join(parts) == japanese
    assert not any(part.startswith(("、", "。", "ー")) for part in parts)


def test_a_cut_is_at_a_natural_place() -> None:
    text = "Satu kalimat pendek. Kalimat kedua ini agak panjang."
    assert split_text(text, Abilities(max_length=35)) == ["Satu kalimat pendek.", "Kalimat kedua ini agak panjang."]
    assert split_text(text, Abilities()) == [text]


def test_secrets_do_not_show_in_a_repr() -> None:
    assert "geheim" not in repr(Account(id=1, kind="x", name="y", settings={"secret": "geheim"}))


def test_headers_are_found_in_any_case_and_urls_have_no_tail() -> None:
    assert InboundRequest("GET", "", {"x-a": "1"}, b"").header("X-A") == "1"
    account = Account(id=1, kind="x", name="y", settings={"base_url": "http://fake:1/"})
    assert account.base_url("https://api.example") == "http://fake:1"
    assert account.get("missing") == ""
    assert OutboundMessage(key="1", to="x").attempt == 1
