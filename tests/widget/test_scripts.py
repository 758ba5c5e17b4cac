"""The widget's scripts as they go out: small, kept for long, and open to every website."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest
from django.test import Client

from channels_app.models import Channel
from channels_app.widget import scripts
from tests.conftest import connect
from tests.widget.conftest import SHOP, TOKEN, Browser

pytestmark = pytest.mark.django_db


def loader(referrer: str = "", **headers: str) -> Any:
    return Client().get("/widget.js", headers={"Referer": referrer, **headers})


def looks(response: Any) -> dict[str, Any]:
    found = re.search(r"const LOOKS=(\{.*?\});", response.content.decode())
    assert found
    result: dict[str, Any] = json.loads(found[1])
    return result


def test_the_button_is_small_and_is_asked_for_again_only_when_it_has_changed(widget_channel: Channel) -> None:
    first = loader(f"{SHOP}/", **{"Accept-Encoding": "gzip, br"})
    assert first.status_code == 200
    assert (first["Content-Encoding"], first["Content-Type"]) == ("gzip", "text/javascript; charset=utf-8")
    assert len(first.content) <= 6 * 1024
    assert first["Cache-Control"] == "private, max-age=300"
    again = loader(f"{SHOP}/", **{"Accept-Encoding": "gzip", "If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = loader(f"{SHOP}/")
    assert plain.content == gzip.decompress(first.content)
    assert plain["ETag"] != first["ETag"]
    assert Client().post("/widget.js").status_code == 405


def test_the_button_wears_the_colour_of_the_channels_of_that_page_alone(widget_channel: Channel) -> None:
    widget_channel.public_settings.update(colour="#ffd400", position="left")
    widget_channel.save()
    connect("webchat", None, "Other", widget_token="wgt_other", identity_secret="x", origins="https://other.example")
    found = looks(loader(f"{SHOP}/produk/kopi?x=1"))
    assert found == {TOKEN: {"colour": "#ffd400", "on_colour": "#000000", "position": "left", "theme": "auto"}}
    for stranger in ("", "null", "about:blank", "https://[bad", "https://evil.example/"):
        assert looks(loader(stranger)) == {}


def test_the_chat_is_kept_for_ever_under_its_own_name_alone(widget_channel: Channel) -> None:
    script = scripts.chat()
    named = re.search(r'"(/widget/chat\.[0-9a-f]{16}\.js)"', loader().content.decode())
    assert named
    kept = Client().get(named[1], headers={"Accept-Encoding": "gzip"})
    assert kept.content == script.packed
    assert "immutable" in kept["Cache-Control"]
    assert kept["Access-Control-Allow-Origin"] == "*"
    assert kept["Cross-Origin-Resource-Policy"] == "cross-origin"
    # A process of another version asks under its own name: it is answered, and nobody keeps that.
    other = Client().get("/widget/chat.0123456789abcdef.js")
    assert (other.status_code, other.content, other["Cache-Control"]) == (200, script.plain, "no-store")


def test_after_the_click_all_of_it_is_small(widget_channel: Channel) -> None:
    button = loader(f"{SHOP}/", **{"Accept-Encoding": "gzip"})
    begun = Browser().ask("POST", f"{TOKEN}/session/?language=th", HTTP_ACCEPT_ENCODING="gzip")
    assert begun["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(begun.content))["appearance"]["language"] == "th"
    assert len(button.content) + len(scripts.chat().packed) + len(begun.content) <= 25 * 1024


def test_the_parts_make_one_module() -> None:
    text = scripts.chat().plain.decode()
    assert "__" not in re.sub(r"\w__\w", "", text)
    assert re.findall(r"^(?:import|export) .*", text, re.MULTILINE) == ["export const start=(host)=>new Chat(host);"]
    names = re.findall(r"^(?:const|class|function) (\w+)", text, re.MULTILINE)
    assert sorted(set(names)) == sorted(names)


def test_remarks_stand_on_lines_of_their_own() -> None:
    """Behind code they would be taken for code."""
    for path in scripts.FOLDER.glob("*.js"):
        assert re.findall(r"^ *[^/ *\n].* //.*$", path.read_text(), re.MULTILINE) == [], path.name


def test_what_ends_a_block_means_nothing_there() -> None:
    """A loop without a body or an array with a hole would be another one without it."""
    without = re.compile(r"\b(?:for|while|if) \([^()]*(?:\([^()]*\)[^()]*)*\);|,\s*,|\[\s*,\s*\]")
    assert without.search("for (let at = 0; at < many(a); at++);")
    for path in scripts.FOLDER.glob("*.js"):
        assert without.findall(path.read_text()) == [], path.name


@pytest.mark.parametrize("word", ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "new Function", 'style="'])
def test_nothing_is_ever_read_as_html_or_as_a_program(word: str) -> None:
    assert all(word not in path.read_text() for path in scripts.FOLDER.glob("*.js"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('// why\n  const a = 1;\n\n  /** what\n * for */\n  b( a , 2 );', "const a=1;b(a,2);"),
        ('a = "x  =  ( y )";', 'a="x  =  ( y )";'),
        ("a = `${ b } = c`;", "a=`${ b } = c`;"),
        ("a = b.match(/x = (y|\\/)+/gi);", "a=b.match(/x = (y|\\/)+/gi);"),
        ('const url = "https://x.example//y";', 'const url="https://x.example//y";'),
        ("return a\n  ? b\n  : c;", "return a\n?b\n:c;"),
        ("a = {\n  b: [\n    1,\n  ],\n};\nif (a) {\n  b(\n    a,\n  );\n}", "a={b:[1]};if(a){b(a)}"),
        ('a = [";}", /[;,]}/, `,]`];', 'a=[";}",/[;,]}/,`,]`];'),
        ("a\n  .b()\n  .c();", "a.b().c();"),
    ],
)  # fmt: skip
def test_a_script_without_what_means_nothing(text: str, wanted: str) -> None:
    assert scripts.smaller_script(text) == wanted


def test_a_sheet_without_what_means_nothing() -> None:
    sheet = "/* why */\n.a, .b > c {\n  width: calc(1px + 2px);\n  color: red;\n}\n"
    assert scripts.smaller_sheet(sheet) == ".a,.b > c{width:calc(1px + 2px);color:red}"


# ── What the scripts ask for ─────────────────────────────────────────────────────────────────


def test_history_comes_a_page_at_a_time_from_its_end(dora: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels_app.widget.visitors.PAGE_BACK", 2)
    for number in range(1, 6):
        dora.says(f"pesan {number}")

    def page(before: int) -> list[str]:
        return [one["text"] for one in json.loads(dora.ask("GET", f"messages/?before={before}").content)["results"]]

    assert page(2**53 - 1) == ["pesan 4", "pesan 5"]
    assert page(4) == ["pesan 2", "pesan 3"]
    assert page(2) == ["pesan 1"]
    assert page(1) == page(0) == []
    assert dora.ask("GET", "messages/?before=x").status_code == 400


def test_whoever_has_no_socket_is_told_what_was_read(dora: Browser) -> None:
    dora.says("Halo")
    found = json.loads(dora.ask("GET", "messages/?after=1").content)
    assert found == {"at": 1, "results": [], "receipts": {"delivered": 0, "seen": 0, "read": 0}}
