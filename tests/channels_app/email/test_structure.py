"""Parts, files and the limits: what is sent to break us is read in time that grows with its size and no faster."""

from __future__ import annotations

import pytest

from channels_app.adapters.email import parser, structure, transfer
from channels_app.adapters.email.limits import LIMITS
from channels_app.contract import Adapter
from tests.channels_app.email.mails import encoded, mail, multipart

PDF = "Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment\r\n\r\n%PDF"


def nested(levels: int) -> bytes:
    heads = (f'Content-Type: multipart/mixed; boundary="b{i}"\r\n\r\n--b{i}\r\n' for i in range(levels))
    return "".join(heads).encode() + b"Content-Type: text/plain\r\n\r\nhello\r\n"


def test_text_and_html_and_file() -> None:
    inner = multipart(
        "alternative", "Content-Type: text/plain\r\n\r\nhalo", "Content-Type: text/html\r\n\r\n<b>halo</b>"
    )
    read = parser.read(multipart("mixed", inner.replace(b"edge", b"inner").partition(b"\r\n")[2], PDF))
    assert (read.text, read.html) == ("halo", "<b>halo</b>")
    assert [(file.filename, file.mime, file.data) for file in read.files] == [("a.pdf", "application/pdf", b"%PDF")]


def test_a_message_in_the_message_is_one_file() -> None:
    inside = multipart("mixed", "Content-Type: text/plain\r\n\r\nsecret", PDF).replace(b"edge", b"other")
    read = parser.read(multipart("mixed", "\r\nlook", b"Content-Type: message/rfc822\r\n\r\n" + inside))
    assert read.text == "look"
    assert [file.mime for file in read.files] == ["message/rfc822"]
    assert b"secret" in read.files[0].data


def test_a_picture_in_its_place() -> None:
    picture = (
        "Content-Type: image/png; name=p.png\r\nContent-ID: <p1@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + encoded(b"\x89PNG")
    )
    read = parser.read(multipart("related", 'Content-Type: text/html\r\n\r\n<img src="cid:p1@x">', picture))
    assert read.html is not None
    assert 'data-cid="p1@x"' in read.html
    assert [(file.content_id, file.inline, file.data) for file in read.files] == [("p1@x", True, b"\x89PNG")]


@pytest.mark.parametrize(
    "broken",
    [
        b"Content-Type: multipart/mixed\r\n\r\n--edge\r\n\r\nhalo\r\n--edge--",  # no boundary named
        b"Content-Type: multipart/mixed; boundary=other\r\n\r\n--edge\r\n\r\nhalo\r\n--edge--",
        b"Content-Type: multipart/mixed; boundary=edge\r\n\r\n--edge\r\n\r\nhalo",  # never closed
        b"Content-Type: multipart/mixed; boundary=edge\r\n\r\nhalo",  # no part at all
        b"\xef\xbb\xbfContent-Type: text/plain\r\n\r\nhalo",  # byte order mark
        b"\r\nContent-Type: text/plain\r\n\r\nhalo",  # blank line first
        b"Content-Type: text\r\n\r\nhalo",
        b"Content-Type: ;;;\r\n\r\nhalo",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nhalo, this is not base64",
        b"Content-Type: text/plain\nSubject: x\n\nhalo",
    ],
)
def test_broken_structure_still_says_halo(broken: bytes) -> None:
    assert "halo" in parser.read(b"From: a@x.example\r\n" * (not broken.startswith((b"\xef", b"\r"))) + broken).text


@pytest.mark.parametrize(
    ("data", "encoding", "meant"),
    [
        (b"aGFs\r\nbw==\r\n", "base64", b"halo"),
        (b"aGFsbw", "BASE64 ".lower(), b"halo"),
        (b"aGE=bG8=", "base64", b"halo"),
        (b"aGFsbw== and a list's footer", "base64", b"halo"),
        (b"h=61lo=\r\n!", "quoted-printable", b"halo!"),
        (b"begin 644 a.txt\n$:&%L;P\n`\nend\n", "x-uuencode", b"halo"),
        (b"halo", "8bit", b"halo"),
        (b"halo", "nonsense", b"halo"),
        (b"=", "quoted-printable", b""),
        (b"!!!!", "base64", b""),
    ],
)
def test_transfer_encodings(data: bytes, encoding: str, meant: bytes) -> None:
    assert transfer.decode(data, encoding.strip()) == meant


def test_a_uuencoded_file_in_a_text() -> None:
    read = parser.read(mail(body="before\r\nbegin 644 a.txt\r\n$:&%L;P\r\n`\r\nend\r\nafter"))
    assert read.text.split() == ["before", "after"]
    assert [(file.filename, file.data) for file in read.files] == [("a.txt", b"halo")]


def test_flowed_text_is_put_together() -> None:
    read = parser.read(mail("Content-Type: text/plain; format=flowed", body="one \r\ntwo\r\n-- \r\nAna"))
    assert read.text == "one two\n-- \nAna"


# ── What is sent to break us ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("levels", [LIMITS.depth - 1, LIMITS.depth + 1, 1_000, 5_000])
def test_levels(levels: int) -> None:
    read = parser.read(nested(levels))
    deep = levels > LIMITS.depth
    assert ("too-deep" in read.notes) == deep
    # What is not walked into is kept as a file.
    assert ("hello" in read.text) == (not deep)
    assert not deep or b"hello" in read.files[0].data


@pytest.mark.parametrize("count", [10, 10_000, 50_000])
def test_parts(count: int) -> None:
    raw = multipart(
        "mixed", *["Content-Type: text/plain; name=a.txt\r\nContent-Disposition: attachment\r\n\r\nhi"] * count
    )
    read = parser.read(raw)
    assert len(read.files) == min(count, LIMITS.parts)
    assert ("too-many-parts" in read.notes) == (count > LIMITS.parts)


def test_the_searching_has_a_budget() -> None:
    """However the levels lie, the bytes looked at are a bounded multiple of the message's."""
    raw = nested(40) + b"x" * 2_000_000
    root, _ = structure.read(raw)
    walked = sum(part.end - part.start for part in root.walk() if part.children)
    assert walked <= (LIMITS.scan + 1) * len(raw) + 65536 * 40


def test_fifty_megabytes() -> None:
    assert LIMITS.message >= 50 * 1024 * 1024 > Adapter.max_body
    line = b"A" * 76 + b"\r\n"
    head = b"Content-Type: multipart/mixed; boundary=edge\r\n\r\n--edge\r\n\r\nhalo\r\n--edge\r\n"
    raw = (
        head
        + b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + line * 670_000
        + b"--edge--"
    )
    read = parser.read(raw)
    assert len(raw) > 50_000_000
    assert (read.text, read.files[0].size) == ("halo", 670_000 * 57)


def test_a_message_beyond_the_limit_is_read_up_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, "LIMITS", type(LIMITS)(message=100))
    assert "message-cut" in parser.read(mail(body="x" * 1000)).notes


def test_a_text_beyond_the_limit_is_a_file_too() -> None:
    read = parser.read(mail(body="ab " * 2_000_000))
    assert len(read.text) == LIMITS.text
    assert "text-cut" in read.notes
    assert read.files[0].size == 6_000_000


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "letter", [*list('"(<,:;@=[ \t\\>a'), "a@", "=?", "=?a?q?", "; ", "a*0*=''x;", '\\"', "<a", "a:"]
)
def test_a_megabyte_of_one_letter_in_every_header(letter: str) -> None:
    names = (
        "From",
        "To",
        "Subject",
        "Content-Type",
        "Content-Disposition",
        "References",
        "Date",
        "Message-ID",
        "List-Id",
    )
    raw = "".join(f"{name}: {letter * (1_000_000 // len(letter))}\r\n" for name in names).encode()
    assert "header-cut" in parser.read(raw + b"\r\nhalo").notes or not letter.strip()


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece",
    ["> ", "On ", "wrote:\n", "\n", "From: x\n", "On Mon 2025 10:12 <a@b> x\nwrote:\n", "a@", "----\n", "begin 644 x\n",
     "To: a\n\n", "-- \n> a\nb\n", "1.1.1 ", "- ", "*", "____\na\n"],
)  # fmt: skip
def test_very_much_of_one_piece_in_the_text(piece: str) -> None:
    read = parser.read(mail(sender="mailer-daemon@x.example", body=piece * (300_000 // len(piece))))
    assert "unreadable" not in read.notes


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece",
    ["<div>", "<b>", "<p>", "<font color=1>x", "<!--", "<![CDATA[", "<", "<a href=x><b><p>", "<table><tr><td>", "<table><b>",
     "&amp;", "<blockquote>", "<ul><li>", "<a ", "<svg><p>", "<style>", '<x y="', "<script", "<select><option>", "</p>",
     '<div class="gmail_quote">a</div>', '<i style="border:none;border-top:solid      ">'],
)  # fmt: skip
def test_very_much_of_one_piece_in_the_html(piece: str) -> None:
    read = parser.read(mail("Content-Type: text/html", body=piece * (300_000 // len(piece)) + "halo"))
    assert "unreadable" not in read.notes


def test_html_that_is_too_much_is_shown_as_text_and_kept_as_a_file() -> None:
    read = parser.read(mail("Content-Type: text/html", body="<div>" * 50_000 + "<script>no</script>halo &amp; kak"))
    assert (read.html, read.text, read.notes) == (None, "halo & kak", ("html-cut",))
    assert read.files[0].filename == "message.html"


def test_words_behind_the_last_boundary_are_no_part() -> None:
    raw = b"From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b-- the end\r\ntwo\r\n--b--\r\n"
    assert parser.read(raw).text.strip() == "one"


def test_a_root_that_is_not_the_first_part() -> None:
    picture = "Content-Type: image/png; name=p.png\r\nContent-ID: <1@x>\r\n\r\nPNG"
    read = parser.read(multipart("related", picture, "Content-Type: text/html\r\n\r\n<p>halo</p>"))
    assert (read.text.strip(), [file.filename for file in read.files]) == ("halo", ["p.png"])


def test_line_ends_of_an_old_mac() -> None:
    read = parser.read(b"From: ana@x.example\rSubject: Halo\r\rone\rtwo\r")
    assert (read.subject, read.text.split()) == ("Halo", ["one", "two"])


@pytest.mark.parametrize("said", ["", "; charset=us-ascii", "; charset=unknown-8bit"])
def test_html_names_its_own_charset(said: str) -> None:
    body = '<html><head><meta http-equiv="Content-Type" content="text/html; charset=windows-1251"></head>Да'.encode(
        "cp1251"
    )
    read = parser.read(f"From: ana@x.example\r\nContent-Type: text/html{said}\r\n\r\n".encode() + body)
    assert read.text == "Да"


def test_a_raw_header_is_in_the_charset_that_a_part_names() -> None:
    raw = b"Subject: " + "你好".encode("gbk") + b"\r\nContent-Type: text/plain; charset=gb2312\r\n\r\nx"
    assert parser.read(raw).subject == "你好"


@pytest.mark.parametrize("name", ["base64", "BASE-64", '"base64"', "base64; x=y", "Base64 (really)"])
def test_encodings_by_any_spelling(name: str) -> None:
    assert transfer.decode(b"QUJD", name) == b"ABC"


def test_a_soft_line_end_with_blanks() -> None:
    assert transfer.decode(b"one=  \r\n two=\r\n.", "quoted-printable") == b"one two."
