"""The question as one channel can carry it: buttons where there are enough, links where a mail is long, else words."""

from __future__ import annotations

from typing import Protocol

from channels_app.contract import Abilities, QuickReply
from surveys import definition, links, texts

PAYLOAD = "survey"


class Phrase(Protocol):
    """How a question is put: ``question`` or ``reminder``."""

    def __call__(
        self, content: definition.Content, invitation: int, language: str, /, *, pressed: bool, long: bool
    ) -> str: ...


def payload(invitation: int, score: int) -> str:
    """What a button sends back; short, for some channels take 64 bytes of it."""
    return f"{PAYLOAD}:{invitation}:{score}"


def read_payload(said: str) -> tuple[int, int] | None:
    """(invitation, score) of a button of ours."""
    parts = said.split(":")
    if len(parts) != 3 or parts[0] != PAYLOAD or not all(part.isascii() and part.isdigit() for part in parts[1:]):
        return None
    if len(parts[1]) > 18 or len(parts[2]) > 2:
        return None
    return int(parts[1]), int(parts[2])


def buttons(content: definition.Content, invitation: int, able: Abilities, language: str) -> list[QuickReply]:
    """One for each score; none where the channel has too few, or where nobody on the desk may see what is pressed."""
    if content.anonymous or able.quick_replies < len(content.scores):
        return []
    made = [
        QuickReply(title=_title(content, score, language, able), payload=payload(invitation, score))
        for score in content.scores
    ]
    too_long = any(len(one.title) > able.quick_reply_title for one in made)
    return [] if too_long or len(made[0].payload.encode()) > able.quick_reply_payload else made


def _title(content: definition.Content, score: int, language: str, able: Abilities) -> str:
    if content.kind == definition.CSAT and content.look != definition.NUMBERS:
        sign = texts.FACES[score - 1] if content.look == definition.FACES else "⭐"
        return f"{sign} {score}"[: able.quick_reply_title]
    return str(score)


def question(content: definition.Content, invitation: int, language: str, *, pressed: bool, long: bool) -> str:
    """pressed: there are buttons under it. long: a mail, where each score is a link."""
    asked = content.word("ask", language)
    if content.anonymous:
        return f"{asked}\n\n{links.url(invitation)}"
    if pressed:
        return f"{asked}\n{ends(content, language)}"
    if long:
        lines = [f"{_named(content, score, language)}: {links.url(invitation, score)}" for score in content.scores]
        return "\n".join((asked, "", *lines))
    how = texts.say("answer", language) % {"low": content.low, "high": content.high}
    return f"{asked}\n{how} ({ends(content, language)})"


def ends(content: definition.Content, language: str) -> str:
    return f"{content.low} = {content.word('low', language)}, {content.high} = {content.word('high', language)}"


def _named(content: definition.Content, score: int, language: str) -> str:
    label = texts.label(content, score, language)
    return f"{score} ({label})" if label else str(score)


def reminder(content: definition.Content, invitation: int, language: str, *, pressed: bool, long: bool) -> str:
    asked = question(content, invitation, language, pressed=pressed, long=long)
    return f"{content.word('remind', language)}\n\n{asked}"
