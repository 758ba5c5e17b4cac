"""What the receiving server says about a mail: Authentication-Results (RFC 8601) and the spam filters' headers.

Anybody can write these headers. Only the ones of the own boundary count: the topmost Authentication-Results,
or, where the administrator names their mail server, the topmost one of that server.
"""

from __future__ import annotations

import re
from typing import cast, get_args

from channels_app.adapters.email.headers import Headers
from channels_app.adapters.email.mail import Verdict, Verdicts

_METHOD = re.compile(r"(?:^|;)\s*(spf|dkim|dmarc)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")
_RECEIVED_SPF = re.compile(r"\s*([a-z]+)", re.IGNORECASE)
_ORDER = ("pass", "fail", "softfail", "permerror", "temperror", "neutral", "none")


def read(headers: Headers, authserv: str = "") -> Verdicts:
    """authserv: the name our own server gives itself in these headers; "" takes the topmost."""
    server, results = _trusted(headers, authserv)
    found: dict[str, list[str]] = {"spf": [], "dkim": [], "dmarc": []}
    for method, result in _METHOD.findall(results):
        found[method.lower()].append(result.lower())
    spf = _best(found["spf"])
    if not spf and not server and not authserv:
        told = _RECEIVED_SPF.match(headers.raw("received-spf"))
        spf = _verdict(told[1]) if told else ""
    return Verdicts(
        authserv=server, spf=spf, dkim=_best(found["dkim"]), dmarc=_best(found["dmarc"]), spam=_spam(headers)
    )


def _trusted(headers: Headers, authserv: str) -> tuple[str, str]:
    for value in headers.all("authentication-results"):
        name, _, rest = _COMMENT.sub(" ", value).partition(";")
        server = name.split()[0].lower() if name.split() else ""
        if not authserv:
            # Some servers leave their name out.
            return ("", f"{name};{rest}") if "=" in name else (server, rest)
        if server == authserv.strip().lower():
            return server, rest
    return "", ""


def _best(results: list[str]) -> Verdict:
    """Of several signatures one that passes is enough."""
    return next((_verdict(wanted) for wanted in _ORDER if wanted in results), "")


def _verdict(word: str) -> Verdict:
    word = {"hardfail": "fail", "bestguesspass": "none"}.get(word.lower(), word.lower())
    return cast(Verdict, word) if word in get_args(Verdict) else ""


def _spam(headers: Headers) -> bool:
    if headers.raw("x-spam-flag").strip().lower() in ("yes", "true", "1"):
        return True
    if re.match(r"\s*yes\b", headers.raw("x-spam-status"), re.IGNORECASE):
        return True
    if headers.raw("x-spam").strip().lower() in ("yes", "true"):
        return True
    exchange = re.search(r"\bSFV:(SPM|SKB)\b", headers.raw("x-forefront-antispam-report"))
    level = re.fullmatch(r"\s*(\d{1,2})\s*", headers.raw("x-ms-exchange-organization-scl"))
    return bool(exchange) or bool(level and int(level[1]) >= 5)
