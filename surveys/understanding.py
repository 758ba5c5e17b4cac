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
# What one answers instead of a number, of a satisfaction from 1 to 5. Not what also says "all right" (baik), "enough"
# (cukup) or "hello" (ดีค่ะ).
_FEELINGS = {
    5: (
        "very good", "excellent", "very satisfied", "very happy", "perfect", "amazing", "bagus sekali", "sangat bagus",
        "bagus banget", "bagus sangat", "sangat baik", "baik sekali", "puas sekali", "sangat puas", "puas banget",
        "sangat berpuas hati", "sangat memuaskan", "memuaskan sekali", "terbaik", "mantap", "ดีมาก", "ดีมากๆ", "ดีเยี่ยม",
        "เยี่ยม", "เยี่ยมมาก", "ยอดเยี่ยม", "พอใจมาก", "ประทับใจมาก",
    ),
    4: ("good", "satisfied", "happy", "bagus", "puas", "memuaskan", "berpuas hati", "puas hati", "พอใจ", "ประทับใจ"),
    3: (
        "average", "so so", "so-so", "neutral", "biasa saja", "biasa aja", "biasa je", "lumayan", "sederhana",
        "พอใช้", "เฉยๆ", "เฉย ๆ", "ปานกลาง",
    ),
    2: (
        "bad", "poor", "not good", "not satisfied", "unsatisfied", "dissatisfied", "buruk", "jelek", "kurang puas",
        "kurang bagus", "kurang memuaskan", "tidak puas", "tidak bagus", "tidak memuaskan", "tak puas hati",
        "tak bagus", "tidak berpuas hati", "teruk", "แย่", "ไม่ดี", "ไม่พอใจ", "ไม่ประทับใจ", "ควรปรับปรุง",
    ),
    1: (
        "very bad", "terrible", "awful", "horrible", "very poor", "very dissatisfied", "buruk sekali", "sangat buruk",
        "jelek sekali", "sangat jelek", "sangat kecewa", "kecewa sekali", "sangat tidak puas", "sangat teruk",
        "teruk sangat", "teruk betul", "แย่มาก", "แย่ที่สุด", "ไม่พอใจมาก", "ไม่ดีเลย", "ไม่พอใจเลย",
    ),
}  # fmt: skip
_FELT = {word: score for score, words in _FEELINGS.items() for word in words}
_POLITE = (
    r"(?:please|pls|thank(?:s| you)(?: (?:so|very) much)?|thx|tq|ok|kak|mas|mbak|pak|bu|min|bang|sis|bos|"
    r"ya|yah|aja|saja|deh|dong|lah|je|(?:terima kasih|makasih)(?: banyak)?|"
    r"ครับ|ค่ะ|คะ|จ้า|นะ|ครับผม|ขอบคุณ(?:มาก)?|:\)|🙏|😊|👍)"
)
_LEAD = (
    r"(?:(?:i|i'd|i would|saya|aku|kami|sy|ผม|ฉัน|หนู)?\s*(?:give|say|rate|beri|kasih|kasi|bagi|ขอให้|ให้)"
    r"(?:\s*(?:it a|it|you|a|nilai|skor|rating|markah|คะแนน))?"
    r"|score|rating|nilai|skor|markah|คะแนน|my (?:score|answer|rating) is)"
)
_IN_WORDS = "|".join(sorted(_WORDS, key=len, reverse=True))
_NUMBER = rf"(?P<number>\d{{1,2}}|{_IN_WORDS})"
# Thai is written without spaces, and other words end where letters do.
_WHOLE = (
    rf"(?:{_LEAD}[\s:=]*)?{_NUMBER}(?![\w.,]*\d)"
    rf"(?:\s*{_OF}\s*(?P<most>\d{{1,2}}|{_IN_WORDS}))?(?P<unit>(?:\s*{_STARS})*)(?:[\s,]*{_POLITE})*"
)
_ANSWER = re.compile(rf"^{_WHOLE}[\s.!]*$")
_BUT = r"(?:but|because|and|although|however|tapi|tetapi|namun|karena|kerana|sebab|dan|cuma|แต่|เพราะ|และ)"
_PARTED = rf"(?:\s*[.!,;:–—\n-]+\s*(?:{_BUT}\b)?|\s+{_BUT}(?![a-z])|\s*(?:แต่|เพราะ|และ))"
_BEGINS = re.compile(rf"^{_WHOLE}{_PARTED}\s*(?P<rest>[^\d\s].*)$", re.DOTALL)
_POLITELY = re.compile(rf"(?:[\s,]*{_POLITE})*[\s.!]*$")
_ROW_OF_STARS = re.compile(r"^(?P<full>(?:[⭐★🌟]\s*){1,10})(?P<empty>(?:☆\s*)*)[\s.!]*$")
_BLANKS = re.compile(r"\s+")
_STAR = re.compile(r"star|bintang|ดาว|⭐|★|🌟")
MOST_STARS = 5
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
    if drawn is None:
        drawn = _felt(said, content)
    if drawn is not None:
        return Answer(drawn, True)
    for pattern, whole in ((_ANSWER, True), (_BEGINS, False)):
        found = pattern.match(said)
        if found:
            score = _score(found, content)
            return None if score is None else Answer(score, whole)
    return None


def _plain(text: str) -> str:
    """Digits of every script as ours, one case, no invisible signs, no skin tones, one blank where there were many:
    a pattern that could part a thousand of them in all ways would still be at it tomorrow."""
    letters = []
    for letter in unicodedata.normalize("NFC", text).strip():
        if letter in _INVISIBLE or "\U0001f3fb" <= letter <= "\U0001f3ff":
            continue
        digit = unicodedata.decimal(letter, None)
        letters.append(letter if digit is None else str(digit))
    return _BLANKS.sub(lambda found: "\n" if "\n" in found[0] else " ", "".join(letters).lower().strip())


def _drawn(said: str, content: definition.Content) -> int | None:
    """Stars, faces and thumbs: a thumb and five stars on any scale, the others where they are its steps."""
    stars = _ROW_OF_STARS.match(said)
    if stars:
        full, empty = (sum(not letter.isspace() for letter in stars[name]) for name in ("full", "empty"))
        fits = full <= MOST_STARS and (not empty or full + empty == MOST_STARS)
        return _of_stars(full, content) if fits else None
    if set(said) & set(_THUMBS) and len(set(said)) == 1:
        return content.high if _THUMBS[said[0]] else content.low
    if content.kind == definition.CSAT and set(said) & set(_FACES) and len(set(said)) == 1:
        return _FACES[said[0]]
    return None


def _of_stars(stars: int, content: definition.Content) -> int | None:
    """Stars are five everywhere: all of them are the best of any scale, and fewer are a step of the scale of stars."""
    if content.kind == definition.CSAT:
        return stars if stars in content.scores else None
    return content.high if stars == MOST_STARS else None


def _felt(said: str, content: definition.Content) -> int | None:
    """The survey's own words for its ends, and on the scale of satisfaction what people say for each step."""
    known = dict(_FELT) if content.kind == definition.CSAT else {}
    for name, score in (("low", content.low), ("high", content.high)):
        known.update({_plain(content.word(name, language)): score for language in content.languages})
    known.pop("", None)
    # The whole of it, but for politeness: what goes on with another thought is read by somebody.
    bare = said.rstrip(" .!")
    if bare in known:
        return known[bare]
    found = max((word for word in known if said.startswith(word)), key=len, default="")
    return known[found] if found and _POLITELY.match(said, len(found)) else None


def _score(found: re.Match[str], content: definition.Content) -> int | None:
    word = found["number"]
    score = int(word) if word.isdigit() else _WORDS[word]
    most = found["most"]
    if most is not None and (int(most) if most.isdigit() else _WORDS[most]) != content.high:
        return None
    if _STAR.search(found["unit"]):
        return _of_stars(score, content)
    return score if score in content.scores else None
