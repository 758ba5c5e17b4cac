"""Bytes to text, by the charset that a mail names and, where that cannot be true, by what the bytes look like."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from channels_app.adapters.email import letters

ALIASES = {
    "windows874": "cp874",
    "xwindows874": "cp874",
    "tis620": "cp874",
    "iso885911": "cp874",
    "tis6202533": "cp874",
    "ksc56011987": "cp949",
    "ksc56011989": "cp949",
    "ksc5601": "cp949",
    "ksx1001": "cp949",
    "euckr": "cp949",
    "uhc": "cp949",
    "windows949": "cp949",
    "xgbk": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "euccn": "gb18030",
    "gb231280": "gb18030",
    "cngb": "gb18030",
    "windows936": "gb18030",
    "hzgb2312": "hz",
    "big5": "big5hkscs",
    "cnbig5": "big5hkscs",
    "xxbig5": "big5hkscs",
    "shiftjis": "cp932",
    "sjis": "cp932",
    "xsjis": "cp932",
    "mskanji": "cp932",
    "windows31j": "cp932",
    "xeucjp": "euc_jp",
    "ujis": "euc_jp",
    "iso2022jp": "iso2022_jp",
    "csiso2022jp": "iso2022_jp",
    "cp50220": "iso2022_jp",
    "iso88598i": "iso8859_8",
    "iso88598e": "iso8859_8",
    "visual": "iso8859_8",
    "logical": "iso8859_8",
    "iso88596i": "iso8859_6",
    "iso88596e": "iso8859_6",
    "iso88591": "cp1252",
    "latin1": "cp1252",
    "l1": "cp1252",
    "iso88599": "cp1254",
    "ansi": "cp1252",
    "xansi": "cp1252",
    "windows": "cp1252",
    "macintosh": "mac_roman",
    "xmacroman": "mac_roman",
    "xmaccyrillic": "mac_cyrillic",
    "xmaccentraleurroman": "mac_latin2",
    "unicode11utf7": "utf_7",
    "unicode11utf8": "utf_8",
    "utf": "utf_8",
    "utf8mb4": "utf_8",
    "unicode": "utf_8",
}
# Says nothing about the bytes.
SILENT = {
    "",
    "usascii",
    "ascii",
    "unknown",
    "unknown8bit",
    "xunknown",
    "8bit",
    "7bit",
    "binary",
    "default",
    "none",
    "null",
    "charset",
}
# Python knows these too, but they are no charsets (and idna takes quadratic time).
NOT_CHARSETS = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem", "utf-7"}
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MULTIBYTE = {"utf_8", "gb18030", "cp949", "cp932", "euc_jp", "big5hkscs", "iso2022_jp", "hz"}
_SHIFTS = re.compile(rb"\x1b(\$[@B]|\$\([@BD]|\([BJIH])")
_THAI_SPAN = re.compile(rb"[\xa1-\xda\xdf-\xfb]{3,}")
_UTF8_LETTER = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_UTF7 = re.compile(rb"\+[A-Za-z0-9/,]+-?|\+-")


@lru_cache(maxsize=512)
def codec_of(charset: str) -> str:
    """Python's name of a charset; "" when the name says nothing or is none."""
    key = re.sub(r"[^a-z0-9]", "", charset[:60].lower())
    if key in SILENT:
        return ""
    name = ALIASES.get(key, charset.strip(" \"'")[:60])
    if re.fullmatch(r"(?:cp|windows|ibm|ms)?-?_?8859-?_?\d+", name):
        name = "iso" + name
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    if name == "utf_7" or found.name == "utf-7":
        return "utf_7"
    if not found._is_text_encoding or found.name in NOT_CHARSETS:
        return ""
    return name if name in ALIASES.values() else found.name.replace("-", "_")


def decode(data: bytes, charset: str | None = None) -> str:
    """The text of the bytes; never raises. An untrue charset is corrected, a missing one is guessed."""
    codec = codec_of(charset or "")
    if not codec:
        return guess(data)
    if data.isascii() and codec not in ("iso2022_jp", "hz", "utf_7", "utf_16", "utf_16_le", "utf_16_be", "utf_32"):
        return data.decode("ascii")
    if codec == "utf_7":
        return _utf7(data)
    for bom, by_bom in BOMS[:1]:
        if data.startswith(bom):
            return data.decode(by_bom, "replace")
    if codec != "utf_8" and _is_utf8(data, pairs=codec in MULTIBYTE):
        return data.decode("utf-8")
    try:
        return data.decode(codec)
    except (UnicodeError, ValueError):
        return _repair(data, codec)


def guess(data: bytes, hint: str = "") -> str:
    """Text of bytes whose charset nobody names. hint: what another part of the same mail is written in."""
    if data.isascii():
        return _stateful(data) or data.decode("ascii")
    for bom, by_bom in BOMS:
        if data.startswith(bom):
            return data.decode(by_bom, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    codec = codec_of(hint)
    if codec and codec not in ("utf_8", "utf_7", "cp1252"):
        try:
            return data.decode(codec)
        except (UnicodeError, ValueError):
            pass
    if _looks_utf8(data):
        return data.decode("utf-8", "replace")
    found = letters.codec_of(data) or ("cp874" if _looks_thai(data) else "")
    return data.decode(found, "replace") if found else _single_byte(data)


def _repair(data: bytes, codec: str) -> str:
    if codec == "iso2022_jp":
        return _japanese(data)
    if codec in MULTIBYTE:
        text = data.decode(codec, "replace")
        # A letter cut in the middle is no reason to doubt the name; one in twenty is.
        if text.count("\ufffd") * 20 <= len(text):
            return text
        return guess(data) if codec != "utf_8" else _not_utf8(data, text)
    if codec in ("cp1252", "cp1254", "cp874"):
        return _single_byte(data, codec)
    if codec == "iso8859_8":
        return data.decode("cp1255", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(codec, "replace")


def _is_utf8(data: bytes, pairs: bool) -> bool:
    """Several letters that are well-formed UTF-8, and none that is not: no other charset looks so by chance.

    pairs: letters of two bytes, as Chinese ones are, do now and then; so more is asked.
    """
    sample = data[:4096]
    if sample.isascii():
        return False
    found = _UTF8_LETTER.findall(sample)
    longer = sum(len(letter) > 2 for letter in found)
    if len(found) < 3 or (pairs and longer < 2 and len(found) < 8):
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _not_utf8(data: bytes, text: str) -> str:
    return text if _looks_utf8(data) else guess(data)


def _looks_utf8(data: bytes) -> bool:
    """Mostly good UTF-8 with some damage."""
    text = data.decode("utf-8", "replace")
    good = sum(not letter.isascii() for letter in text[:20000]) - text[:20000].count("\ufffd")
    return good > 4 * text[:20000].count("\ufffd")


def _looks_thai(data: bytes) -> bool:
    """Thai letters come in runs without a break; western accents stand alone."""
    sample = data[:20000]
    high = sum(byte > 127 for byte in sample)
    return high >= 4 and sum(len(run) for run in _THAI_SPAN.findall(sample)) * 10 >= high * 7


def _single_byte(data: bytes, codec: str = "cp1252") -> str:
    """cp1252 as browsers read it: the five holes are control characters."""
    text = data.decode(codec, "surrogateescape")
    return (
        "".join(chr(ord(c) - 0xDC00) if "\udc80" <= c <= "\udcff" else c for c in text) if not text.isascii() else text
    )


def _stateful(data: bytes) -> str:
    return _japanese(data) if b"\x1b$" in data and _SHIFTS.search(data) else ""


def _utf7(data: bytes) -> str:
    """UTF-7 only where it is well-formed; what it hides is sanitised after decoding like all else."""
    if not data.isascii() or not _UTF7.search(data):
        return guess(data)
    try:
        return data.decode("utf-7")
    except UnicodeError:
        return data.decode("ascii", "replace")


def _japanese(data: bytes) -> str:
    """ISO-2022-JP with what mailers really put into it: NEC's and IBM's letters, half-width kana."""
    try:
        return data.decode("iso2022_jp")
    except UnicodeDecodeError:
        pass
    pieces: list[str] = []
    mode, at = b"(B", 0
    for shift in [*_SHIFTS.finditer(data), None]:
        pieces.append(_shifted(data[at : shift.start() if shift else len(data)], mode))
        if shift:
            mode, at = shift[1], shift.end()
    return "".join(pieces)


def _shifted(run: bytes, mode: bytes) -> str:
    if mode in (b"$@", b"$B", b"$(@", b"$(B"):
        # A line's end resets the state, also where nobody said so.
        return "\n".join(_two_bytes(line) for line in run.split(b"\n"))
    if mode == b"(I":
        return bytes(byte | 0x80 for byte in run).decode("cp932", "replace")
    return run.decode("utf-8", "replace")


def _two_bytes(run: bytes) -> str:
    """JIS rows and cells as Shift_JIS, which is how cp932 counts them."""
    out = bytearray()
    for at in range(0, len(run) - 1, 2):
        row, cell = run[at] & 0x7F, run[at + 1] & 0x7F
        if row < 0x21 or cell < 0x21:
            out += bytes((row, cell))
            continue
        lead = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)
        trail = cell + (0x1F if cell < 0x60 else 0x20) if row % 2 else cell + 0x7E
        out += bytes((lead & 0xFF, trail & 0xFF))
    if len(run) % 2:
        out.append(run[-1])
    return out.decode("cp932", "replace")
