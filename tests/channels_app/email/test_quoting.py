"""How more clients introduce what they quote, and what only looks like it. The vectors are our own."""

from __future__ import annotations

import pytest

from channels_app.adapters.email import parser
from channels_app.adapters.email.trimming import forwarded, visible_reply
from tests.channels_app.email.mails import mail

REPLY = "Barangnya sudah sampai.\n\nTerima kasih!"
QUOTE = "> Halo Ana,\n>\n> pesanan Anda sudah dikirim.\n"
BARE = "\nHalo Ana,\npesanan Anda sudah dikirim.\n"
FIRST = "On Mon, Mar 3, 2025 at 10:12 AM Shop <help@shop.example> wrote:"

ANYWHERE = [
    "‐‐‐‐‐‐‐ Original Message ‐‐‐‐‐‐‐\nOn Monday, March 3, 2025 10:12 AM, Shop <help@shop.example> wrote:",
    "星期一, 三月 3, 2025 6:09 晚上，Shop <help@shop.example> 来信：",
    "In a message dated 3/3/2025 10:12:33 AM Eastern Standard Time, help@shop.example writes:",
    "Shop schreef op 2025-03-03 10:12:",
    "Shop kirjoitti 3.3.2025 klo 10.12:",
    "Às 10:12 de 03/03/2025, Shop escreveu:",
    "Shop 於 2025/3/3 上午 10:12 寫道:",
    "Wiadomość napisana przez Shop <help@shop.example> w dniu 3 mar 2025, o godz. 10:12:",
    "На пн, 3.03.2025 г. в 10:12 Shop <help@shop.example> написа:",
    "Pirmd., 2025. g. 3. marts plkst. 10:12 — lietotājs Shop (<help@shop.example>) rakstīja:",
    "Missatge de Shop <help@shop.example> del dia dl., 3 de març 2025 a les 10:12:",
    "در تاریخ دوشنبه ۳ مارس ۲۰۲۵، ۱۰:۱۲ Shop <help@shop.example> نوشت:",
    "Noong Lun, Mar 3, 2025 nang 10:12 AM, isinulat ni Shop <help@shop.example> ang:",
    "-------- Ursprüngliche Nachricht --------Von: Shop <help@shop.example> Datum: 03.03.25 An: ana@x.example Betreff: x",
    "------------------ Original ------------------\nFrom:  \"Shop\"<help@shop.example>;\nDate:  Mon, Mar 3, 2025\nSubject:  x",
    "----- Mail envoyé -----\nDe: \"Shop\" <help@shop.example>\nÀ: \"Ana\" <ana@x.example>\nEnvoyé: Lundi 3 Mars 2025\nObjet: x",
    ">>> Shop <help@shop.example> 03/03/2025 10:12 AM >>>",
    "##- Please type your reply above this line -##",
    "--- Balas di atas baris ini ---",
    "Šalje: Shop <help@shop.example>\nPoslano: 3. ožujka 2025. 10:12\nPrima: Ana\nPredmet: x",
    "Nuo: Shop <help@shop.example>\nIšsiųsta: 2025 m. kovo 3 d.\nKam: Ana\nTema: x",
    "Saatja: Shop <help@shop.example>\nSaadetud: 3. märts 2025\nAdressaat: Ana\nTeema: x",
    "From: Shop <help@shop.example> Sent: Monday, March 3, 2025 10:12 AM To: Ana <ana@x.example> Subject: x",
    "＿＿＿＿＿＿＿＿\nFrom: Shop <help@shop.example>\nSent: Monday\nTo: Ana",
    "From: Shop <help@shop.example>\nSent: Monday, March 3, 2025 10:12 AM",
    "Kimden: Shop <help@shop.example>\nGönderilen: 3 Mart 2025 10:12\nKonu: x",
    "---- Shop wrote ----",
    "Shop さんは 2025年3月3日 10:12 に書きました：",
    "On Mon, Mar 3, 2025 at 10:12 AM Shop <help@shop.example> sent:",
    "Sent by: Shop\nTo: Ana\nDate: 03/03/2025 10:12\nSubject: x",
]  # fmt: skip
BEFORE_A_QUOTE = [
    "Quoting Shop <help@shop.example>:",
    "Zitat von Shop <help@shop.example>:",
    "Shop schreef:",
    "On Mon, Jun 1 Shop wrote:",
    "* Shop <help@shop.example> [2025-03-03 10:12]:",
    "2025/3/3 Shop <help@shop.example>",
    "On Mon, Mar 3, 2025 at 10:12 AM Shop <help@shop.example> wrote",
]


@pytest.mark.parametrize("line", ANYWHERE)
def test_with_and_without_marks(line: str) -> None:
    assert visible_reply(f"{REPLY}\n\n{line}\n{QUOTE}") == REPLY
    assert visible_reply(f"{REPLY}\n\n{line}\n{BARE}") == REPLY


@pytest.mark.parametrize("line", BEFORE_A_QUOTE)
def test_only_where_a_quote_follows(line: str) -> None:
    assert visible_reply(f"{REPLY}\n\n{line}\n{QUOTE}") == REPLY


WRAPPED = [
    "Il giorno 3 mar 2025, alle ore\n10:12, Shop <help@shop.example> ha scritto:",
    "Shop <help@shop.example> kirjoitti\n3.3.2025 kello 10.12:",
    "Shop <\nhelp@shop.example> kirjoitti 3.3.2025 kello 10.12:",
    "Shop <help@shop.example\n<mailto:help@shop.example>> 於 2025年3月3日 上午10:12 寫道：",
    "Shop <help@shop.example> 於 2025年3月3日 上午10:12\n寫道：",
    "Vào lúc 10:12:33 GMT+7 Thứ Hai, 3 tháng\n3, 2025, Shop <help@shop.example> đã viết:",
    "Shop <help@shop.example> ezt írta (időpont: 2025. márc.\n3., H, 10:12):",
    "Pada Senin, 3 Maret 2025 pukul\n10.12.33 WIB, Shop <help@shop.example> menulis:",
    "ใน วันจันทร์ที่ 3 มีนาคม 2568\nเวลา 10:12:33 GMT+7, Shop <help@shop.example> เขียนว่า:",
]


@pytest.mark.parametrize("line", WRAPPED)
def test_wrapped_anywhere(line: str) -> None:
    assert visible_reply(f"{REPLY}\n\n{line}\n{QUOTE}") == REPLY


@pytest.mark.parametrize("line", [FIRST, "3. mar. 2025 kl. 10:12 skrev Shop <help@shop.example>:"])
def test_words_right_above_are_not_taken_along(line: str) -> None:
    assert visible_reply(f"Mit bestem Dank\n{line}\n{QUOTE}") == "Mit bestem Dank"


@pytest.mark.parametrize(
    "text",
    [
        "I got the parcel today.\nSent with FedEx on Monday, it arrived broken.\nPlease refund me.",
        "订单坏了。\n来自仓库的包裹没有盖。\n请退款。",
        "Le colis est arrivé le 3 mars 2025 à 10:12, votre livreur a écrit :\nabsent\nJ'étais là.",
        "Pada tanggal 3 Maret 2025 pukul 10.12 saya menulis:\nbarang rusak.\nTolong bantu.",
        "เมื่อวันที่ 3 มีนาคม 2568 เวลา 10:12 ผมเขียนว่า:\nของเสีย\nช่วยด้วย",
        "My data:\nFrom: Jakarta\nTo: Bandung\nDate: 3 March 2025\n\nCan you deliver?",
        "From: 3 March\nTo: 5 March\nSubject: booking\nGuests: 2\n\nPlease confirm.",
        "On Monday the invoices were sent:\n- one\n- two",
        "Fwd: Invoice 7\nFrom: billing@x.example\nDate: Mon, 3 Mar 2025 10:12\n\nThe invoice is below.",
        "-------- Agenda for Monday --------\nSee you there.",
        "他写道的内容非常好：请看下面。\n谢谢！",
        "Let us meet on 12 May 2025 at 3:45 to end it:\nOn Monday we did not.",
        "Send it to:\n\n-----\nAna Lim\nJalan Sudirman 1\n-----\n\nand tell me when it is sent.",
        "1. first\n---\n2. second\n---\n3. third",
        "As Einstein said:\n\n> Imagination is more important.\n\nSo I want a refund.",
    ],
)
def test_what_only_looks_like_a_mark_stays(text: str) -> None:
    assert visible_reply(text) == text


@pytest.mark.parametrize(
    "footer",
    [
        "This e-mail is confidential and intended solely for the addressee.",
        "Virus-free. www.avast.com",
        "Diese E-Mail wurde von Avast auf Viren geprüft.",
        "Pesan ini bersifat rahasia dan hanya untuk penerima yang dimaksud.",
        "อีเมลฉบับนี้เป็นความลับ",
        "You received this message because you are subscribed to the group.",
    ],
)
def test_what_a_gateway_puts_below_the_quote_is_no_answer(footer: str) -> None:
    assert visible_reply(f"{REPLY}\n\n{FIRST}\n{QUOTE}\n{footer}\n") == REPLY
    # Below an answer between the lines it takes nothing away.
    text = f"See below.\n\n{FIRST}\n> How many?\n\nTwo.\n\n> Colour?\n\n{footer}"
    assert "Two." in visible_reply(text)


def test_the_wrapped_end_of_a_quote_is_no_answer() -> None:
    quote = "> a quoted line that some mailer found far too long and so wrapped at its\nend"
    assert visible_reply(f"{REPLY}\n\n{FIRST}\n{quote}\n") == REPLY
    asked = "> And is this the size that you would like to have for all of your chairs?\nyes"
    assert visible_reply(f"See below.\n\n{FIRST}\n{asked}\n").endswith("yes")


def test_a_footer_with_rules_of_its_own_is_one() -> None:
    assert visible_reply(f"{REPLY}\n\n---\n*Previous answers*\n\nAn older one.\n\n---\nVisit the page.") == REPLY


def test_a_forward_that_its_program_quotes_is_kept() -> None:
    text = "Mohon dicek.\n\n> Begin forwarded message:\n>\n> From: Bo <bo@x.example>\n> Subject: x\n>\n> The point."
    assert visible_reply(text) == text
    head = forwarded(text, marked=False)
    assert head is not None
    assert (head.fields["from"], head.fields["subject"], head.text) == ("Bo <bo@x.example>", "x", "The point.")
    # Not one deep in what is answered.
    assert visible_reply(f"{REPLY}\n\n{FIRST}\n> see\n>\n> Begin forwarded message:\n> From: Bo\n") == REPLY


def test_a_program_lost_the_line_ends() -> None:
    assert visible_reply(f"Sampai {FIRST} > Halo > lama") == "Sampai"
    text = "My work on Roblox is known. On Roblox I wrote: a game."
    assert visible_reply(text) == text


HTML = [
    '<p>REPLY</p><hr id="stopSpelling"><div>OLD</div>',
    '<div name="messageBodySection">REPLY</div><div name="messageReplySection">OLD</div>',
    '<div>REPLY</div><div class="freshdesk_quote">OLD</div>',
    '<div>REPLY</div><blockquote class="front-blockquote">OLD</blockquote>',
    '<div>REPLY</div><div id="ydp2yahoo_quoted_1" class="ydp2yahoo_quoted"><div>OLD</div></div>',
    '<div>REPLY</div><div class="x_ms-outlook-mobile-reference-message">OLD</div>',
    '<div>REPLY</div><div id="m_-12divRplyFwdMsg">OLD</div>',
    '<div>REPLY</div><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p><b>From:</b> s@x.example</p><p>OLD</p></div>',
]  # fmt: skip


@pytest.mark.parametrize("body", HTML)
def test_marks_of_more_html_clients(body: str) -> None:
    read = parser.read(mail("Content-Type: text/html; charset=utf-8", body=body))
    assert read.reply_text == "REPLY"
    assert "OLD" in read.text


def test_a_forward_in_the_section_of_an_answer_is_kept() -> None:
    body = '<div>Tolong</div><div name="messageReplySection">---------- Forwarded message ----------<br>From: S<br><br>ISI</div>'
    assert "ISI" in parser.read(mail("Content-Type: text/html", body=body)).reply_text


def test_ten_thousand_ruled_lines_are_read_once() -> None:
    assert visible_reply("text\n" + "----\nmore\n" * 5_000)
