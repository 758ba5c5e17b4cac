"""Meta's error codes: what each means for a reply, in words an agent can act on.

Looked up as ``code/subcode`` first, then ``code``. Sources: the vendor's tables of the Cloud API and of the
Messenger Platform. What stands in no table is judged by its HTTP status.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.utils.translation import gettext_noop as N_

from channels_app import reading
from channels_app.contract import Category, DeliveryFailed
from channels_app.http import Response, failure_from, retry_after
from channels_app.meta.door import items, obj


class Fate(NamedTuple):
    """wait: seconds before the next try, where the platform gives no number of its own."""

    title: str
    category: Category
    permanent: bool
    wait: float | None = None


_TOKEN = Fate(N_("Meta does not accept the channel's access token: an administrator must renew it."), "auth", True)
_RIGHTS = Fate(
    N_("The channel's access token lacks a permission at Meta: an administrator must grant it."), "auth", True
)
_SLOWER = Fate(N_("The platform asks us to slow down."), "rate", False)
_TROUBLE = Fate(N_("The platform has a problem of its own."), "unknown", False)
_MEDIA = Fate(N_("The platform cannot take this file: its type, size or content."), "content", True)
_ODD = Fate(N_("The platform refused the message."), "content", True)
_TEMPLATE = Fate(
    N_("The template does not fit: its blanks, language or text differ from what was approved."), "content", True
)
_NO_TEMPLATE = Fate(
    N_("The platform does not know this template in this language, or has not approved it."), "content", True
)
_TEMPLATE_OFF = Fate(N_("The platform has paused or switched off this template."), "content", True)
_WINDOW_24 = Fate(N_("The answer window of 24 hours is over: only a template can be sent."), "window", True)
_WINDOW = Fate(N_("The answer window is over: the customer must write first."), "window", True)
_GONE = Fate(N_("This person cannot be written to: they blocked us, left, or do not take messages."), "blocked", True)
_UNDELIVERABLE = Fate(
    N_("WhatsApp could not deliver this: the number is not on WhatsApp, has an old app, or takes no messages."),
    "unknown", True,
)  # fmt: skip
_ACCOUNT = Fate(
    N_("Meta has restricted or locked the channel's account: an administrator must look there."), "auth", True
)
_NUMBER = Fate(N_("Meta does not know the channel's own number or page, or it is not registered."), "auth", True)

FATES: dict[str, Fate] = {
    # Graph API
    "0": _TOKEN,
    "102": _TOKEN,
    "190": _TOKEN,
    "3": _RIGHTS,
    "10": _RIGHTS,
    "10/2018278": _WINDOW,
    "10/2534022": _WINDOW,
    "10/2018108": _GONE,
    "10/2018065": _WINDOW,
    "10/1893063": Fate(N_("Meta has restricted the page for a while: it cannot send now."), "auth", True),
    "10/2018300": _RIGHTS,
    "1": _TROUBLE,
    "2": _TROUBLE,
    "4": _SLOWER,
    "9": _SLOWER,
    "17": _SLOWER,
    "32": _SLOWER,
    "341": _SLOWER,
    "613": _SLOWER,
    "80002": _SLOWER,
    "80006": _SLOWER,
    "80007": _SLOWER,
    "33": _NUMBER,
    "100": _ODD,
    "100/33": _NUMBER,
    "100/2018001": Fate(N_("There is no such person for this page."), "blocked", True),
    "100/2534014": Fate(N_("There is no such person for this page."), "blocked", True),
    "100/2018007": _MEDIA,
    "100/2018008": _MEDIA,
    "100/2018047": _MEDIA,
    "100/2018074": _MEDIA,
    "100/2018109": Fate(N_("The file is too large for this channel."), "content", True),
    "200": _RIGHTS,
    "230": _RIGHTS,
    "294": _RIGHTS,
    "299": _RIGHTS,
    "200/1545041": _GONE,
    "200/2018028": _GONE,
    "200/2018021": _GONE,
    "200/2018027": _GONE,
    "368": Fate(N_("Meta has blocked this action for a while because of its policies."), "content", True),
    "546": _MEDIA,
    "551": _GONE,
    "551/1545041": _GONE,
    "1200": _TROUBLE,
    "2018278": _WINDOW,
    # WhatsApp
    "470": _WINDOW_24,
    "471": _SLOWER,
    "130403": _UNDELIVERABLE,
    "130429": _SLOWER,
    "130472": Fate(
        N_("WhatsApp did not deliver this because of an experiment of its own. Do not send it again."), "unknown", True
    ),
    "130497": Fate(N_("The channel's account may not write to people in this country."), "content", True),
    "131000": _TROUBLE,
    "131005": _RIGHTS,
    "131008": _ODD,
    "131009": _ODD,
    "131016": _TROUBLE,
    "131021": Fate(N_("This is the channel's own number."), "content", True),
    "131026": _UNDELIVERABLE,
    "131030": Fate(N_("The channel is in test mode: this number is not on its list of recipients."), "auth", True),
    "131031": _ACCOUNT,
    "131037": Fate(N_("The number's display name is not approved by Meta yet."), "auth", True),
    "131042": Fate(N_("Meta lacks a way to charge the channel's account."), "auth", True),
    "131045": _NUMBER,
    "131047": _WINDOW_24,
    "131048": Fate(N_("WhatsApp slows this number down because too many people reported it."), "rate", False, 3600),
    "131049": Fate(N_("WhatsApp did not deliver this so that the customer gets fewer such messages."), "content", True),
    "131050": Fate(N_("The customer takes no marketing messages from this number."), "blocked", True),
    "131051": Fate(N_("The platform does not know this type of message."), "content", True),
    "131052": _MEDIA,
    "131053": _MEDIA,
    "131055": _ODD,
    "131056": Fate(N_("Too many messages to this customer in a short time."), "rate", False, 6),
    "131057": _TROUBLE,
    "132000": _TEMPLATE,
    "132001": _NO_TEMPLATE,
    "132005": Fate(N_("The template is too long with what its blanks were filled with."), "content", True),
    "132007": _TEMPLATE_OFF,
    "132008": _TEMPLATE,
    "132012": _TEMPLATE,
    "132015": _TEMPLATE_OFF,
    "132016": _TEMPLATE_OFF,
    "132018": _TEMPLATE,
    "132068": _TEMPLATE_OFF,
    "132069": _SLOWER,
    "133000": _TROUBLE,
    "133004": _TROUBLE,
    "133005": _NUMBER,
    "133006": _NUMBER,
    "133010": _NUMBER,
    "133016": _NUMBER,
    "134011": _ACCOUNT,
    "134100": _ODD,
    "134101": _ODD,
    "134102": _ODD,
    "135000": _ODD,
    "2494100": _TROUBLE,
}
# A new code of a family that Meta keeps for one thing.
FAMILIES: tuple[tuple[str, int, Fate], ...] = (("2", 3, _RIGHTS), ("132", 6, _TEMPLATE), ("133", 6, _NUMBER))
UNKNOWN = Fate(N_("The message could not be delivered."), "unknown", True)


def failure(answer: Response) -> DeliveryFailed:
    """What an answer that is no success means; rate limits with the platform's own number of seconds."""
    error = obj(answer.json_object().get("error"))
    code, sub = _code(error.get("code")), _code(error.get("error_subcode"))
    if not code:
        return failure_from(answer)
    name, fate = _fate(code, sub)
    detail = _detail(error)
    if fate is None:
        if error.get("is_transient") is True:
            fate = _TROUBLE
        else:
            return failure_from(answer, code=name, detail=detail)
    wait = _wait(answer)
    return _failed(name, detail, fate, wait)


def late_failure(error: Any) -> DeliveryFailed:
    """The same of an error that a webhook reports after the send was accepted: never tried again by itself."""
    given = obj(error)
    code, sub = _code(given.get("code")), _code(given.get("error_subcode"))
    name, fate = _fate(code, sub)
    return _failed(name, _detail(given), fate or UNKNOWN, None)


def _fate(code: str, sub: str) -> tuple[str, Fate | None]:
    both = f"{code}/{sub}" if sub else code
    if both in FATES:
        return both, FATES[both]
    kin = (fate for start, length, fate in FAMILIES if code.startswith(start) and len(code) == length)
    return both, FATES.get(code) or next(kin, None)


def _failed(name: str, detail: str, fate: Fate, wait: float | None) -> DeliveryFailed:
    return DeliveryFailed(
        fate.title,
        permanent=fate.permanent,
        category=fate.category,
        code=name.partition("/")[0],
        detail=detail,
        retry_after=None if fate.permanent else wait if wait is not None else fate.wait,
    )


def _code(value: Any) -> str:
    return (reading.ident(value) or "")[:20]


def _detail(error: Any) -> str:
    """The most telling words there are, with the subcode, which is what one looks for."""
    data = obj(error.get("error_data"))
    words = (
        reading.line(data.get("details"), 300)
        or reading.line(error.get("error_user_msg"), 300)
        or reading.line(error.get("message"), 300)
        or reading.line(error.get("title"), 300)
        or reading.line(error.get("details"), 300)
    )
    sub = _code(error.get("error_subcode"))
    return f"{words} ({sub})" if sub and sub not in words else words


def _wait(answer: Response) -> float | None:
    """``Retry-After``, else the minutes that Meta's usage header says until we may call again."""
    from_header = retry_after(answer.headers)
    if from_header is not None:
        return from_header
    usage = _usage(answer.headers.get("x-business-use-case-usage", ""))
    minutes = [
        found
        for uses in usage.values()
        for use in items(uses)
        if (found := reading.number(obj(use).get("estimated_time_to_regain_access")))
    ]
    return min(max(minutes) * 60, 24 * 3600) if minutes and max(minutes) > 0 else None


def _usage(header: str) -> dict[str, Any]:
    return Response(200, {}, header.encode("utf-8", "replace"), "").json_object() if header else {}
