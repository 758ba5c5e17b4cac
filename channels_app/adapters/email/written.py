"""What an agent typed, as HTML: Markdown's plain habits and nothing more. The text part stays as it was typed.

Only what people write in mails without thinking of Markdown is known: emphasis, lists, links, code, quotes. HTML is
text here, pictures are not fetched from anywhere, and "#1234" or a row of dashes makes no heading.
"""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt

KNOWN = ("newline", "escape", "backticks", "emphasis", "link", "autolink", "blockquote", "fence", "list")


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("zero", {"html": False, "breaks": True, "maxNesting": 20}).enable(list(KNOWN))


def as_html(text: str) -> str:
    """A fragment; one line break is one line break, as in the text."""
    return str(_markdown().render(text))
