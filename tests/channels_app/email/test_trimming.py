"""The visible reply, client by client and language by language. The Thai, Indonesian and Malay vectors are our own."""

from __future__ import annotations

import pytest

from channels_app.adapters.email import html, parser, rendering
from channels_app.adapters.email.phrases import LABELS, ORIGINAL, SENT_FROM
from channels_app.adapters.email.trimming import visible_reply
from tests.channels_app.email.mails import mail

REPLY = "Barangnya sudah sampai.\n\nTerima kasih!"
QUOTE = "\n> Halo Ana,\n>\n> pesanan Anda sudah dikirim.\n"

ATTRIBUTIONS = [
    # Gmail, Thai, Christian and Buddhist years
    "เมื่อ จ. 3 มี.ค. 2025 เวลา 10:12 ร้านค้า <help@shop.example> เขียนว่า:",
    "เมื่อ พ. 18 พ.ย. 2569 เวลา 09:05 ร้านค้า <help@shop.example> เขียนว่า:",
    "เมื่อ พ. 18 พ.ย. 2569 เวลา 09:05 ฝ่ายบริการลูกค้าสัมพันธ์ <\nhelp@shop.example> เขียนว่า:",
    "เมื่อ วันพุธที่ 18 พฤศจิกายน พ.ศ. ๒๕๖๙ เวลา ๐๙:๐๕ ร้านค้า <help@shop.example> เขียนว่า:",
    # Apple Mail, Thai
    "ในวันที่ 3 มี.ค. 2568 เวลา 10:12 ร้านค้า <help@shop.example> เขียนว่า:",
    "ในวันที่ อังคาร 29 ก.ย. 2026 เวลา 11:14 ร้านค้า <help@shop.example>\nเขียนว่า:",
    "เมื่อวันที่ 13 มกราคม 2569 เวลา 11:20 ร้านค้า <help@shop.example> ได้เขียนว่า:",
    # Yahoo, Thai
    "เมื่อ วันจันทร์ที่ 3 มีนาคม 2568 10:12:33 GMT+7, ร้านค้า <help@shop.example> เขียนว่า:",
    "ใน วันจันทร์ที่ 3 มีนาคม ค.ศ. 2025 เวลา 10:12:33 GMT+7 ร้านค้า\n<help@shop.example> เขียน:",
    # Gmail, Indonesian
    "Pada tanggal Sab, 31 Okt 2020 pukul 22.12 Toko <help@shop.example> menulis:",
    "Pada Sen, 3 Mar 2025 pukul 10.12 Toko <help@shop.example> menulis:",
    "Pada Sen, 3 Mar 2025 pukul 10.12 Toko Serba Ada Jaya Abadi <\nhelp@shop.example> menulis:",
    # Apple Mail, Indonesian
    "Pada 3 Mar 2025, pukul 10.12, Toko <help@shop.example> menulis:",
    "Pada 3 Mar 2025 10.12, Toko <help@shop.example>\nmenulis:",
    # Yahoo, Indonesian
    "Pada Senin, 3 Maret 2025 10.12.33 WIB, Toko <help@shop.example> menulis:",
    "Pada Senin, 3 Maret 2025 pukul 10.12.33 WIB, Toko\n<help@shop.example> menulis:",
    # Gmail, Malay
    "Pada Isn, 3 Mac 2025 pada 10:12 PG Kedai <help@shop.example> menulis:",
    "Pada Isn, 3 Mac 2025 pada 10:12 PTG Kedai Runcit Serbaneka <\nhelp@shop.example> menulis:",
    # Apple Mail, Malay
    "Pada 3 Mac 2025, jam 10:12 PG, Kedai <help@shop.example> menulis:",
    # Yahoo, Malay
    "Pada Isnin, 3 Mac 2025 10:12:33 PG GMT+8, Kedai <help@shop.example> menulis:",
    # the rest of the table
    "On Mon, Mar 3, 2025 at 10:12 AM Shop <help@shop.example> wrote:",
    "On Mon, Mar 3, 2025 at 10:12 AM The Customer Care Team of the Shop <\nhelp@shop.example> wrote:",
    "On 3 Mar 2025, at 10:12, Shop <help@shop.example>\nwrote:",
    "On 03/03/2025 10:12, Shop wrote:",
    "At 10:12 03/03/2025, you wrote:",
    "---- On Mon, 03 Mar 2025 10:12:00 +0700 Shop <help@shop.example> wrote ----",
    "Vào Th 2, 3 thg 3, 2025 vào lúc 10:12 Shop <help@shop.example> đã viết:",
    "Shop <help@shop.example> 于2025年3月3日周一 10:12写道：",
    "在 2025年3月3日，10:12，Shop <help@shop.example> 写道：",
    "Shop <help@shop.example> 於 2025年3月3日 週一 上午10:12寫道：",
    "2025年3月3日(月) 10:12 Shop <help@shop.example>:",
    "2025年3月3日(月) 10:12、Shop <help@shop.example>のメール:",
    "2025년 3월 3일 (월) 오전 10:12, Shop <help@shop.example>님이 작성:",
    "Am Mo., 3. März 2025 um 10:12 Uhr schrieb Shop <help@shop.example>:",
    "Am 03.03.2025 um 10:12 schrieb Shop:",
    "Shop <help@shop.example> schrieb am Mo., 3. März 2025\num 10:12 Uhr:",
    "Le lun. 3 mars 2025 à 10:12, Shop <help@shop.example> a écrit :",
    "El lun, 3 mar 2025 a las 10:12, Shop (<help@shop.example>) escribió:",
    "Em seg., 3 de mar. de 2025 às 10:12, Shop <help@shop.example> escreveu:",
    "Il giorno lun 3 mar 2025 alle ore 10:12 Shop <help@shop.example> ha scritto:",
    "Op ma 3 mrt 2025 om 10:12 schreef Shop <help@shop.example>:",
    "Op 3 mrt. 2025 om 10:12 heeft Shop <help@shop.example> het volgende geschreven:",
    "Den mån 3 mars 2025 kl 10:12 skrev Shop <help@shop.example>:",
    "Den man. 3. mar. 2025 kl. 10.12 skrev Shop <help@shop.example>:",
    "man. 3. mar. 2025 kl. 10:12 skrev Shop <help@shop.example>:",
    "ma 3. maalisk. 2025 klo 10.12 Shop (help@shop.example) kirjoitti:",
    "pon., 3 mar 2025 o 10:12 Shop <help@shop.example> napisał(a):",
    "W dniu 3.03.2025 o 10:12, Shop pisze:",
    "po 3. 3. 2025 v 10:12 odesílatel Shop <help@shop.example> napsal:",
    "пн, 3 мар. 2025 г. в 10:12, Shop <help@shop.example>:",
    "3 марта 2025 г., в 10:12, Shop <help@shop.example> написал(а):",
    "пн, 3 бер. 2025 р. о 10:12 Shop <help@shop.example> пише:",
    "Shop <help@shop.example>, 3 Mar 2025 Pzt, 10:12 tarihinde şunu yazdı:",
    "Στις Δευ 3 Μαρ 2025 στις 10:12, ο/η Shop <help@shop.example> έγραψε:",
    "في الاثنين، 3 مارس 2025 في 10:12 ص كتب Shop <help@shop.example>:",
    "في ٣ مارس ٢٠٢٥، الساعة ١٠:١٢، كتب Shop <help@shop.example>:",
    "\u202bבתאריך יום ב׳, 3 במרץ 2025 ב-10:12 מאת \u202aShop\u202c\u200f <\u202ahelp@shop.example\u202c\u200f>:\u202c",
    "सोम, 3 मार्च 2025 को 10:12 am बजे Shop <help@shop.example> ने लिखा:",
]

HEADERS = {
    "en": "From: Shop <help@shop.example>\nSent: Monday, March 3, 2025 10:12 AM\nTo: Ana\nSubject: Order",
    "th": "จาก: ร้านค้า <help@shop.example>\nส่ง: วันจันทร์ที่ 3 มีนาคม 2568 10:12\nถึง: Ana\nเรื่อง: คำสั่งซื้อ",
    "th mobile": "จาก: ร้านค้า <help@shop.example>\nส่งเมื่อ: วันจันทร์ที่ 3 มีนาคม 2568 10:12\nถึง: Ana\nหัวเรื่อง: คำสั่งซื้อ",
    "id": "Dari: Toko <help@shop.example>\nDikirim: Senin, 03 Maret 2025 10.12\nKepada: Ana\nSubjek: Pesanan",
    "id old": "Dari: Toko <help@shop.example>\nTanggal: 3 Maret 2025 10.12\nKe: Ana\nPerihal: Pesanan",
    "ms": "Daripada: Kedai <help@shop.example>\nDihantar: Isnin, 3 Mac 2025 10:12 PG\nKepada: Ana\nSubjek: Pesanan",
    "vi": "Từ: Shop <help@shop.example>\nĐã gửi: Thứ Hai, 3 tháng 3, 2025 10:12\nĐến: Ana\nChủ đề: Đơn hàng",
    "zh": "发件人: Shop <help@shop.example>\n发送时间: 2025年3月3日 10:12\n收件人: Ana\n主题: 订单",
    "zh-hant": "寄件者： Shop <help@shop.example>\n寄件日期： 2025年3月3日 10:12\n收件者： Ana\n主旨： 訂單",
    "ja": "差出人: Shop <help@shop.example>\n送信日時: 2025年3月3日 10:12\n宛先: Ana\n件名: 注文",
    "ko": "보낸 사람: Shop <help@shop.example>\n보낸 날짜: 2025년 3월 3일 10:12\n받는 사람: Ana\n제목: 주문",
    "de": "Von: Shop <help@shop.example>\nGesendet: Montag, 3. März 2025 10:12\nAn: Ana\nBetreff: Bestellung",
    "fr": "De : Shop <help@shop.example>\nEnvoyé : lundi 3 mars 2025 10:12\nÀ : Ana\nObjet : Commande",
    "es": "De: Shop <help@shop.example>\nEnviado: lunes, 3 de marzo de 2025 10:12\nPara: Ana\nAsunto: Pedido",
    "pt": "De: Shop <help@shop.example>\nEnviada em: segunda-feira, 3 de março de 2025\nPara: Ana\nAssunto: Pedido",
    "it": "Da: Shop <help@shop.example>\nInviato: lunedì 3 marzo 2025 10:12\nA: Ana\nOggetto: Ordine",
    "nl": "Van: Shop <help@shop.example>\nVerzonden: maandag 3 maart 2025 10:12\nAan: Ana\nOnderwerp: Bestelling",
    "sv": "Från: Shop <help@shop.example>\nSkickat: den 3 mars 2025 10:12\nTill: Ana\nÄmne: Order",
    "da": "Fra: Shop <help@shop.example>\nSendt: 3. marts 2025 10:12\nTil: Ana\nEmne: Ordre",
    "fi": "Lähettäjä: Shop <help@shop.example>\nLähetetty: maanantai 3. maaliskuuta 2025\nVastaanottaja: Ana\nAihe: Tilaus",
    "pl": "Od: Shop <help@shop.example>\nWysłano: poniedziałek, 3 marca 2025 10:12\nDo: Ana\nTemat: Zamówienie",
    "cs": "Od: Shop <help@shop.example>\nOdesláno: pondělí 3. března 2025 10:12\nKomu: Ana\nPředmět: Objednávka",
    "ru": "От: Shop <help@shop.example>\nОтправлено: 3 марта 2025 г. 10:12\nКому: Ana\nТема: Заказ",
    "uk": "Від: Shop <help@shop.example>\nНадіслано: 3 березня 2025 р. 10:12\nКому: Ana\nТема: Замовлення",
    "tr": "Kimden: Shop <help@shop.example>\nGönderildi: 3 Mart 2025 Pazartesi 10:12\nKime: Ana\nKonu: Sipariş",
    "el": "Από: Shop <help@shop.example>\nΣτάλθηκε: Δευτέρα, 3 Μαρτίου 2025\nΠρος: Ana\nΘέμα: Παραγγελία",
    "ar": "من: Shop <help@shop.example>\nتم الإرسال: الاثنين، 3 مارس 2025\nإلى: Ana\nالموضوع: طلب",
    "he": "מאת: Shop <help@shop.example>\nנשלח: יום שני 03 מרץ 2025\nאל: Ana\nנושא: הזמנה",
    "hi": "प्रेषक: Shop <help@shop.example>\nभेजा गया: सोमवार, 3 मार्च 2025\nप्रति: Ana\nविषय: ऑर्डर",
    "bold": "*From:* Shop <help@shop.example>\n*Sent:* Monday, March 3, 2025\n*To:* Ana\n*Subject:* Order",
    "hotmail": "Date: Mon, 3 Mar 2025 10:12:00 +0700\nSubject: Order\nFrom: help@shop.example\nTo: ana@mail.example",
    "wrapped": "From: Shop\n<help@shop.example>\nSent: Monday, March 3, 2025 10:12 AM\nTo: Ana\nSubject: Order",
}


@pytest.mark.parametrize("line", ATTRIBUTIONS)
def test_attributions(line: str) -> None:
    assert visible_reply(f"{REPLY}\n\n{line}\n{QUOTE}") == REPLY
    # Some clients do not mark what they quote.
    assert visible_reply(f"{REPLY}\n\n{line}\n\nHalo Ana,\npesanan Anda sudah dikirim.") == REPLY


@pytest.mark.parametrize("language", HEADERS)
def test_outlook_headers(language: str) -> None:
    tail = f"{HEADERS[language]}\n\nHalo Ana,\npesanan Anda sudah dikirim."
    assert visible_reply(f"{REPLY}\n\n{tail}") == REPLY
    assert visible_reply(f"{REPLY}\n\n________________________________\n{tail}") == REPLY


@pytest.mark.parametrize("language", ["th", "id", "ms", "de", "ja"])
def test_outlook_as_html(language: str) -> None:
    """The labels are bold, the name of the class is all there is, and nothing is quoted."""
    lines = "<br>".join(
        f"<b>{label}:</b>{value.replace('<', '&lt;')}"
        for label, _, value in (line.partition(":") for line in HEADERS[language].split("\n"))
    )
    body = f'<p>{REPLY}</p><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p>{lines}</p></div><p>Halo Ana</p>'
    assert visible_reply(rendering.quoted_text(html.sanitise(body))) == "Barangnya sudah sampai. Terima kasih!"


def test_original_message_lines() -> None:
    whole = {phrase: f"{REPLY}\n\n-----{phrase.capitalize()}-----\nHalo Ana" for phrase in ORIGINAL}
    assert [phrase for phrase, text in whole.items() if visible_reply(text) != REPLY] == []


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my iPhone", "Sent from Yahoo Mail on Android", "Get Outlook for iOS<https://aka.ms/o0ukef>", "Dikirim dari iPhone saya",
        "Dikirim dari Yahoo Mail di Android", "Dapatkan Outlook untuk Android", "Dihantar dari iPhone saya", "Dihantar daripada Yahoo Mail pada Android",
        "Dapatkan Outlook untuk iOS", "ส่งจาก iPhone ของฉัน", "ส่งจาก Yahoo Mail สำหรับ iPhone", "ดาวน์โหลด Outlook สำหรับ iOS", "Được gửi từ iPhone của tôi",
        "Von meinem iPhone gesendet", "Envoyé de mon iPhone", "Enviado desde mi iPhone", "Enviado do meu iPhone", "Inviato da iPhone", "Verstuurd vanaf mijn iPhone",
        "Skickat från min iPhone", "Sendt fra min iPhone", "Lähetetty iPhonesta", "Wysłane z iPhone'a", "Odesláno z iPhonu", "Отправлено с iPhone", "Надіслано з iPhone",
        "iPhone'umdan gönderildi", "Στάλθηκε από το iPhone μου", "أرسلت من الـ iPhone", "נשלח מה-iPhone שלי", "मेरे iPhone से भेजा गया", "发自我的iPhone",
        "從我的 iPhone 傳送", "iPhoneから送信", "나의 iPhone에서 보냄",
    ],
)  # fmt: skip
def test_a_telephone_signs(line: str) -> None:
    assert visible_reply(f"{REPLY}\n\n{line}\n") == REPLY
    assert visible_reply(f"{REPLY}\n\n{line}\n\n{ATTRIBUTIONS[0]}\n{QUOTE}") == REPLY


@pytest.mark.parametrize("rule", ["-- ", "--", "—", "__", "_______________", "—————", "----------------"])
def test_signatures(rule: str) -> None:
    assert visible_reply(f"{REPLY}\n\n{rule}\nAna Lim\n+62 812 3456 7890") == REPLY


@pytest.mark.parametrize(
    "text",
    [
        "See below.\n\n---------- Forwarded message ---------\nFrom: Bo <bo@x.example>\nDate: Mon, Mar 3, 2025\nSubject: x\nTo: Ana\n\nThe point.",
        "---------- ข้อความที่ส่งต่อ ---------\nจาก: Bo <bo@x.example>\nวันที่: จ. 3 มี.ค. 2568\nเรื่อง: x\nถึง: Ana\n\nThe point.",
        "Mohon dicek.\n\n---------- Pesan terusan ---------\nDari: Bo <bo@x.example>\nTanggal: 3 Mar 2025\nKepada: Ana\n\nThe point.",
        "Begin forwarded message:\n\nFrom: Bo <bo@x.example>\nDate: 3 March 2025\nSubject: x\nTo: Ana\n\nThe point.",
    ],
)
def test_what_is_forwarded_is_the_message(text: str) -> None:
    assert visible_reply(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "On this day I wrote something.",
        "Thanks, on 3 March 2025 the customer wrote: all is well.",
        "ขอบคุณครับ เมื่อ 3 มีนาคม 2568 ลูกค้าเขียนว่า: เรียบร้อยดี",
        "Pada 3 Maret 2025 pelanggan menulis: semua baik.",
        "Prices:\n\n> 100 pieces\n\nand\n\n> 200 pieces\n\nWhich is it?",
        "From: Jakarta\nI need two.\nTo: my brother it goes.",
        "2025-01-15 14:30:25\nJan 15, 2024 at 14:30\nare my dates:",
        "one\n\n----------\n\n" + "a long text that goes on and on and on and on\n" * 30 + "end",
        "a -- b is no signature",
        "Dari Surabaya ke Jakarta berapa lama?",
        "ส่งสินค้าจากกรุงเทพวันไหนคะ",
    ],
)
def test_prose_stays(text: str) -> None:
    assert visible_reply(text) == text.strip()


def test_answers_between_the_lines_keep_what_they_answer() -> None:
    text = f"See below.\n\n{ATTRIBUTIONS[0]}\n> How many?\n\nTwo.\n\n> What colour?\n\nRed.\n"
    assert visible_reply(text) == text.strip()
    assert (
        visible_reply(f"{ATTRIBUTIONS[0]}\n> How many?\n\nTwo.\n\n> Colour?\n\nRed.")
        == "> How many?\n\nTwo.\n\n> Colour?\n\nRed."
    )


def test_an_answer_below_the_quote() -> None:
    assert visible_reply(f"{ATTRIBUTIONS[12]}\n{QUOTE}\n{REPLY}\n\n-- \nAna") == REPLY


def test_a_wrapped_line_of_a_quote_is_no_answer() -> None:
    quote = "> a quoted line that some mailer found far too long and wrapped at the\nend of it\n> and on it goes"
    assert visible_reply(f"{REPLY}\n\n{ATTRIBUTIONS[0]}\n{quote}\n") == REPLY


@pytest.mark.parametrize(
    "text", [f"{ATTRIBUTIONS[0]}{QUOTE}", "> all of it", "-- \nAna", "Sent from my iPhone", "", "\n\n"]
)
def test_a_reply_that_would_be_empty_is_the_whole(text: str) -> None:
    assert visible_reply(text) == text.strip()


QUOTED = [
    '<div dir="ltr">REPLY</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">เมื่อ จ. 3 มี.ค. 2568 เวลา 10:12 S &lt;s@x.example&gt; เขียนว่า:<br></div>'
    '<blockquote class="gmail_quote">OLD</blockquote></div>',
    '<div>REPLY</div><div class="gmail_quote"><div class="gmail_attr">Unbekannte Sprache 3 2025 &lt;s@x.example&gt; xyz:</div><blockquote>OLD</blockquote></div>',
    '<p>REPLY</p><div id="appendonsend"></div><hr><div id="divRplyFwdMsg" dir="ltr"><b>Ze:</b> S</div><div>OLD</div>',
    '<p>REPLY</p><div id="x_x_divRplyFwdMsg">S</div><div>OLD</div>',
    '<div>REPLY</div><blockquote type="cite"><div>On 3 Mar 2025, at 10:12, S wrote:</div><div>OLD</div></blockquote>',
    '<div>REPLY</div><div><br><blockquote type="cite">OLD</blockquote></div>',
    '<div>REPLY</div><div id="ydp1yahoo_quoted_1" class="ydp1yahoo_quoted"><div>Pada Senin, 3 Maret 2025 10.12.33 WIB, S &lt;s@x.example&gt; menulis:</div><div>OLD</div></div>',
    '<div>REPLY</div><div id="yahoo_quoted_123" class="yahoo_quoted"><div>OLD</div></div>',
    '<div>REPLY</div><div class="moz-cite-prefix">On 03/03/2025 10:12, S wrote:<br></div><blockquote type="cite" cite="mid:a">OLD</blockquote>',
    '<div>REPLY</div><div class="protonmail_quote">On Monday, March 3rd, 2025 at 10:12, S &lt;s@x.example&gt; wrote:<br><blockquote class="protonmail_quote" type="cite">OLD</blockquote></div>',
    '<div>REPLY</div><div class="zmail_extra"><div>---- On Mon, 03 Mar 2025 10:12:00 +0700 <b>S &lt;s@x.example&gt;</b> wrote ----</div><blockquote>OLD</blockquote></div>',
    '<div>REPLY</div><span id="OLK_SRC_BODY_SECTION"><div>From: S</div>OLD</span>',
    '<div>REPLY<br><br><hr id="zwchr"><b>From: </b>s@x.example<br><b>To: </b>a<br><b>Sent: </b>Monday<br><b>Subject: </b>x<br><br>OLD</div>',
    '<div>REPLY</div><div class="history-quote-wrapper"><div>S&lt;s@x.example&gt; 在 2025年3月3日 10:12 写道：</div><blockquote>OLD</blockquote></div>',
    '<p>REPLY</p><p style="margin:0">-------- Original Message --------</p><p>OLD</p>',
]  # fmt: skip


@pytest.mark.parametrize("body", QUOTED)
def test_quotes_of_html_clients(body: str) -> None:
    read = parser.read(mail("Content-Type: text/html; charset=utf-8", body=body))
    assert read.reply_text == "REPLY"
    # Folded, not lost.
    assert "OLD" in read.text
    assert "OLD" in (read.html or "")


def test_a_forward_from_gmail_is_kept_although_it_stands_in_a_quote() -> None:
    body = (
        '<div>Tolong dicek</div><div class="gmail_quote"><div>---------- Pesan terusan ---------<br>Dari: <b>S</b> &lt;s@x.example&gt;<br>'
        "Tanggal: 3 Mar 2025<br>Subjek: x<br>Kepada: Ana</div><div>ISI</div></div>"
    )
    assert "ISI" in parser.read(mail("Content-Type: text/html", body=body)).reply_text


def test_the_tables_are_in_lower_case() -> None:
    """They are compared with lower-case text: a capital would never match."""
    words = [*ORIGINAL, *SENT_FROM, *(label for labels in LABELS.values() for label in labels)]
    assert [word for word in words if word != word.lower() and "\\" not in word] == []


def test_long_mails_are_read_to_a_limit() -> None:
    assert len(visible_reply("a\n" * 100_000).split("\n")) <= 10_000
