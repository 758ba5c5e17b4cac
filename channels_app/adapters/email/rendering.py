"""The text of sanitised HTML, and the same with what it quotes marked for the reply trimmer.

Own renderer of one pass: inscriptis gives nothing at all for 300 nested blocks and 100 MB for a table of 120 KB.
It only ever sees what nh3 wrote, so a tag is always whole and a quotation mark in it always closed.
"""

from __future__ import annotations

import html as entities
import re
from dataclasses import dataclass, field

from channels_app.adapters.email.html import ATTRIBUTE, TAG_OF_OURS

BREAK = "\ue000\ue001"
"""A line of its own in ``quoted_text``: here the client put the mail that is answered."""
MAYBE = "\ue000\ue002"
"""The same where the mark alone does not prove it: what follows must look like a quote too."""
_BLOCKS = {
    "address", "article", "aside", "blockquote", "center", "dd", "details", "dir", "div", "dl", "dt", "figure",
    "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "summary",
    "table", "tbody", "thead", "tfoot", "tr", "ul", "caption", "figcaption",
}  # fmt: skip
_SPACED = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "dl", "table", "pre"}
_WHITE = re.compile(r"[ \t\r\n\f\u200b\ufeff]+")
# Whoever puts the answered mail into one of these means it as quoted: webmail by class, Outlook and others by id.
_QUOTE_CLASSES = {
    "gmail_quote", "yahoo_quoted", "moz-cite-prefix", "protonmail_quote", "zmail_extra", "gmail_extra",
    "lark-mail-quote", "history", "history-quote-wrapper", "quotedreply", "alimail-quote",
    "mail-quote-collapse", "quoted-text", "tutanota_quote", "reply_quote",
    "se_quote", "naver_mail_quote", "nmail_quote",
}  # fmt: skip
_BREAK_IDS = {
    "divrplyfwdmsg", "appendonsend", "olk_src_body_section", "zwchr", "replysplit", "reply-intro", "hmquote",
    "ms-outlook-mobile-reference-message", "mail-editor-reference-message-container", "original-content",
    "isforwardcontent", "isreplycontent", "yahoo_quoted", "origbody", "lark-mail-quote", "stopspelling",
    "messagereplysection", "freshdesk_quote", "front-blockquote", "notion-mail-quote", "fernand_quote",
}  # fmt: skip
_PREFIXED = re.compile(r"^(?:x_|m_-?\d+)+")
"""What Outlook and Gmail put before the names of a mail that they show inside another."""
_OUTLOOK_RULE = re.compile(
    r"border:\s?none;\s?border-top:\s?solid\s?#?[\w(), ]{1,60}1\.0pt|border-top(?:-style)?:[^;]{0,60}solid"
    r"|border-top-color:\s*rgb\(229,\s*229,\s*229\)",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Page:
    """Lines under way. depth: how many quotes are open."""

    lines: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    depth: int = 0
    marks: bool = False
    pre: int = 0
    pending_space: bool = False

    def say(self, text: str) -> None:
        if self.pre:
            first, *rest = text.split("\n")
            self.line.append(first)
            for more in rest:
                self.end()
                self.line.append(more)
            return
        words = _WHITE.sub(" ", text)
        if not words.strip(" "):
            self.pending_space = self.pending_space or bool(words)
            return
        if (self.pending_space or words[0] == " ") and self.line:
            self.line.append(" ")
        self.line.append(words.strip(" "))
        self.pending_space = words[-1] == " "

    def end(self, always: bool = True) -> None:
        """End the line; always: also an empty one."""
        self.pending_space = False
        text = "".join(self.line).rstrip()
        if text or always:
            self.lines.append(("> " * self.depth if self.marks else "") + text)
        self.line = []

    def gap(self) -> None:
        if self.lines and self.lines[-1].strip(" >"):
            self.end()

    def mark(self, sign: str) -> None:
        self.end(always=False)
        self.lines.append(sign)


def from_text(text: str) -> str:
    """Plain text as HTML, for messages that are partly one and partly the other."""
    return "<div>" + entities.escape(text).replace("\n", "<br>") + "</div>" if text.strip() else ""


_UNSEEN = re.compile(
    r"<(script|style|head|title)\b[^<>]{0,2000}>.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.IGNORECASE | re.DOTALL
)


def rough_text(markup: str) -> str:
    """The words of HTML that is too much for a parser: tags become spaces or line ends."""
    plain = re.sub(
        r"<(?:br|/?p|/?div|/?tr|/?li|/?h[1-6])\b[^<>]{0,2000}>", "\n", _UNSEEN.sub(" ", markup), flags=re.IGNORECASE
    )
    plain = entities.unescape(re.sub(r"<[^<>]{0,5000}>", " ", plain))
    return re.sub(r"\n\s*\n\s*", "\n\n", re.sub(r"[ \t\r\f]+", " ", plain)).strip()


def text_of(clean: str) -> str:
    """The text of sanitised HTML: one line per block, bullets, addresses of links left out."""
    return _render(clean, marks=False)


def quoted_text(clean: str) -> str:
    """The same with "> " before what stands in a quote, and BREAK where an Outlook-like history begins."""
    return _render(clean, marks=True)


def _render(clean: str, *, marks: bool) -> str:
    page = _Page(marks=marks)
    quotes: list[tuple[str, int]] = []
    levels: dict[str, int] = {}
    lists: list[int] = []
    at = 0
    for tag in TAG_OF_OURS.finditer(clean):
        if tag.start() > at:
            page.say(entities.unescape(clean[at : tag.start()]))
        at = tag.end()
        name = tag[2]
        if tag[1]:
            _close(page, name, quotes, levels, lists)
        else:
            _start(page, name, tag[3], quotes, levels, lists)
    if at < len(clean):
        page.say(entities.unescape(clean[at:]))
    page.end(always=False)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(page.lines)).strip("\n")


def _start(
    page: _Page, name: str, attributes: str, quotes: list[tuple[str, int]], levels: dict[str, int], lists: list[int]
) -> None:
    levels[name] = levels.get(name, 0) + 1
    if name == "br":
        page.end()
        return
    if name in ("td", "th"):
        page.pending_space = True
        page.say(" ")
    if name in _BLOCKS:
        page.end(always=False)
        if name in _SPACED:
            page.gap()
    if page.marks and attributes:
        _quote_starts(page, name, dict(ATTRIBUTE.findall(attributes)), quotes, levels)
    if page.marks and name == "blockquote" and not attributes:
        quotes.append((name, levels[name]))
        page.depth += 1
    if name == "li":
        number = lists[-1] if lists else 0
        page.line.append(f"{number}. " if number else "- ")
        if number:
            lists[-1] += 1
    elif name in ("ol", "ul"):
        lists.append(1 if name == "ol" else 0)
    elif name == "pre":
        page.pre += 1
    elif name == "img":
        alt = dict(ATTRIBUTE.findall(attributes)).get("alt", "")
        if alt and not page.marks:
            page.say(entities.unescape(alt))


def _quote_starts(
    page: _Page, name: str, attributes: dict[str, str], quotes: list[tuple[str, int]], levels: dict[str, int]
) -> None:
    classes = {_PREFIXED.sub("", one) for one in attributes.get("class", "").lower().split()}
    here = {_PREFIXED.sub("", attributes.get(key, "").lower().removeprefix("mail-")) for key in ("id", "name")}
    if (here | classes) & _BREAK_IDS or any("yahoo_quoted" in one for one in here):
        page.mark(BREAK)
    elif classes & _QUOTE_CLASSES or (
        name == "div" and "style" in attributes and _OUTLOOK_RULE.search(entities.unescape(attributes["style"]))
    ):
        page.mark(MAYBE)
    if name == "blockquote":
        quotes.append((name, levels[name]))
        page.depth += 1


def _close(page: _Page, name: str, quotes: list[tuple[str, int]], levels: dict[str, int], lists: list[int]) -> None:
    if name in _BLOCKS:
        page.end(always=False)
        if name in _SPACED:
            page.gap()
    if quotes and quotes[-1] == (name, levels.get(name, 0)):
        quotes.pop()
        page.depth -= 1
    levels[name] = levels.get(name, 1) - 1
    if name in ("ol", "ul") and lists:
        lists.pop()
    elif name == "pre" and page.pre:
        page.pre -= 1
