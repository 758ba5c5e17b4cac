"""HTML of strangers: nothing active is kept, nothing is loaded, and it still looks like what was sent."""

from __future__ import annotations

import pytest

from channels_app.adapters.email import html, parser, rendering
from tests.channels_app.email.mails import mail


def clean(markup: str) -> str:
    return html.sanitise(markup)


@pytest.mark.parametrize(
    "markup",
    [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>", "<iframe src=https://x.example></iframe>",
        "<form action=https://x.example><input name=a><button>b</button></form>", "<style>*{background:url(https://x.example)}</style>",
        '<link rel=stylesheet href="https://x.example">', '<meta http-equiv=refresh content="0;url=https://x.example">', '<base href="https://x.example">',
        '<a href="javascript:alert(1)">a</a>', '<a href=" java\nscript:alert(1)">a</a>', '<a href="&#106;avascript:alert(1)">a</a>', '<a href="data:text/html,x">a</a>',
        '<a href="vbscript:x">a</a>', '<div style="background:url(https://x.example)">a</div>', '<div style="position:fixed;top:0">a</div>',
        '<div style="width:expression(alert(1))">a</div>', '<div style="background:u\\rl(https://x.example)">a</div>', '<img srcset="https://x.example 2x">',
        '<video poster="https://x.example"></video>', '<table background="https://x.example">', '<math><mtext><img src=x onerror=alert(1)></mtext></math>',
        '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>', '<!--[if mso]><script>alert(1)</script><![endif]-->', "<object data=x></object>",
        '<img src="data:image/svg+xml;base64,PHN2Zz4=">', '<a href="/settings/delete">a</a>', '<div onclick="x" srcdoc="y">a</div>', '<input autofocus onfocus=alert(1)>',
    ],
)  # fmt: skip
def test_what_acts_or_loads_is_gone(markup: str) -> None:
    kept = clean(markup).lower()
    for word in ("script", "alert", "onerror", "onload", "url(", "<form", "<input", "<style", "<meta", "<base", "<iframe", "svg", "position",
                 "expression", "x.example", "srcset", 'href="/', "data:", "srcdoc", "<object", "<link"):  # fmt: skip
        assert word not in kept


def test_no_picture_has_an_address_that_a_browser_loads() -> None:
    kept = clean(
        '<img src="https://x.example/a.png?b=1&c=2" alt="a" width=10><img src="cid:p1@x"><img src="//x.example/b.png"><img src="c.png">'
    )
    assert ' src="' not in kept
    assert 'data-src="https://x.example/a.png?b=1&amp;c=2"' in kept
    assert 'data-cid="p1@x"' in kept
    assert 'data-src="https://x.example/b.png"' in kept
    assert "c.png" not in kept


def test_a_small_picture_written_into_the_html_is_shown_and_a_large_one_not() -> None:
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in clean('<img src="data:image/png;base64,iVBORw0KGgo=">')
    assert "data:" not in clean(f'<img src="data:image/png;base64,{"A" * (html.LARGEST_DATA_PICTURE + 1)}">')


def test_attributes_that_look_like_tags_are_not_taken_for_some() -> None:
    kept = clean('<b title="<img src=&quot;https://x.example/a&quot;>">a</b><b title="<img alt=" class="x">b</b>')
    assert "data-src" not in kept.replace("&lt;", "<").split(">a<")[0].split('title="')[0]
    assert clean(kept) == kept or "title" in kept


def test_links_open_elsewhere_and_tell_nothing() -> None:
    kept = clean(
        '<a href="https://x.example/?a=1">a</a><a href="mailto:b@x.example">b</a><a href="www.x.example">c</a><a href="#d">d</a>'
    )
    assert kept.count('target="_blank"') == 4
    assert kept.count('rel="noopener noreferrer nofollow"') == 4
    assert 'href="https://www.x.example"' in kept
    assert 'href="#mail-d"' in kept


def test_tables_and_quiet_styles_stay() -> None:
    kept = clean(
        '<table width=600><tr><td bgcolor="#eee" style="color:red; font-size:12px; -webkit-x:y">a</td></tr></table>'
    )
    assert "<table" in kept
    assert 'bgcolor="#eee"' in kept
    assert "color:red" in kept.replace(" ", "")
    assert "webkit" not in kept


def test_ids_meet_none_of_ours() -> None:
    assert 'id="mail-composer"' in clean('<div id="composer">a</div>')


def test_what_is_stored_is_a_fixed_point_of_the_sanitiser_but_for_parked_pictures() -> None:
    kept = clean('<p class="a" style="color:red">a<br><a href="https://x.example">b</a></p>')
    assert clean(kept) == kept


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<div>a</div><div>b<br>c</div>", "a\nb\nc"),
        ("<ul><li>a<li>b</ul><ol><li>c<li>d</ol>", "- a\n- b\n\n1. c\n2. d"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a b\nc"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("a\n   b &amp; c&nbsp;d", "a b & c\u00a0d"),
        ("<title>x</title><style>y</style>a<!-- z -->", "a"),
        ('<img alt="logo" src="https://x.example/a.png"> b', "logo b"),
        ("a&lt;b>c", "a<b>c"),
        ("", ""),
    ],
)
def test_text_of_html(markup: str, text: str) -> None:
    assert rendering.text_of(clean(markup)) == text


def test_deep_html_keeps_its_words() -> None:
    """Where inscriptis gives nothing at all."""
    assert rendering.text_of(clean("<div>" * 1000 + "deep" + "</div>" * 1000)) == "deep"


def test_a_wide_table_stays_as_small_as_it_was() -> None:
    """Where inscriptis makes 100 MB of 120 KB."""
    markup = f"<table><tr><td>{'x' * 20_000}</td></tr>{'<tr><td>a</td></tr>' * 5_000}</table>"
    assert len(rendering.text_of(clean(markup))) < len(markup)


def test_html_beside_plain_text_is_kept_with_it() -> None:
    read = parser.read(mail("Content-Type: text/html", body="<p onclick=x>Halo</p>"))
    assert (read.html, read.text) == ("<p>Halo</p>", "Halo")
    assert parser.read(mail()).html is None
