"""What a survey says unless a lead writes something else, in the four languages; and the few words around it.

These are texts for customers, in the customer's language: data of a survey, not words of our pages.
"""

from __future__ import annotations

from surveys import definition

LANGUAGES = ("en", "id", "ms", "th")
FACES = ("😠", "🙁", "😐", "🙂", "😍")

_COMMENT = {
    "en": "What is the main reason for your answer?",
    "id": "Apa alasan utama jawaban Anda?",
    "ms": "Apakah sebab utama jawapan anda?",
    "th": "เหตุผลหลักที่ให้คำตอบนี้คืออะไร",
}
_THANKS = {
    "en": "Thank you for your answer.",
    "id": "Terima kasih atas jawaban Anda.",
    "ms": "Terima kasih atas jawapan anda.",
    "th": "ขอบคุณสำหรับคำตอบ",
}
_REMIND = {
    "en": "We would still like to know:",
    "id": "Kami masih ingin mengetahui pendapat Anda:",
    "ms": "Kami masih ingin tahu pendapat anda:",
    "th": "เรายังอยากทราบความเห็นของคุณ:",
}
_ASK = {
    definition.CSAT: {
        "en": "How satisfied are you with our help?",
        "id": "Seberapa puas Anda dengan bantuan kami?",
        "ms": "Sejauh manakah anda berpuas hati dengan bantuan kami?",
        "th": "พอใจกับการช่วยเหลือของเรามากแค่ไหน",
    },
    definition.NPS: {
        "en": "How likely are you to recommend us to a friend?",
        "id": "Seberapa besar kemungkinan Anda merekomendasikan kami kepada teman?",
        "ms": "Sejauh manakah kemungkinan anda mengesyorkan kami kepada rakan?",
        "th": "มีแนวโน้มจะแนะนำเราให้เพื่อนมากแค่ไหน",
    },
    definition.CES: {
        "en": "We made it easy to get your question answered. Do you agree?",
        "id": "Kami memudahkan Anda mendapatkan jawaban. Apakah Anda setuju?",
        "ms": "Kami memudahkan anda mendapatkan jawapan. Adakah anda bersetuju?",
        "th": "เราทำให้การขอความช่วยเหลือเป็นเรื่องง่าย เห็นด้วยหรือไม่",
    },
}
_LOW = {
    definition.CSAT: {"en": "very bad", "id": "sangat buruk", "ms": "sangat teruk", "th": "แย่มาก"},
    definition.NPS: {
        "en": "not at all likely", "id": "sama sekali tidak", "ms": "tidak sama sekali", "th": "ไม่แนะนำเลย",
    },
    definition.CES: {
        "en": "strongly disagree", "id": "sangat tidak setuju", "ms": "sangat tidak setuju", "th": "ไม่เห็นด้วยเลย",
    },
}  # fmt: skip
_HIGH = {
    definition.CSAT: {"en": "very good", "id": "sangat baik", "ms": "sangat baik", "th": "ดีมาก"},
    definition.NPS: {"en": "very likely", "id": "sangat mungkin", "ms": "sangat mungkin", "th": "แนะนำแน่นอน"},
    definition.CES: {"en": "strongly agree", "id": "sangat setuju", "ms": "sangat setuju", "th": "เห็นด้วยอย่างยิ่ง"},
}
_MIDDLE = {
    "en": ("bad", "okay", "good"),
    "id": ("buruk", "cukup", "baik"),
    "ms": ("teruk", "sederhana", "baik"),
    "th": ("แย่", "พอใช้", "ดี"),
}
_SAID = {
    "answer": {
        "en": "Answer with a number from %(low)d to %(high)d.",
        "id": "Balas dengan angka dari %(low)d sampai %(high)d.",
        "ms": "Balas dengan nombor dari %(low)d hingga %(high)d.",
        "th": "ตอบเป็นตัวเลข %(low)d ถึง %(high)d",
    },
    "more": {
        "en": "Tell us more:",
        "id": "Ceritakan lebih lanjut:",
        "ms": "Ceritakan lebih lanjut:",
        "th": "เล่าเพิ่มเติมได้ที่:",
    },
    "review": {
        "en": "Would you say it publicly, too? It helps others:",
        "id": "Bersediakah Anda menuliskannya juga secara publik? Ini membantu orang lain:",
        "ms": "Sudikah anda menulisnya juga secara terbuka? Ini membantu orang lain:",
        "th": "ช่วยรีวิวให้คนอื่นเห็นด้วยได้ไหม:",
    },
}


def usual(kind: str) -> dict[str, dict[str, str]]:
    """The texts of a new survey: language → name → text."""
    return {
        code: {
            "ask": _ASK[kind][code],
            "low": _LOW[kind][code],
            "high": _HIGH[kind][code],
            "comment": _COMMENT[code],
            "thanks": _THANKS[code],
            "remind": _REMIND[code],
        }
        for code in LANGUAGES
    }


def say(name: str, language: str) -> str:
    said = _SAID[name]
    return said.get(language, said["en"])


def label(content: definition.Content, score: int, language: str) -> str:
    """The word for a score; "" where the scale has words for its ends alone."""
    if score == content.low:
        return content.word("low", language)
    if score == content.high:
        return content.word("high", language)
    if content.kind != definition.CSAT:
        return ""
    return _MIDDLE.get(language, _MIDDLE["en"])[score - 2]
