"""Mail going out through a real mail server: what arrives there, and what each of its refusals means."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_app.adapters.email import checking, composing, outgoing, parser, smtp, troubles, written
from channels_app.adapters.email.adapter import EmailAdapter
from channels_app.contract import Account, Conversation, DeliveryFailed, OutboundAttachment, OutboundMessage, Sent
from channels_app.http import Http
from tests.platforms.smtp import FakeMailServer

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HTTP = Http()


@pytest.fixture
def server() -> Iterator[FakeMailServer]:
    with FakeMailServer() as found:
        yield found


def account(url: str = "", **more: str) -> Account:
    settings = {"address": "help@shop.example", "smtp_url": url, **more}
    return Account(id=7, kind="email", name="Toko Rasa", settings=settings)


def reply(text: str = "Halo, *segera* dikirim.", **more: Any) -> OutboundMessage:
    values: dict[str, Any] = {"key": "12", "to": "dora@mail.example", "sent_at": AT, "agent_name": "Ana", **more}
    return OutboundMessage(text=text, **values)


def file(name: str = "nota.pdf", data: bytes = b"%PDF-1.4", mime: str = "application/pdf") -> OutboundAttachment:
    return OutboundAttachment(kind="file", mime=mime, filename=name, size=len(data), url="", open=lambda: data)


def sent(server: FakeMailServer, message: OutboundMessage, **settings: str) -> tuple[Sent, Any]:
    done = outgoing.send(account(server.url, **settings), message, HTTP)
    return done, server.wait()[-1]


def refusal(server: FakeMailServer, message: OutboundMessage | None = None, **settings: str) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as refused:
        outgoing.send(account(settings.pop("smtp_url", server.url), **settings), message or reply(), HTTP)
    return refused.value


# ── What arrives ─────────────────────────────────────────────────────────────────────────────


def test_text_as_typed_beside_html_of_it(server: FakeMailServer) -> None:
    done, taken = sent(server, reply("Halo **Dora**,\nini `kode`:\n\n- satu\n- <b>dua</b>\n\n.titik"))
    assert (taken.sender, taken.recipients) == ("help@shop.example", ["dora@mail.example"])
    mail = taken.mail
    assert mail["Message-ID"] == f"<{done.external_id}>"
    assert done.external_id.endswith("@shop.example")
    assert str(mail["From"]) == "Toko Rasa <help@shop.example>"
    assert mail.get_content_type() == "multipart/alternative"
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert text.replace("\r\n", "\n") == "Halo **Dora**,\nini `kode`:\n\n- satu\n- <b>dua</b>\n\n.titik\n"
    assert "<strong>Dora</strong>,<br" in html
    assert "<li>&lt;b&gt;dua&lt;/b&gt;</li>" in html
    for header in ("Auto-Submitted", "Precedence", "X-Auto-Response-Suppress", "X-Loop"):
        assert header not in mail


def test_a_subject_names_and_files_in_thai(server: FakeMailServer) -> None:
    _done, taken = sent(
        server,
        reply(
            "สวัสดีค่ะ", mail={"subject": "คำสั่งซื้อของฉันอยู่ที่ไหน " * 8, "number": 42, "answered": "a@b", "to_name": "ดอร่า"},
            attachments=(file("ใบเสร็จ.pdf"),),
        ),
        from_name="ร้านอาหาร",
    )  # fmt: skip
    read = parser.read(taken.content)
    assert read.subject == "Re: " + ("คำสั่งซื้อของฉันอยู่ที่ไหน " * 8).strip() + " [#42]"
    assert (read.sender.name, read.to[0].name, read.text.strip()) == ("ร้านอาหาร", "ดอร่า", "สวัสดีค่ะ")
    assert [(one.filename, one.data) for one in read.files] == [("ใบเสร็จ.pdf", b"%PDF-1.4")]
    assert all(len(line) <= 998 for line in taken.content.split(b"\r\n"))


def test_ids_hold_the_thread_and_long_ones_stay_whole(server: FakeMailServer) -> None:
    chain = [f"{'x' * 120}-{number}@mail.example" for number in range(30)]
    said = {"subject": "Re: AW: [#9] Pesanan", "answered": chain[-1], "references": chain, "number": 9}
    _done, taken = sent(server, reply(mail=said))
    read = parser.read(taken.content)
    assert read.in_reply_to == (chain[-1],)
    assert read.references == (chain[0], *chain[-19:])
    assert read.subject == "Re: Pesanan [#9]"


def test_the_id_is_the_same_on_every_attempt_and_nobodys_guess() -> None:
    one, again = (composing.message_id(account(), reply(attempt=count)) for count in (1, 2))
    assert one == again
    assert composing.own_key(f"<{one}>") == "12"
    others = {
        composing.message_id(account(), reply(key="13")),
        composing.message_id(account(), reply(sent_at=None)),
        composing.message_id(Account(id=8, kind="email", name="", settings=account().settings), reply()),
    }
    assert one not in others
    assert len({other.split(".")[1] for other in others}) == 3
    assert composing.own_key("<12.short@shop.example>") == composing.own_key("") == ""


def test_copies_and_blind_copies(server: FakeMailServer) -> None:
    said = {"cc": ["Eka <eka@mail.example>", "dora@mail.example"], "bcc": ["boss@shop.example"]}
    _done, taken = sent(server, reply(mail=said))
    assert taken.recipients == ["dora@mail.example", "eka@mail.example", "boss@shop.example"]
    assert b"boss@" not in taken.content
    assert "eka@mail.example" in taken.mail["Cc"]


def test_signature_quote_and_key_where_the_channel_wants_them(server: FakeMailServer) -> None:
    said = {"token": "abcdefgh12345678", "quoted_line": "Dora wrote:", "quoted_text": "Di mana?\n<b>x</b>"}
    wanted = {"signature": "{name}\nToko", "quote_history": "on", "reply_tokens": "on", "subject_number": "off"}
    _done, taken = sent(server, reply("Ini.", mail={**said, "subject": "Tanya", "number": 5}), **wanted)
    text, html = (taken.mail.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html"))
    assert text == "Ini.\n\n-- \nAna\nToko\n\nDora wrote:\n> Di mana?\n> <b>x</b>\n"
    assert "Ana<br>Toko" in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "help+abcdefgh12345678@shop.example" in taken.mail["Reply-To"]
    assert taken.mail["Subject"] == "Tanya"
    assert parser.read(taken.content).reply_text.strip() == "Ini."
    _done, plain = sent(server, reply("Ini.", mail=said))
    assert "Reply-To" not in plain.mail
    assert b"Dora wrote" not in plain.content


@pytest.mark.parametrize(
    ("channel", "agent", "meant"),
    [
        ("", "Bea\r\n+62 1", "Bea\n+62 1"),
        ("Toko Rasa", "Bea", "Toko Rasa"),
        ("{name}, Toko Rasa", "x", "Bea Tan, Toko Rasa"),
        ("{signature}\r\n\r\nToko Rasa", "Bea, gudang", "Bea, gudang\n\nToko Rasa"),
        ("{signature}\r\nToko Rasa", "", "Toko Rasa"),
        ("  ", "  ", ""),
    ],
)
def test_whose_signature_stands(channel: str, agent: str, meant: str, server: FakeMailServer) -> None:
    box = account(server.url, signature=channel)
    assert EmailAdapter().closing(box, "Bea Tan", agent) == meant
    outgoing.send(box, reply(agent_name="Bea Tan", agent_signature=agent), HTTP)
    mail = server.wait()[0].mail
    plain, html = (mail.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html"))
    assert plain.partition("\n-- \n")[2].strip() == meant
    assert ("-- <br>" in html) == bool(meant)


def test_what_no_person_sent_says_so_and_has_no_return_path(server: FakeMailServer) -> None:
    _done, taken = sent(server, reply(mail={"automatic": "auto-replied", "answered": "a@b"}))
    assert taken.sender in ("", "<>")
    mail = taken.mail
    assert (mail["Auto-Submitted"], mail["Precedence"]) == ("auto-replied", "bulk")
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["X-Loop"]


@pytest.mark.parametrize("evil", ["Halo\r\nBcc: evil@mail.example", "Halo\nX-Evil: 1\n\nbody", "a\x00b\x0bc\u2028d"])
def test_nothing_becomes_another_header(server: FakeMailServer, evil: str) -> None:
    said = {"subject": evil, "to_name": evil, "answered": evil, "references": [evil, "good@id"], "token": ""}
    _done, taken = sent(server, reply(mail=said, attachments=(file(evil, mime="text/x\r\nX-Evil: 1"),)), from_name=evil)
    for name in ("Bcc", "X-Evil"):
        assert name not in taken.mail
    assert taken.recipients == ["dora@mail.example"]
    assert parser.read(taken.content).references == ("good@id",)


@given(text=st.text(max_size=200), subject=st.text(max_size=100), name=st.text(max_size=40))
def test_whatever_is_written_can_be_read_again(text: str, subject: str, name: str) -> None:
    clean = [one.encode("utf-8", "replace").decode().replace("\x00", "") for one in (text, subject, name)]
    message = reply(clean[0], mail={"subject": clean[1], "to_name": clean[2]})
    read = parser.read(composing.compose(account(), message).content)
    assert read.message_id
    assert [box.address for box in read.to] == ["dora@mail.example"]
    assert written.as_html(clean[0]).count("<script") == 0


def test_a_foreign_domain_goes_out_as_the_wire_wants_it(server: FakeMailServer) -> None:
    _done, taken = sent(server, reply(to="dora@ร้าน.example"))
    assert taken.recipients[0].startswith("dora@xn--")


# ── What goes wrong ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("step", "answer", "category", "permanent", "code"),
    [
        ("RCPT", "550 5.1.1 no such user", "blocked", True, "5.1.1"),
        ("RCPT", "550 unknown", "blocked", True, "550"),
        ("RCPT", "550 5.7.1 relaying denied", "content", True, "5.7.1"),
        ("RCPT", "552 5.2.2 mailbox full", "content", True, "5.2.2"),
        ("RCPT", "451 4.7.1 greylisted", "rate", False, "4.7.1"),
        ("MAIL", "553 5.7.1 not your address", "content", True, "5.7.1"),
        ("MAIL", "452 4.3.1 full", "rate", False, "4.3.1"),
        ("DATA", "554 5.7.1 spam", "content", True, "5.7.1"),
        ("DATA", "421 4.3.2 closing", "rate", False, "4.3.2"),
    ],
)
def test_each_refusal_means_what_it_is(
    server: FakeMailServer, step: str, answer: str, category: str, permanent: bool, code: str
) -> None:
    server.answers[step] = answer
    found = refusal(server)
    assert (found.category, found.permanent, found.code) == (category, permanent, code)
    assert answer.split(" ", 1)[1].split()[-1] in found.detail
    assert not server.taken


def test_one_refused_copy_stops_the_mail_and_is_named(server: FakeMailServer) -> None:
    server.answers["eka@mail.example"] = "550 5.1.1 no such user"
    found = refusal(server, reply(mail={"cc": ["eka@mail.example"]}))
    assert (found.category, found.permanent) == ("content", True), "the customer can still be written to"
    assert "eka@mail.example" in found.detail
    assert not server.taken


def test_no_answer_after_the_mail_is_said_leaves_it_open(
    server: FakeMailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT", 0.3)
    server.answers["DATA"] = "hang"
    found = refusal(server)
    assert (found.category, found.permanent) == ("unconfirmed", False)


@pytest.mark.parametrize("step", ["MAIL", "RCPT"])
def test_no_answer_before_it_is_said_is_tried_again(
    server: FakeMailServer, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT", 0.3)
    server.answers[step] = "hang"
    found = refusal(server)
    assert (found.category, found.permanent, found.title) == ("unknown", False, smtp.UNREACHABLE)


def test_a_closed_port_is_tried_again(server: FakeMailServer) -> None:
    found = refusal(server, smtp_url="smtp://127.0.0.1:9")
    assert (found.category, found.permanent, found.title) == ("unknown", False, troubles.NOBODY_THERE)


def test_a_wrong_password_is_for_the_administrator() -> None:
    with FakeMailServer(user="help", password="kopi") as server:
        outgoing.send(account(server.url), reply(), HTTP)
        wrong = server.url.replace("kopi", "teh")
        found = refusal(server, smtp_url=wrong)
        assert (found.category, found.permanent) == ("auth", True)
        (line,) = checking.sending(account(wrong), HTTP)
        assert not line.ok
        assert "user name and password" in str(line.words)
        assert "teh" not in str(line.words)
        (line,) = checking.sending(account(server.url), HTTP)
        assert line.ok
        assert len(server.taken) == 1


def test_a_password_goes_to_nobody_in_clear(server: FakeMailServer) -> None:
    found = refusal(server, smtp_url=server.url.replace("smtp://", "smtp://u:p@") + "?tls=on")
    assert (found.category, found.title) == ("auth", smtp.NO_TLS)
    assert smtp.read_url("smtp://u:p@mail.example").tls == "on"
    assert smtp.read_url("smtp://mail.example").tls == "auto"
    assert smtp.read_url("smtps://u:p%40x@mail.example") == smtp.Server("mail.example", 465, "implicit", "u", "p@x")
    assert "p%40x" not in repr(smtp.read_url("smtps://u:p%40x@mail.example"))


@pytest.mark.parametrize("url", ["", "http://x", "smtp://", "smtp://h:99999", "smtp://h?tls=maybe", "smtp://[", "x"])
def test_what_is_no_mail_server_is_said(url: str) -> None:
    with pytest.raises(ValueError):
        smtp.read_url(url)
    with pytest.raises(DeliveryFailed):
        outgoing.send(account(url), reply(), HTTP)
    assert not checking.sending(account(url), HTTP)[0].ok
    assert bool(url) == ("smtp_url" in outgoing.problems({"smtp_url": url}))


@pytest.mark.parametrize(
    "to", ["", "x", "a@b c", "a@b\r\nRCPT TO:<x@y>", "<a@b>\n<c@d>", "a@.b", "@b", "a@" + "b" * 300]
)
def test_an_address_that_cannot_be_one(server: FakeMailServer, to: str) -> None:
    assert refusal(server, reply(to=to)).permanent
    assert refusal(server, reply(mail={"bcc": [to or "-"]})).permanent
    assert not server.seen


def test_files_too_large_together(server: FakeMailServer) -> None:
    big = OutboundAttachment(kind="file", mime="a/b", filename="x", size=11 << 20, url="", open=lambda: b"")
    assert refusal(server, reply(attachments=(big, big))).code == "too_large"


def test_what_may_be_sent() -> None:
    able = outgoing.abilities(account("smtp://x", per_minute="30"), Conversation(external_id="a@b"), AT)
    assert able.can_write_first
    assert able.has_recipients
    assert able.per_minute == 30
    assert able.closed is None
    assert outgoing.abilities(account(), Conversation(external_id="a@b"), AT).closed
    assert outgoing.abilities(account("smtp://x"), Conversation(external_id="a@b", blocked=True), AT).closed
    assert outgoing.problems({"per_minute": "x"})
    assert outgoing.problems({"per_minute": "0"})
    assert not outgoing.problems({"per_minute": "60", "smtp_url": "smtp://mail.example"})
