"""Mail on the desk, both ways: in through the raw door, out through a real mail server, and what came out back in."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from io import BytesIO
from itertools import count
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from agents.models import Agent, Team
from channels_app.adapters.email import smtp
from channels_app.models import Address, Channel
from tests.conftest import Api, connect, lean_client
from tests.platforms.smtp import FakeMailServer, Taken
from tests.tickets.test_views import PART, browser, text_of
from tickets import letters, lifecycle, replies
from tickets.models import Actor, Message, Part, Participant, Ticket
from tickets.models.activity import SYSTEM, record

SECRET = "mail:kopi"
_NUMBERS = count(1)


@pytest.fixture
def server() -> Iterator[FakeMailServer]:
    with FakeMailServer() as found:
        yield found


@pytest.fixture
def mailbox(north: Team, server: FakeMailServer) -> Channel:
    return connect(
        "email", north, "Toko", address="help@shop.example", inbound_secret=SECRET, smtp_url=server.url,
        reply_tokens="on",
    )  # fmt: skip


def post(channel: Channel, raw: bytes, token: str = SECRET) -> int:
    return lean_client().post(
        f"/webhooks/{channel.pk}/mime/", data=raw, content_type="message/rfc822", HTTP_AUTHORIZATION=f"Bearer {token}"
    ).status_code  # fmt: skip


def written(
    text: str = "Di mana?", sender: str = "Dora <dora@mail.example>", subject: str = "Tanya", **headers: str
) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = sender, subject
    given = {"To": "help@shop.example", "Message-ID": f"<m-{next(_NUMBERS)}@mail.example>", **headers}
    given.setdefault("Date", format_datetime(timezone.now()))
    for name, value in given.items():
        del mail[name.replace("_", "-")]
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


def comes(channel: Channel, mail: EmailMessage | None = None, **said: str) -> Message:
    mail = mail or written(**said)
    assert post(channel, mail.as_bytes()) == 200
    return Message.objects.select_related("ticket").filter(channel=channel, direction="in").latest("pk")


def answers(message: Message, agent: Agent, text: str = "Ini *jawaban*.", **draft: Any) -> Message:
    found, _new = replies.reply(message.ticket_id, agent, replies.Draft(text=text, **draft))
    return found


@pytest.fixture
def sends(work: Callable[[], None], server: FakeMailServer) -> Callable[[Message], Taken]:
    """The reply goes out; gives what the mail server has then."""

    def go(message: Message) -> Taken:
        had = len(server.taken)
        work()
        message.refresh_from_db()
        assert message.status == "sent", message.error
        return server.wait(had + 1)[-1]

    return go


def back(taken: Taken, text: str, sender: str = "Dora <dora@mail.example>", **headers: str) -> EmailMessage:
    """What a mail program makes of a mail that is answered."""
    theirs = taken.mail
    chain = " ".join(filter(None, (theirs["References"], theirs["Message-ID"])))
    given = {"In_Reply_To": theirs["Message-ID"], "References": chain, **headers}
    return written(text, sender, f"Re: {theirs['Subject']}", **given)


def fault(message: Message) -> dict[str, Any]:
    assert message.error
    return dict(message.error)


# ── Both ways ────────────────────────────────────────────────────────────────────────────────


def test_a_thread_there_and_back_in_thai(mailbox: Channel, bea: Agent, sends: Callable[[Message], Taken]) -> None:
    asked = comes(mailbox, written("สินค้าอยู่ที่ไหน", "ดอร่า <dora@mail.example>", "คำสั่งซื้อ"))
    taken = sends(answers(asked, bea, "กำลังจัดส่ง"))
    assert taken.recipients == ["dora@mail.example"]
    assert taken.mail["In-Reply-To"] == f"<{asked.extra['mail']['message_id']}>"
    assert taken.mail["Subject"] == f"Re: คำสั่งซื้อ [#{asked.ticket_id}]"
    assert "ดอร่า" in taken.mail["To"]
    again = comes(mailbox, back(taken, "ขอบคุณ"))
    assert again.ticket_id == asked.ticket_id
    # Both ids hold the next one, and it is in their case.
    second = sends(answers(again, bea))
    ids = second.mail["References"].split()
    assert ids == [f"<{asked.extra['mail']['message_id']}>", taken.mail["Message-ID"], f"<{again.external_id}>"]
    assert Ticket.objects.count() == 1


def test_an_id_in_another_case_still_finds_its_ticket(
    mailbox: Channel, bea: Agent, sends: Callable[[Message], Taken]
) -> None:
    asked = comes(mailbox, Message_ID="<MiXeD.Case@Mail.Example>")
    assert comes(mailbox, In_Reply_To="<mixed.CASE@mail.EXAMPLE>").ticket_id == asked.ticket_id
    taken = sends(answers(asked, bea))
    shouted = comes(mailbox, In_Reply_To=taken.mail["Message-ID"].upper())
    assert shouted.ticket_id == asked.ticket_id


def test_the_key_in_the_reply_address_is_enough(
    mailbox: Channel, bea: Agent, sends: Callable[[Message], Taken]
) -> None:
    asked = comes(mailbox)
    taken = sends(answers(asked, bea))
    to = taken.mail["Reply-To"]
    assert asked.ticket.reply_token in to
    found = comes(mailbox, written("Lagi", "Eka <eka@mail.example>", "Other words", To=to))
    assert found.ticket_id == asked.ticket_id
    assert Participant.objects.get().address == "eka@mail.example"
    wrong = comes(mailbox, To="help+abcdefghjkmnpqrstuvwxyz2@shop.example")
    assert wrong.ticket_id != asked.ticket_id


def test_ids_of_another_channel_join_nothing(mailbox: Channel, south: Team) -> None:
    other = connect("email", south, "Other", address="sales@shop.example", inbound_secret=SECRET)
    asked = comes(mailbox)
    elsewhere = comes(other, In_Reply_To=f"<{asked.external_id}>", subject="Re: x")
    assert elsewhere.ticket_id != asked.ticket_id
    assert elsewhere.ticket.team == south


# ── Whom one believes ────────────────────────────────────────────────────────────────────────


def test_a_guessed_number_opens_a_new_ticket(mailbox: Channel) -> None:
    asked = comes(mailbox)
    subject = f"Re: Tanya [#{asked.ticket_id}]"
    stranger = comes(mailbox, sender="Eve <eve@evil.example>", subject=subject)
    assert stranger.ticket_id != asked.ticket_id
    mine = comes(mailbox, subject=subject)
    assert mine.ticket_id == asked.ticket_id
    assert comes(mailbox, subject="Re: Tanya").ticket_id not in (asked.ticket_id, stranger.ticket_id)


def test_a_number_is_not_believed_where_the_sender_is_forged(mailbox: Channel) -> None:
    asked = comes(mailbox)
    verdict = "mx.shop.example; spf=fail; dmarc=fail header.from=mail.example"
    forged = comes(mailbox, subject=f"[#{asked.ticket_id}]", Authentication_Results=verdict)
    assert forged.ticket_id != asked.ticket_id
    assert forged.extra["mail"]["dmarc"] == "fail"
    # With a right id it is kept where it belongs, marked, and writes nobody into the next answer.
    joined = comes(
        mailbox, sender="Eve <eve@evil.example>", In_Reply_To=f"<{asked.external_id}>", Cc="x@evil.example",
        Authentication_Results=verdict,
    )  # fmt: skip
    assert joined.ticket_id == asked.ticket_id
    assert not Participant.objects.exists()
    assert letters.usual_copies(asked.ticket) == []


@pytest.mark.parametrize("sender", ["Bea <bea@example.com>", "Toko <help@shop.example>", "x <HELP+1@shop.example>"])
def test_a_colleagues_name_or_our_own_opens_no_door(mailbox: Channel, bea: Agent, sender: str) -> None:
    asked = comes(mailbox)
    forged = comes(mailbox, sender=sender, subject=f"[#{asked.ticket_id}]")
    assert forged.ticket_id != asked.ticket_id
    assert (forged.direction, forged.agent) == ("in", None)


# ── Who is in on it ──────────────────────────────────────────────────────────────────────────


def test_who_gets_copies_keeps_getting_them(
    mailbox: Channel, bea: Agent, sends: Callable[[Message], Taken], server: FakeMailServer
) -> None:
    asked = comes(mailbox, To="help@shop.example, Eka <eka@mail.example>", Cc="Boss <boss@mail.example>")
    assert letters.usual_copies(asked.ticket) == ["eka@mail.example", "boss@mail.example"]
    taken = sends(answers(asked, bea))
    assert taken.recipients == ["dora@mail.example", "eka@mail.example", "boss@mail.example"]
    by_eka = comes(mailbox, back(taken, "Saya juga", "Eka <eka@mail.example>", Cc="dora@mail.example"))
    assert by_eka.ticket_id == asked.ticket_id
    asked.ticket.refresh_from_db()
    assert asked.ticket.address.external_id == "dora@mail.example"
    roles = dict(Participant.objects.values_list("address", "role"))
    assert roles == {"eka@mail.example": "from", "boss@mail.example": "cc"}
    taken = sends(answers(by_eka, bea, cc=("Eka@mail.example",), bcc=("audit@shop.example",)))
    assert taken.recipients == ["dora@mail.example", "eka@mail.example", "audit@shop.example"]
    assert "audit" not in taken.content.decode()


def test_a_participant_may_use_the_number(mailbox: Channel) -> None:
    asked = comes(mailbox, Cc="Eka <eka@mail.example>")
    by_eka = comes(mailbox, sender="eka@mail.example", subject=f"Fwd: [#{asked.ticket_id}]")
    assert by_eka.ticket_id == asked.ticket_id


def test_copies_by_the_api(mailbox: Channel, bea: Agent, api: Callable[[Agent], Api]) -> None:
    asked = comes(mailbox, Cc="Eka <eka@mail.example>")
    door, path = api(bea), f"/tickets/{asked.ticket_id}/messages/"
    said = door("POST", path, {"text": "a", "cc": [], "bcc": ["audit@shop.example"]})
    assert said.status_code == 201, said.content
    assert json.loads(said.content)["mail"] == {"cc": [], "bcc": [{"name": "", "address": "audit@shop.example"}]}
    assert json.loads(door("POST", path, {"text": "b"}).content)["mail"]["cc"] == [
        {"name": "", "address": "eka@mail.example"}
    ]
    refused = door("POST", path, {"text": "c", "cc": ["no address"]})
    assert refused.status_code == 400, refused.content
    shown = door.get(path)["results"][0]["mail"]
    assert shown["from"] == {"name": "Dora", "address": "dora@mail.example"}
    assert shown["cc"] == [{"name": "Eka", "address": "eka@mail.example"}]


def test_a_chat_has_no_copies(ticket: Ticket, bea: Agent) -> None:
    with pytest.raises(replies.CannotSend):
        replies.reply(ticket.pk, bea, replies.Draft(text="x", cc=("eka@mail.example",)))


# ── Machines ─────────────────────────────────────────────────────────────────────────────────


def test_an_absence_note_changes_nothing_but_is_kept(
    mailbox: Channel, bea: Agent, sends: Callable[[Message], Taken]
) -> None:
    asked = comes(mailbox)
    taken = sends(answers(asked, bea))
    seen = Ticket.objects.get().seq
    lifecycle.resolve(asked.ticket_id, Actor.of(bea))
    away = comes(mailbox, back(taken, "Saya cuti.", Auto_Submitted="auto-replied"))
    ticket = Ticket.objects.get()
    assert away.ticket_id == ticket.pk
    assert (ticket.status, ticket.waiting_since) == ("resolved", None)
    lifecycle.reopen(ticket.pk, Actor.of(bea))
    lifecycle.snooze(ticket.pk, timezone.now() + timedelta(days=1), Actor.of(bea))
    comes(mailbox, back(taken, "Masih cuti.", Auto_Submitted="auto-replied"))
    assert Ticket.objects.get().status == "snoozed"
    assert not any(line.type == "message.added" for line in replies.news_since(ticket, bea, seen))


def test_a_persons_answer_reopens_or_begins_a_linked_one(
    mailbox: Channel, bea: Agent, sends: Callable[[Message], Taken], settings: Any
) -> None:
    asked = comes(mailbox)
    taken = sends(answers(asked, bea))
    lifecycle.resolve(asked.ticket_id, Actor.of(bea))
    comes(mailbox, back(taken, "Belum."))
    assert Ticket.objects.get().status == "open"
    lifecycle.resolve(asked.ticket_id, Actor.of(bea))
    Ticket.objects.update(resolved_at=timezone.now() - timedelta(days=settings.REOPEN_WITHIN_DAYS + 1))
    later = comes(mailbox, back(taken, "Masih belum."))
    assert later.ticket.previous_id == asked.ticket_id


def bounce(taken: Taken, status: str, recipient: str = "dora@mail.example") -> bytes:
    own = taken.mail["Message-ID"]
    return (
        "From: MAILER-DAEMON@mail.example\r\nTo: help@shop.example\r\nReturn-Path: <>\r\n"
        f"Message-ID: {make_msgid()}\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 no such user\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {own}\r\n\r\n--b--\r\n"
    ).encode()


def test_what_comes_back_marks_reply_and_address(
    mailbox: Channel, bea: Agent, sends: Callable[[Message], Taken]
) -> None:
    asked = comes(mailbox, Cc="eka@mail.example")
    reply = answers(asked, bea)
    taken = sends(reply)
    assert post(mailbox, bounce(taken, "4.2.2")) == 200
    reply.refresh_from_db()
    assert reply.status == "sent"
    assert post(mailbox, bounce(taken, "5.1.1", "eka@mail.example")) == 200
    assert Address.objects.get(external_id="dora@mail.example").blocked_at is None
    second = answers(asked, bea, "Lagi", cc=())
    assert post(mailbox, bounce(sends(second), "5.1.1")) == 200
    second.refresh_from_db()
    assert (second.status, fault(second)["category"]) == ("failed", "blocked")
    assert Address.objects.get(external_id="dora@mail.example").blocked_at
    with pytest.raises(replies.CannotSend):
        answers(asked, bea, "Masih?")
    later = format_datetime(timezone.now() + timedelta(minutes=1))
    comes(mailbox, In_Reply_To=f"<{asked.external_id}>", Date=later)
    assert Address.objects.get(external_id="dora@mail.example").blocked_at is None
    assert Ticket.objects.count() == 1


# ── Out ──────────────────────────────────────────────────────────────────────────────────────


def test_a_ticket_begins_by_mail(mailbox: Channel, bea: Agent, api: Callable[[Agent], Api], sends: Any) -> None:
    said = api(bea)(
        "POST", "/tickets/", {"channel": str(mailbox.pk), "to": "Eka@Mail.example", "subject": "Janji", "text": "Halo"}
    )
    assert said.status_code == 201, said.content
    message = Message.objects.get()
    taken = sends(message)
    assert taken.recipients == ["eka@mail.example"]
    assert taken.mail["Subject"] == f"Janji [#{message.ticket_id}]"
    assert "In-Reply-To" not in taken.mail
    assert comes(mailbox, back(taken, "Ya", "eka@mail.example")).ticket_id == message.ticket_id


def test_a_refusal_for_now_is_tried_again_with_the_same_id(
    mailbox: Channel, bea: Agent, server: FakeMailServer, work: Callable[[], None]
) -> None:
    reply = answers(comes(mailbox), bea)
    server.answers["RCPT"] = "451 4.7.1 greylisted"
    work()
    reply.refresh_from_db()
    assert (reply.status, fault(reply)["category"]) == ("queued", "rate")
    server.answers.clear()
    Message.objects.filter(pk=reply.pk).update(next_attempt_at=timezone.now())
    work()
    reply.refresh_from_db()
    assert reply.status == "sent"
    assert server.wait()[0].mail["Message-ID"] == f"<{reply.external_id}>"


def test_no_more_than_the_channel_may_send_in_a_minute(
    mailbox: Channel, bea: Agent, server: FakeMailServer, work: Callable[[], None]
) -> None:
    mailbox.put_settings({**mailbox.clear_settings(), "per_minute": "1"})
    mailbox.save()
    first, second = answers(comes(mailbox), bea), answers(comes(mailbox, sender="eka@mail.example"), bea)
    work()
    states = sorted(Message.objects.filter(pk__in=[first.pk, second.pk]).values_list("status", flat=True))
    assert states == ["queued", "sent"]
    waiting = Message.objects.get(status="queued")
    assert waiting.next_attempt_at
    assert timezone.now() < waiting.next_attempt_at <= timezone.now() + timedelta(seconds=61)
    assert fault(waiting)["code"] == "per_minute"
    assert len(server.wait()) == 1


# ── What an agent sees ───────────────────────────────────────────────────────────────────────

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000 1f15c4890000000d49444154789c6360000002000001e221bc33"
    "0000000049454e44ae426082"
)


def formatted(html: str, **headers: str) -> EmailMessage:
    mail = written("Halo", **headers)
    mail.add_alternative(html, subtype="html")
    mail.get_payload()[1].add_related(PIXEL, "image", "png", cid="<logo@x>", filename="logo.png")  # type: ignore[index,union-attr]
    return mail


MARKUP = (
    '<p style="color:red">Halo</p><img src="cid:logo@x"><img src="https://track.example/p.gif?who=dora">'
    '<script>alert(1)</script><img src="x" onerror="alert(1)">'
)


def test_pictures_from_elsewhere_wait_for_an_agents_word(mailbox: Channel, bea: Agent, carl: Agent) -> None:
    message = comes(mailbox, formatted(MARKUP))
    pages = browser(bea)
    page = text_of(pages.get(f"/tickets/{message.ticket_id}/"))
    assert "Pictures from elsewhere are not loaded" in page
    frame = pages.get(f"/messages/{message.pk}/html/")
    shown = text_of(frame)
    assert 'src="data:image/png;base64,' in shown
    assert ' src="https:' not in shown
    assert "alert" not in shown
    assert 'style="color:red' in shown
    # In the page's own kind of letters where the mail says none.
    assert ":where(body){" in shown
    policy = frame["Content-Security-Policy"]
    assert "img-src data:;" in policy
    assert "script" not in policy
    assert browser(carl).post(f"/messages/{message.pk}/pictures/", {"for": "sender"}).status_code == 404
    assert pages.post(f"/messages/{message.pk}/pictures/", {"for": "message"}, **PART).status_code == 204
    frame = pages.get(f"/messages/{message.pk}/html/")
    assert ' src="https://track.example/p.gif?who=dora"' in text_of(frame)
    assert "img-src data: https:;" in frame["Content-Security-Policy"]
    assert "Pictures from elsewhere" not in text_of(pages.get(f"/tickets/{message.ticket_id}/"))
    # One mail is not all of them.
    again = comes(mailbox, formatted(MARKUP, In_Reply_To=f"<{message.external_id}>"))
    assert ' src="https:' not in text_of(pages.get(f"/messages/{again.pk}/html/"))


def test_a_sender_is_remembered_but_not_who_forges_them(mailbox: Channel, bea: Agent) -> None:
    message = comes(mailbox, formatted(MARKUP))
    pages = browser(bea)
    pages.post(f"/messages/{message.pk}/pictures/", {"for": "sender"}, **PART)
    again = comes(mailbox, formatted(MARKUP))
    assert ' src="https:' in text_of(pages.get(f"/messages/{again.pk}/html/"))
    forged = comes(mailbox, formatted(MARKUP, Authentication_Results="mx; dmarc=fail header.from=mail.example"))
    assert ' src="https:' not in text_of(pages.get(f"/messages/{forged.pk}/html/"))
    pages.post(f"/messages/{forged.pk}/pictures/", {"for": "sender"}, **PART)
    other = comes(mailbox, formatted(MARKUP, sender="eka@mail.example"))
    assert ' src="https:' not in text_of(pages.get(f"/messages/{other.pk}/html/"))


def test_what_is_known_of_a_mail_stands_beside_it(mailbox: Channel, bea: Agent) -> None:
    forged = comes(
        mailbox, Cc="Eka <eka@mail.example>", Auto_Submitted="auto-replied",
        Authentication_Results="mx; dmarc=fail header.from=mail.example",
    )  # fmt: skip
    page = text_of(browser(bea).get(f"/tickets/{forged.ticket_id}/"))
    for words in ("This may be forged", "Automatic answer", "Eka &lt;eka@mail.example&gt;", "help@shop.example"):
        assert words in page


def test_an_invitation_can_be_read(mailbox: Channel, bea: Agent) -> None:
    mail = written("Undangan")
    calendar = (
        "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Rapat <b>besar</b>\r\n"
        "LOCATION:Ruang 3\r\nDTSTART:20260302T090000Z\r\nDTEND:20260302T100000Z\r\n"
        "ORGANIZER;CN=Dora:mailto:dora@mail.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    mail.add_alternative(calendar, subtype="calendar", params={"method": "REQUEST"})
    message = comes(mailbox, mail)
    page = text_of(browser(bea).get(f"/tickets/{message.ticket_id}/"))
    assert "Rapat &lt;b&gt;besar&lt;/b&gt;" in page
    assert "Ruang 3" in page


def test_copies_in_the_composer(mailbox: Channel, bea: Agent, ticket: Ticket) -> None:
    message = comes(mailbox, Cc="Eka <eka@mail.example>")
    pages, path = browser(bea), f"/tickets/{message.ticket_id}/"
    assert 'name="cc" value="eka@mail.example"' in text_of(pages.get(path))
    assert 'name="cc"' not in text_of(pages.get(f"/tickets/{ticket.pk}/"))

    def say(**said: str) -> Any:
        return pages.post(f"{path}messages/", {"text": "Ini", "kind": "reply", **said}, **PART)

    assert say(cc="Fitri <fitri@mail.example>; gita@mail.example", bcc="audit@shop.example").status_code == 201
    kept = Message.objects.get(direction="out").extra["mail"]
    assert kept == {"cc": ["fitri@mail.example", "gita@mail.example"], "bcc": ["audit@shop.example"]}
    assert say(cc="").status_code == 201
    assert "mail" not in Message.objects.filter(direction="out").latest("pk").extra
    for wrong in ("gita", "gita@", "@x", ", <>,x"):
        refused = say(cc=wrong)
        assert refused.status_code == 422, wrong
        assert "is not an address" in json.loads(refused.content)["words"]
    assert Message.objects.filter(direction="out").count() == 2


def test_a_signature_has_as_many_lines_as_were_typed(mailbox: Channel, ana: Agent, bea: Agent, sends: Any) -> None:
    page = text_of(browser(ana).get(f"/settings/channels/{mailbox.pk}/edit/"))
    assert '<textarea name="setting-signature"' in page
    mailbox.put_settings({**mailbox.clear_settings(), "signature": "{name}\r\nToko Rasa"})
    mailbox.save()
    taken = sends(answers(comes(mailbox), bea, "Ini."))
    body = taken.mail.get_body(("plain",))
    assert body
    assert body.get_content().replace("\r\n", "\n") == "Ini.\n\n-- \nBea\nToko Rasa\n"


def test_nobody_takes_a_mail_up_while_it_is_handed_over(
    mailbox: Channel, bea: Agent, server: FakeMailServer, work: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = answers(comes(mailbox), bea)
    until: list[Any] = []
    real = smtp.hand_over

    def hand_over(*given: Any) -> str:
        until.append(Message.objects.get(pk=reply.pk).claimed_until)
        return real(*given)

    monkeypatch.setattr(smtp, "hand_over", hand_over)
    began = timezone.now()
    work()
    assert until[0] > began + timedelta(seconds=smtp.DEADLINE)
    assert server.wait()


def test_the_signature_is_shown_before_it_is_sent(
    mailbox: Channel, bea: Agent, client: Client, sends: Callable[[Message], Taken]
) -> None:
    bea.signature = "Bea Tan\n<b>gudang</b>"
    bea.save()
    asked = comes(mailbox)
    client.force_login(bea)
    page = client.get(f"/tickets/{asked.ticket_id}/").content.decode()
    assert "Bea Tan<br>&lt;b&gt;gudang&lt;/b&gt;" in page
    taken = sends(answers(asked, bea))
    assert "\n-- \nBea Tan\n<b>gudang</b>" in taken.mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    mailbox.put_settings({**mailbox.clear_settings(), "signature": "Toko {name}"})
    mailbox.save()
    page = client.get(f"/tickets/{asked.ticket_id}/").content.decode()
    assert "Toko Bea" in page
    assert "gudang" not in page.partition('id="composer"')[2].partition("</form>")[0]


def test_a_chat_has_no_signature(ticket: Ticket, bea: Agent, client: Client) -> None:
    bea.signature = "Bea Tan of gudang"
    bea.save()
    client.force_login(bea)
    assert "gudang" not in client.get(f"/tickets/{ticket.pk}/").content.decode()


def test_history_is_quoted_where_the_channel_wants_it(
    mailbox: Channel, bea: Agent, sends: Callable[[Message], Taken]
) -> None:
    asked = comes(mailbox, text="Di mana pesanan saya?")
    assert "> Di mana" not in sends(answers(asked, bea)).mail.get_body(("plain",)).get_content()
    mailbox.put_settings({**mailbox.clear_settings(), "quote_history": "on"})
    mailbox.save()
    assert "> Di mana pesanan saya?" in sends(answers(asked, bea)).mail.get_body(("plain",)).get_content()


def test_a_channel_sends_no_more_in_a_minute_than_it_may(
    mailbox: Channel, bea: Agent, work: Callable[[], None], server: FakeMailServer
) -> None:
    mailbox.put_settings({**mailbox.clear_settings(), "per_minute": "2"})
    mailbox.save()
    rows = [answers(comes(mailbox, sender=f"c{number}@mail.example"), bea) for number in range(3)]
    work()
    assert len(server.wait(2)) == 2
    waiting = Message.objects.get(pk=rows[2].pk)
    assert waiting.status == "queued"
    assert waiting.next_attempt_at
    assert timezone.now() < waiting.next_attempt_at <= timezone.now() + timedelta(minutes=1)
    Part.objects.update(sent_at=timezone.now() - timedelta(minutes=2))
    Message.objects.filter(pk=waiting.pk).update(next_attempt_at=timezone.now())
    work()
    assert len(server.wait(3)) == 3


PIXEL = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def test_a_picture_in_its_place_is_not_listed_below(mailbox: Channel, bea: Agent, client: Client) -> None:
    mail = written("Ini fotonya")
    mail.add_alternative('<p>Ini <img src="cid:foto@x"> fotonya</p>', subtype="html")
    part = mail.get_payload()[1]  # type: ignore[union-attr]
    part.add_related(PIXEL, "image", "png", cid="<foto@x>", filename="di-tempatnya.png")
    mail.add_attachment(PIXEL, "image", "png", filename="terlampir.png")
    mail.add_attachment(PIXEL, "image", "png", filename="tanpa-tempat.png", cid="<lain@x>")
    message = comes(mailbox, mail)
    assert message.attachments.count() == 3
    client.force_login(bea)
    page = client.get(f"/tickets/{message.ticket_id}/").content.decode()
    assert "Show the whole mail with 1 picture" in page
    below = page.partition('<ul class="files')[2].partition("</ul>")[0]
    assert "terlampir.png" in below
    assert "tanpa-tempat.png" in below
    assert "di-tempatnya.png" not in below
    assert "data:image/png" in client.get(f"/messages/{message.pk}/html/").content.decode()
    # One that cannot be shown in its place stands below as ever.
    message.attachments.filter(filename="di-tempatnya.png").update(state="failed")
    page = client.get(f"/tickets/{message.ticket_id}/").content.decode()
    assert "Show the whole mail</summary>" in page
    assert "di-tempatnya.png" in page.partition('<ul class="files')[2]


def test_an_answer_to_a_merged_ticket_goes_where_it_went(
    mailbox: Channel, bea: Agent, sends: Callable[[Message], Taken]
) -> None:
    asked, other = comes(mailbox), comes(mailbox, subject="Lain")
    taken = sends(answers(asked, bea))
    with transaction.atomic():
        ticket = Ticket.objects.locked().get(pk=asked.ticket_id)
        into = {"into": other.ticket_id}
        now = timezone.now()
        record(ticket, "ticket.merged", SYSTEM, changes=into, status=Ticket.Status.RESOLVED, resolved_at=now)
    assert comes(mailbox, back(taken, "Masih tanya")).ticket_id == other.ticket_id
    by_number = comes(mailbox, subject=f"Re: Tanya [#{asked.ticket_id}]")
    assert by_number.ticket_id == other.ticket_id
    by_key = comes(mailbox, written("Lagi", To=taken.mail["Reply-To"]))
    assert by_key.ticket_id == other.ticket_id


def test_a_zip_bomb_stays_shut(mailbox: Channel) -> None:
    bomb = BytesIO()
    with ZipFile(bomb, "w", ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"{number}.txt", b"\0" * 10_000_000)
    mail = written("Lihat lampiran")
    mail.add_attachment(bomb.getvalue(), "application", "zip", filename="foto.zip")
    message = comes(mailbox, mail)
    file = message.attachments.get()
    assert (file.filename, file.size) == ("foto.zip", len(bomb.getvalue()))
    assert message.text.strip() == "Lihat lampiran"
