"""Is what a customer wrote an answer to the question, and which? Pure: text and scale in, a score or nothing out.

Careful rather than clever: a number among other words is a number of boxes, not of stars. Understood is what is
nothing but an answer, and what begins with one and then goes on with another thought; of the latter the rest is
still a message.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from surveys import definition

LONGEST = 2000
_NUMBERS = {
    0: ("zero", "nol", "kosong", "sifar", "ศูนย์"),
    1: ("one", "satu", "หนึ่ง"),
    2: ("two", "dua", "สอง"),
    3: ("three", "tiga", "สาม"),
    4: ("four", "empat", "สี่"),
    5: ("five", "lima", "ห้า"),
    6: ("six", "enam", "หก"),
    7: ("seven", "tujuh", "เจ็ด"),
    8: ("eight", "delapan", "lapan", "แปด"),
    9: ("nine", "sembilan", "เก้า"),
    10: ("ten", "sepuluh", "สิบ"),
}
_WORDS = {word: number for number, words in _NUMBERS.items() for word in words}
_STARS = r"(?:stars?|bintang|ดาว|points?|poin|mata|markah|คะแนน|⭐|★|🌟)"
_OF = r"(?:/|of|out of|dari|daripada|จาก|เต็ม)"
_POLITE = (
    r"(?:please|pls|thanks|thank you|thx|tq|ok|kak|ya|yah|aja|saja|deh|dong|lah|je|terima kasih|makasih|"
    r"ครับ|ค่ะ|คะ|จ้า|นะ|ครับผม|ขอบคุณ|:\)|🙏|😊|👍)"
)
_LEAD = (
    r"(?:i (?:give|say)|score|rating|rate|nilai|skor|beri|kasih|saya beri|markah|bagi|ให้|คะแนน|my (?:score|answer) is)"
)
_NUMBER = rf"(?P<number>\d{{1,2}}|{'|'.join(sorted(_WORDS, key=len, reverse=True))})"
# Thai is written without spaces, and other words end where letters do.
_WHOLE = (
    rf"(?:{_LEAD}[\s:=]*)?{_NUMBER}(?![\w.,]*\d)"
    rf"(?:\s*{_OF}\s*(?P<most>\d{{1,2}}))?(?:\s*{_STARS})*(?:[\s,]*{_POLITE})*"
)
_ANSWER = re.compile(rf"^{_WHOLE}[\s.!]*$")
_BUT = r"(?:but|because|and|although|however|tapi|tetapi|namun|karena|kerana|sebab|dan|cuma|แต่|เพราะ|และ)"
_PARTED = rf"(?:\s*[.!,;:–—\n-]+\s*(?:{_BUT}\b)?|\s+{_BUT}(?![a-z])|\s*(?:แต่|เพราะ|และ))"
_BEGINS = re.compile(rf"^{_WHOLE}{_PARTED}\s*(?P<rest>[^\d\s].*)$", re.DOTALL)
_ROW_OF_STARS = re.compile(r"^(?P<full>(?:[⭐★🌟]\s*){1,10})(?P<empty>(?:☆\s*)*)[\s.!]*$")
_THUMBS = {"👍": True, "👎": False}
_FACES = {
    **dict.fromkeys("😠😡🤬", 1),
    **dict.fromkeys("🙁☹😞", 2),
    **dict.fromkeys("😐😑", 3),
    **dict.fromkeys("🙂😊", 4),
    **dict.fromkeys("😍😃😄🤩", 5),
}
_INVISIBLE = {"\ufe0f", "\ufe0e", "\u20e3", "\u200d", "\u200b", "\u2060", "\ufeff"}


@dataclass(frozen=True, slots=True)
class Answer:
    score: int
    whole: bool
    """Nothing else was said. Else the text is a message besides."""


def answer(text: str, content: definition.Content) -> Answer | None:
    """None: a message like any other."""
    if len(text) > LONGEST:
        return None
    said = _plain(text)
    if not said:
        return None
    drawn = _drawn(said, content)
    if drawn is not None:
        return Answer(drawn, True)
    for pattern, whole in ((_ANSWER, True), (_BEGINS, False)):
        found = pattern.match(said)
        if found:
            score = _score(found, content)
            return None if score is None else Answer(score, whole)
    return None


def _plain(text: str) -> str:
    """Digits of every script as ours, one case, no invisible signs, no skin tones."""
    letters = []
    for letter in unicodedata.normalize("NFC", text).strip():
        if letter in _INVISIBLE or "\U0001f3fb" <= letter <= "\U0001f3ff":
            continue
        digit = unicodedata.decimal(letter, None)
        letters.append(letter if digit is None else str(digit))
    return "".join(letters).lower().strip()


def _drawn(said: str, content: definition.Content) -> int | None:
    """Stars, faces and thumbs; only where five stars, or a thumb, mean something."""
    if content.kind != definition.CSAT:
        return None
    stars = _ROW_OF_STARS.match(said)
    if stars:
        full, empty = (sum(not letter.isspace() for letter in stars[name]) for name in ("full", "empty"))
        fits = content.low <= full <= content.high and (not empty or full + empty == content.high)
        return full if fits else None
    if set(said) & set(_THUMBS) and len(set(said)) == 1:
        return content.high if _THUMBS[said[0]] else content.low
    if set(said) & set(_FACES) and len(set(said)) == 1:
        return _FACES[said[0]]
    return None


def _score(found: re.Match[str], content: definition.Content) -> int | None:
    word = found["number"]
    score = int(word) if word.isdigit() else _WORDS[word]
    most = found["most"]
    if most is not None and int(most) != content.high:
        return None
    return score if score in content.scores else None
