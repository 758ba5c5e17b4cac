"""The few words by which a list shows a ticket or a message."""

from __future__ import annotations

from tickets.models import Message


def first_words(text: str, limit: int = 100) -> str:
    line = text.strip().partition("\n")[0].strip()
    if len(line) <= limit:
        return line
    cut = line.rfind(" ", limit // 2, limit)
    return line[: cut if cut > 0 else limit].rstrip() + "…"


def preview(message: Message) -> str:
    """The last words, for the list."""
    text = message.reply_text or message.text
    return " ".join(text[:400].split())[:160]
