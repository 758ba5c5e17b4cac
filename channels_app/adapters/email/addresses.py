"""Addresses of From, To, Cc …: RFC 5322 and what is written in its place. One pass, whatever comes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from channels_app.adapters.email.encoded import decode_words
from channels_app.adapters.email.headers import text_of
from channels_app.adapters.email.limits import LIMITS
from channels_app.adapters.email.mail import Mailbox

# Encoded word, quoted string, comment without another in it, or one letter that means something.
_TOKENS = re.compile(
    r"""(?P<word>=\?[^?\s]{1,60}\?[bBqQ]\?[^?]*\?=)
      | "(?P<quoted>(?:[^"\\]++|\\.)*+)"
      | \((?P<comment>[^()\\]*+)\)
      | <(?P<angle>[^<>]*+)>
      | (?P<mark>[,;:<>()"])
      | (?P<plain>[^,;:<>()"=]++|=)""",
    re.VERBOSE | re.DOTALL,
)
_UNQUOTED = re.compile(_TOKENS.pattern.replace('"(?P<quoted>', "(?!)(?P<quoted>", 1), re.VERBOSE | re.DOTALL)
_INNER = "\uf8f0"
"""Stands for a quotation mark inside a quoted name while the outer ones are taken off."""
MOST_WORDS = 200
"""Of one mailbox, so that a header of a million colons is read once."""
_BEFORE = re.compile(r"[^\s<>,;:()\"\[\]]{1,320}\Z")
_AFTER = re.compile(r"\[[0-9A-Za-z.:]{2,60}\]|[^\s<>,;:()\"'@\[\]]{1,320}")
_QUOTED_LOCAL = re.compile(r'"[^"@\s][^"]{0,80}"@[^\s<>,;:()"\'@]{1,320}')


def read(value: str) -> tuple[Mailbox, ...]:
    """The mailboxes of one header's raw value, groups opened. Names are decoded after the value is taken apart."""
    out: list[Mailbox] = []
    words: list[str] = []
    comments: list[str] = []
    angle: str | None = None

    def finish() -> None:
        nonlocal angle
        made = _mailbox(words, comments, angle)
        if made is not None:
            out.append(made)
        words.clear()
        comments.clear()
        angle = None

    for token in _tokens(value):
        kind, text = token.lastgroup, token[0]
        if kind == "quoted":
            words.append(_quoted_or_address(token["quoted"]))
        elif kind == "comment":
            comments.append(token["comment"])
        elif kind == "angle":
            if angle:  # Two addresses without a comma between them.
                finish()
            angle = token["angle"]
        elif text in (",", ";"):
            if angle is None and _half_a_name(words, value, token.end()):
                words.append(", ")
            else:
                finish()
        elif text == ":":
            # What stands before it names a group, unless it is a scheme of an address.
            if "".join(words).strip().lower() not in ("mailto", "smtp"):
                words.append("\x00")
            else:
                words.clear()
            if not _address_in(words):
                words.clear()
        else:
            words.append(text)
        if len(words) > MOST_WORDS:
            finish()
        if len(out) >= LIMITS.addresses:
            return tuple(out)
    finish()
    return tuple(out)


def _tokens(value: str) -> Iterator[re.Match[str]]:
    """After a quote that nobody closes no other is looked for: each would search to the end."""
    pattern, at = _TOKENS, 0
    while (token := pattern.match(value, at)) is not None:
        yield token
        at = token.end()
        if token[0] == '"':
            pattern = _UNQUOTED


def _half_a_name(words: list[str], value: str, at: int) -> bool:
    """``Doe, John <j@x>`` without quotes: a comma before which there is no address, and an address follows."""
    before = "".join(words).strip()
    if not before or "@" in before or "=?" in before:
        return False
    following = value[at : at + 200]
    first = re.split(r"[,;]", following, maxsplit=1)[0]
    return "<" in first and "@" in first and first.find("<") > 0 and bool(first[: first.find("<")].strip())


def _quoted_or_address(inner: str) -> str:
    return '"' + re.sub(r"\\(.)", r"\1", inner.replace('\\"', _INNER)) + '"'


def _address_in(words: list[str]) -> str:
    return _address_of("".join(words))


def _address_of(text: str) -> str:
    """The first address in a text, looked for from its @; "" if there is none."""
    at = text.find("@")
    for _ in range(20):
        if at < 0:
            break
        before, after = _BEFORE.search(text[max(0, at - 320) : at]), _AFTER.match(text, at + 1)
        if before and after:
            local = before[0].lstrip("'")
            if local:
                return f"{local}@{after[0]}"
        at = text.find("@", at + 1)
    return ""


def _mailbox(words: list[str], comments: list[str], angle: str | None) -> Mailbox | None:
    joined = "".join(words).replace("\x00", ":")
    if angle is not None and (angle.strip() or joined.strip()):
        address = _clean(angle)
        name = _name(joined)
        if "@" not in address and not name and address:
            return Mailbox(address=address)
        if not address:
            return Mailbox(name=name, address=_address_of(joined))
        return Mailbox(name=name or _comment(comments), address=address)
    bare = joined.strip()
    if not bare:
        return None
    if _QUOTED_LOCAL.fullmatch(bare):
        return Mailbox(name=_comment(comments), address=bare)
    plain = bare.strip('"').strip()
    found = _address_of(decode_words(plain))
    if not found:
        return Mailbox(name=_name(joined)) if not _is_group(joined) else None
    name = _name(bare.replace(found, " ", 1).strip("<>[] ")) if found != plain else ""
    return Mailbox(name=name or _comment(comments), address=_clean(found))


def _is_group(joined: str) -> bool:
    return joined.rstrip().endswith(":")


def _comment(comments: list[str]) -> str:
    return next((text_of(comment) for comment in comments if comment.strip()), "")


def _name(phrase: str) -> str:
    """A phrase without its quotes, decoded."""
    decoded = text_of(re.sub(r'"([^"]*)"', r"\1", phrase))
    decoded = re.sub(r"\s+", " ", decoded).strip()
    for quote in ('"', "'"):
        if len(decoded) > 1 and decoded[0] == quote == decoded[-1]:
            decoded = decoded[1:-1].strip()
    return decoded.strip('"').strip().replace(_INNER, '"')


def _clean(address: str) -> str:
    address = text_of(address).strip(" \t<>")
    if not _QUOTED_LOCAL.fullmatch(address):
        address = address.strip(" \t'\"")
    if address.lower().startswith("mailto:"):
        address = address[7:]
    # A route ("@a,@b:user@c") is history.
    if address.startswith("@") and ":" in address:
        address = address.rpartition(":")[2]
    address = re.sub(r" ?([@.]) ?", r"\1", " ".join(address.split()))
    return re.sub(r"\s+", "", address) if "@" in address and '"' not in address else address
