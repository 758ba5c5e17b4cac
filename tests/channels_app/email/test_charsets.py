"""Bytes of all kinds become the letters that were meant."""

from __future__ import annotations

import pytest

from channels_app.adapters.email import charsets

THAI = "สวัสดีครับ ขอสอบถามเรื่องสินค้า"


@pytest.mark.parametrize("name", ["windows-874", "x-windows-874", "TIS-620", "iso-8859-11", "cp874", '"windows-874"'])
def test_thai_by_all_its_names(name: str) -> None:
    assert charsets.decode(THAI.encode("cp874"), name) == THAI


@pytest.mark.parametrize(
    ("name", "codec", "text"),
    [
        ("ks_c_5601-1987", "cp949", "안녕하세요 똠방각하"),
        ("euc-kr", "cp949", "똠"),
        ("x-gbk", "gbk", "镕你好"),
        ("gb2312", "gbk", "朱镕基"),
        ("gb2312", "gb18030", "㐀㐁"),
        ("iso-8859-8-i", "iso8859_8", "שלום"),
        ("Shift_JIS", "cp932", "①㈱テスト"),
        ("big5", "big5hkscs", "你好啊"),
        ("iso-8859-1", "cp1252", "“quoted” – €5"),
        ("windows-1256", "cp1256", "مرحبا"),
        ("koi8-r", "koi8_r", "Привет"),
        ("utf8", "utf-8", "é"),
        ("unicode-1-1-utf-7", "utf-7", "Hi Mom -☺-!"),
    ],
)
def test_names_that_python_does_not_know_or_reads_too_strictly(name: str, codec: str, text: str) -> None:
    assert charsets.decode(text.encode(codec), name) == text


def test_japanese_with_the_letters_that_the_standard_has_not() -> None:
    # NEC row 13 (circled 1), as every Japanese phone sends it, and half-width kana.
    data = b"\x1b$B-!F|K\\\x1b(B ok \x1b(I1\x1b(B"
    assert charsets.decode(data, "iso-2022-jp") == "①日本 ok ｱ"


@pytest.mark.parametrize(
    "name", ["idna", "punycode", "unicode_escape", "rot13", "zip", "hex", "undefined", "x" * 500, "\x00"]
)
def test_codecs_that_are_no_charsets_are_not_used(name: str) -> None:
    assert charsets.codec_of(name) == ""
    assert charsets.decode(b"\\x41 xn--abc", name) == "\\x41 xn--abc"


def test_without_a_name_it_is_guessed() -> None:
    assert charsets.guess(THAI.encode()) == THAI
    assert charsets.guess(THAI.encode("cp874")) == THAI
    assert charsets.guess("Grüße aus Köln".encode("cp1252")) == "Grüße aus Köln"
    assert charsets.guess("﻿hej".encode()) == "hej"
    assert charsets.guess("héj".encode("utf-16")) == "héj"
    assert charsets.guess("Привет".encode("koi8-r"), "koi8-r") == "Привет"


def test_an_untrue_name_is_corrected() -> None:
    assert charsets.decode("Grüße".encode("cp1252"), "utf-8") == "Grüße"
    assert charsets.decode("Grüße".encode(), "us-ascii") == "Grüße"
    assert charsets.decode(THAI.encode("cp874"), "us-ascii") == THAI
    # A letter cut in the middle does not make Chinese of it.
    assert charsets.decode(("é" * 40).encode() + b"\xc3", "utf-8") == "é" * 40 + "�"


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("cp874", "ใบเสนอราคา 2568"),
        ("cp874", "สวัสดี"),
        ("cp874", "กรุงเทพฯ ๑๐๑๑๐"),
        ("gb18030", "关于订单的问题请帮忙"),
        ("gb18030", "Re: 询价"),
        ("big5", "關於訂單的問題請幫忙"),
        ("big5", "您好，我的訂單還沒有到"),
        ("cp932", "お問い合わせ"),
        ("euc_jp", "注文についてのお問い合わせ"),
        ("cp949", "주문에 대해 문의드립니다"),
        ("cp1251", "Вопрос о заказе"),
        ("koi8_r", "Вопрос о заказе"),
        ("cp1251", "Здравствуйте, заказ ещё не пришёл"),
        # Western accents stand alone, and are what they were.
        ("cp1252", "Ärger mit Äpfeln, Größe und Übermut in Köln"),
        ("cp1252", "créée à Paris, naïve café, señor ñandú, São Paulo: ação"),
        ("cp1252", "“smart” – it’s €5"),
        ("cp1252", "Räksmörgås på sjön, ÅÄÖ, Fußgänger, ÁÉÍÓÚ ÑÑÑ ÇÇ"),
    ],
)
def test_letters_tell_the_charset_that_nobody_names(codec: str, text: str) -> None:
    assert charsets.guess(text.encode(codec)) == text


def test_well_formed_utf8_is_utf8_whatever_it_is_called() -> None:
    for name in ("iso-8859-1", "windows-874", "big5", "gb2312"):
        assert charsets.decode("ขอบคุณครับ".encode(), name) == "ขอบคุณครับ"
    assert charsets.decode("Grüße aus Köln".encode(), "iso-8859-1") == "Grüße aus Köln"
    # Too little to tell: it stays what it is called.
    assert charsets.decode(b"\xc4\xa3\xc4\xb3\xc4\xbe", "gbk") == b"\xc4\xa3\xc4\xb3\xc4\xbe".decode("gbk")
    assert charsets.decode("Ã©".encode("cp1252"), "iso-8859-1") == "Ã©"
