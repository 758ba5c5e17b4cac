"""Which charset bytes are in that no mail names: by how the letters of a language follow each other.

Only scripts whose bytes come in runs are told apart; a western accent stands alone and is nobody's business here.
One pass over a sample, whatever comes.
"""

from __future__ import annotations

import re

SAMPLE = 8_000
_RUN = re.compile(rb"[\x80-\xff]+")
_ALONE = re.compile(rb"[\x80-\xff][\x40-\x7e](?=[\x80-\xff])")
_RUSSIAN = {
    "cp1251": frozenset("оеаинтср".encode("cp1251")),
    "koi8_r": frozenset("оеаинтср".encode("koi8_r")),
}
"""The eight commonest letters: more than half of a Russian text, and a third of another script's at most."""
_SJIS_LEAD = frozenset((*range(0x81, 0xA0), *range(0xE0, 0xFD)))
_THAI_LETTER = range(0xA1, 0xCF)
_THAI_ABOVE = frozenset((0xD1, *range(0xD4, 0xDB), *range(0xE7, 0xEF)))
"""Vowels and tones that stand over or under a letter."""
_THAI_BEFORE = range(0xE0, 0xE5)
"""Vowels that are written before their letter."""
_THAI_DIGIT = range(0xF0, 0xFA)
_THAI_UNUSED = frozenset((*range(0x80, 0xA1), *range(0xDB, 0xE0), 0xEF, *range(0xFA, 0x100)))


def codec_of(data: bytes) -> str:
    """Python's name of the charset; "" where the bytes do not tell."""
    sample = data[:SAMPLE]
    runs = _RUN.findall(sample)
    high = b"".join(runs)
    if len(high) < 4:
        return ""
    if len(high) >= 2 * len(runs):
        certain = _certain_pairs(runs)
        if certain:
            return certain
        # Half of Chinese letters end in a plain one; nothing Thai has a lone Latin letter in its middle.
        if _is_thai(runs, len(high)) and len(_ALONE.findall(sample)) * 4 < len(runs):
            return "cp874"
        for codec, common in _RUSSIAN.items():
            if sum(byte in common for byte in high) * 100 >= len(high) * 42:
                return codec
    return _two_bytes(sample, runs)


def _certain_pairs(runs: list[bytes]) -> str:
    """Rows that no Thai word fills: Japanese syllables, or Korean ones and nothing else."""
    leads = b"".join(run[::2] for run in runs)
    if any(len(run) % 2 for run in runs) or len(leads) < 5:
        return ""
    if sum(lead in (0xA4, 0xA5) for lead in leads) * 10 >= len(leads) * 3:
        return "euc_jp"
    return "cp949" if all(0xB0 <= lead <= 0xC8 for lead in leads) else ""


def _is_thai(runs: list[bytes], high: int) -> bool:
    """No mark without a letter under it, no vowel without a letter behind it, and some of both."""
    wrong = marks = 0
    for run in runs:
        before = 0
        for at, byte in enumerate(run):
            after = run[at + 1] if at + 1 < len(run) else 0
            if byte in _THAI_ABOVE:
                marks += 1
                wrong += before not in _THAI_LETTER and before not in _THAI_ABOVE
            elif byte in _THAI_BEFORE:
                marks += 1
                wrong += after not in _THAI_LETTER
            elif byte in (0xD0, 0xD2, 0xD3):
                marks += 1
                wrong += not before
            elif byte in _THAI_UNUSED or (byte in _THAI_DIGIT and (before in _THAI_LETTER or after in _THAI_LETTER)):
                wrong += 1
            before = byte
    return wrong * 40 <= high and marks * 10 >= high


def _two_bytes(sample: bytes, runs: list[bytes]) -> str:
    """Chinese, Japanese or Korean: every letter is a pair, and the commonest letters have rows of their own."""
    if all(len(run) % 2 == 0 for run in runs) and min(byte for run in runs for byte in run) >= 0xA1:
        leads = b"".join(run[::2] for run in runs)
        return _of_leads(leads)
    return _with_low_trails(sample)


def _of_leads(leads: bytes) -> str:
    """EUC: both bytes are high."""
    many = len(leads)
    kana = sum(lead in (0xA4, 0xA5) for lead in leads)
    common = sum(0xB0 <= lead <= 0xD7 for lead in leads)
    if many < 2 or (common + kana + sum(lead in (0xA1, 0xA3) for lead in leads)) * 10 < many * 8:
        return "big5hkscs" if _is_big5(leads, many) else ""
    if kana * 5 >= many:
        return "euc_jp"
    hangul = sum(0xB0 <= lead <= 0xC8 for lead in leads)
    return "cp949" if hangul * 100 >= common * 95 and many >= 4 else "gb18030"


def _is_big5(leads: bytes, many: int) -> bool:
    return many >= 2 and sum(0xA4 <= lead <= 0xC6 for lead in leads) * 10 >= many * 9


def _with_low_trails(sample: bytes) -> str:
    """Shift_JIS, Big5 or GBK: the second byte may be a plain letter."""
    leads, kana, _ = _walk(sample, _SJIS_LEAD, alone=range(0xA1, 0xE0))
    if len(leads) >= 3 and kana * 5 >= len(leads):
        return "cp932"
    leads, _, plain = _walk(sample, range(0x81, 0xFF), alone=range(0))
    many = len(leads)
    if many < 3 or plain * 10 > many * 7:
        return ""
    if _is_big5(leads, many):
        return "big5hkscs"
    common = sum(0xB0 <= lead <= 0xD7 for lead in leads)
    return "gb18030" if common * 10 >= many * 8 else ""


def _walk(sample: bytes, lead: range | frozenset[int], alone: range) -> tuple[bytes, int, int]:
    """The first bytes of all pairs, how many pairs are Japanese syllables, how many end in a plain letter."""
    leads = bytearray()
    kana = plain = at = 0
    while at < len(sample) - 1:
        byte, trail = sample[at], sample[at + 1]
        if byte < 0x80 or byte in alone:
            at += 1
            continue
        if byte not in lead or trail < 0x40 or trail in (0x7F, 0xFF):
            return b"", 0, 0
        leads.append(byte)
        kana += (byte == 0x82 and 0x9F <= trail <= 0xF1) or (byte == 0x83 and 0x40 <= trail <= 0x96)
        plain += trail < 0x80
        at += 2
    return bytes(leads), kana, plain
