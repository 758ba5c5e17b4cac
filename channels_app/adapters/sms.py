"""SMS and MMS through Twilio: form-encoded webhooks, signed over the public URL, and one REST call to send.

Twilio signs what it means, not the bytes: the URL plus every field, so a form is read for its
signature first and judged as a form after that.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import phonenumbers
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as N_
from twilio.request_validator import RequestValidator, get_signature_algorithm

from channels_app import gsm, reading
from channels_app.contract import (
    BASE_URL,
    Abilities,
    Account,
    Adapter,
    BadBody,
    Category,
    CheckLine,
    Conversation,
    DeliveryFailed,
    Field,
    InboundAttachment,
    InboundMessage,
    InboundRequest,
    Location,
    News,
    NotAuthentic,
    Notice,
    OutboundMessage,
    Postback,
    Receipt,
    ReceiptState,
    Remote,
    ReplyTo,
    Sender,
    Sent,
    SettingsInvalid,
    SetupStep,
    TextMeasure,
    Unreadable,
    UnreadableEvent,
    read_json_object,
)
from channels_app.http import Download, Http, HttpError, Response, failure_from, origin, retry_after

API = "https://api.twilio.com"
MAX_TEXT = 1600
MAX_FIELDS = 1000
MAX_MEDIA = 10
KINDS = frozenset({"image", "video", "audio", "file"})
OWN_HOST = re.compile(r"https://api(\.[a-z0-9-]+){0,2}\.twilio\.com:443")
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
Form = Mapping[str, Any]


class SmsAdapter(Adapter):
    kind = "sms"
    label = _("SMS (Twilio)")
    about = _("Text messages to and from a number of your own at Twilio.")
    icon = "message-square-text"
    api_host = API
    writing_unblocks = False
    fields = (
        Field(
            name="account_sid",
            label=_("Account SID"),
            help=_("Starts with AC; on the first page of the Twilio console."),
        ),
        Field(
            name="auth_token",
            label=_("Auth token"),
            help=_("Next to the Account SID. During a rotation: the new and the old one, separated by a space."),
            secret=True,
        ),
        Field(
            name="from_number",
            label=_("Number"),
            help=_("Your Twilio number with its country code (+62…), or a messaging service (MG…)."),
        ),
        Field(
            name="mode",
            label=_("Mode"),
            help=_("“Stub” sends nothing and marks every answer as sent: for a trial without an account."),
            default="live",
            choices=(("live", _("Live")), ("stub", _("Stub"))),
        ),
        BASE_URL,
    )
    setup_steps = (
        SetupStep(
            words=_("Open your number in the Twilio console."),
            link="https://console.twilio.com/us1/develop/phone-numbers/manage/incoming",
        ),
        SetupStep(
            words=_("Under Messaging, at “A message comes in”, choose Webhook and HTTP POST, and paste this address."),
            copy="webhook_url",
        ),
    )

    # ── in ──

    def verify(self, account: Account, request: InboundRequest) -> None:
        signature, tokens = request.header("x-twilio-signature"), account.get("auth_token").split()[:2]
        if not signature or not tokens:
            raise NotAuthentic("no signature, or no auth token to check it with")
        algorithm = get_signature_algorithm(request.header("x-twilio-webhooks-signature-settings"))
        for params in _signed_params(request):
            for token in tokens:
                if _Validator(token).validate(request.url, params, signature, algorithm):
                    return
        raise NotAuthentic("no signature matches")

    def decode(self, account: Account, request: InboundRequest) -> Any:
        if _is_json(request):
            return read_json_object(request.body)
        return _form(request.body)

    def parse(self, account: Account, payload: Any) -> Iterable[News | Unreadable]:
        if not isinstance(payload, Mapping):
            raise UnreadableEvent("the event is not a form")
        sid = next(filter(None, (reading.ident(payload.get(name)) for name in SID_FIELDS)), None)
        if sid is None:
            raise UnreadableEvent("MessageSid is missing")
        status = (_field(payload, "MessageStatus") or _field(payload, "SmsStatus")).strip().lower()
        if status and status not in ("received", "receiving"):
            return [_receipt(sid, status, payload)]
        return _inbound(sid, payload)

    def answer(self, account: Account, request: InboundRequest) -> tuple[str, str]:
        return EMPTY_TWIML, "text/xml"

    def fetch_media(self, account: Account, attachment: Remote, http: Http) -> Download:
        """Credentials go to the platform's own hosts alone; the client drops them at any redirect."""
        url = attachment.url
        base = account.base_url(API)
        if OWN_HOST.fullmatch(origin(url)):
            parts = urlsplit(url)
            url = f"{base}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        return http.media(url, auth=_credentials(account) if origin(url) == origin(base) else None)

    # ── out ──

    def abilities(self, account: Account, conversation: Conversation, now: datetime) -> Abilities:
        return Abilities(
            max_length=MAX_TEXT,
            attachment_kinds=KINDS,
            max_attachment_bytes=5 * 1024 * 1024,
            max_attachments=MAX_MEDIA,
            can_write_first=True,
            counts_segments=True,
        )

    def measure(self, account: Account, text: str) -> TextMeasure:
        counted = gsm.segments(text)
        return TextMeasure(
            length=len(text),
            limit=MAX_TEXT,
            segments=counted.count,
            encoding=counted.encoding,
            remaining_in_segment=counted.remaining,
        )

    def send(self, account: Account, message: OutboundMessage, http: Http) -> Sent:
        if account.get("mode") == "stub":
            return Sent(external_id=f"STUB{message.key}", state="sent")
        if not (account.get("account_sid") and account.get("auth_token").strip() and account.get("from_number")):
            raise DeliveryFailed(NOT_SET_UP, permanent=True, category="auth", code="settings")
        try:
            answer = http.request(
                "POST",
                _account_url(account, "/Messages.json"),
                data=_outgoing(account, message),
                auth=_credentials(account),
            )
        except HttpError as error:
            raise failure_from(error) from error
        return _outcome(answer)

    # ── set-up ──

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        errors: dict[str, Any] = {}
        number = str(settings.get("from_number") or "").strip()
        if settings.get("mode") != "stub":
            errors = {
                n: _("Needed to send.") for n in ("account_sid", "auth_token", "from_number") if not settings.get(n)
            }
        if number and not OUR_NUMBER.fullmatch(number):
            errors["from_number"] = _("Like +6281234567890, a short code, a sender name, or MG and 32 characters.")
        if len(str(settings.get("auth_token") or "").split()) > 2:
            errors["auth_token"] = _("At most two tokens.")
        if errors:
            raise SettingsInvalid(errors)

    def check(self, account: Account, http: Http) -> Sequence[CheckLine]:
        if account.get("mode") == "stub":
            return [CheckLine(ok=True, words=_("Stub mode: nothing is sent, every answer is marked as sent."))]
        try:
            answer = http.request("GET", _account_url(account, ".json"), auth=_credentials(account))
        except HttpError as error:
            return [CheckLine(ok=False, words=_(failure_from(error).title))]
        if not answer.ok:
            return [CheckLine(ok=False, words=_(_failure(answer).title))]
        if answer.json_object().get("status", "active") != "active":
            return [CheckLine(ok=False, words=_("Twilio has suspended or closed this account."))]
        return [CheckLine(ok=True, words=_("Twilio accepts the Account SID and the auth token."))]

    def normalise_address(self, account: Account, external_id: str) -> str:
        prefix, number = _split_prefix(external_id.strip())
        found = _e164(number, _region(account))
        if not found:
            raise ValueError(external_id)
        return prefix + found


NOT_SET_UP = N_("This channel lacks its Account SID, auth token or number: an administrator can set them.")
OUR_NUMBER = re.compile(r"(whatsapp:)?\+?[0-9][0-9 ()-]{2,20}|MG[0-9a-fA-F]{32}|[A-Za-z0-9 ]{2,11}")
SID_FIELDS = ("MessageSid", "SmsSid", "SmsMessageSid")


def _credentials(account: Account) -> tuple[str, str]:
    """Of two tokens in rotation the first is the current one."""
    return account.get("account_sid"), (account.get("auth_token").split() or [""])[0]


def _account_url(account: Account, rest: str) -> str:
    sid = quote(account.get("account_sid").strip(), safe="")
    return f"{account.base_url(API)}/2010-04-01/Accounts/{sid}{rest}"


# ── Signature and form ───────────────────────────────────────────────────────────────────────


class _Params(dict[str, list[str]]):
    """A form as Twilio's validator reads one: a field may stand in it more than once."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def _is_json(request: InboundRequest) -> bool:
    return request.header("content-type").partition(";")[0].strip().lower() == "application/json"


def _signed_params(request: InboundRequest) -> list[Form]:
    """What the signature covers beside the URL; several readings only where the text is not UTF-8."""
    hashes = parse_qs(urlsplit(request.url).query).get("bodySHA256")
    if hashes and _is_json(request):
        if not hmac.compare_digest(hashlib.sha256(request.body).hexdigest().encode(), hashes[0].lower().encode()):
            raise NotAuthentic("the body is not the one that was signed")
        return [{}]
    try:
        return [_fields(request.body, "strict")]
    except UnicodeDecodeError:
        latin = request.body.decode("latin-1").encode()
        return [_fields(request.body, "replace"), _fields(request.body, "surrogateescape"), _fields(latin, "replace")]


class _Validator(RequestValidator):  # type: ignore[misc]
    """Twilio's own, but for text that is not UTF-8: that is signed as the bytes it came as."""

    def compute_signature(self, uri: str, params: Any, algorithm: str | None = None) -> str:
        try:
            return str(super().compute_signature(uri, params, algorithm))
        except UnicodeEncodeError:
            text = uri + "".join(name + value for name in sorted(params) for value in sorted(set(params[name])))
            mac = hmac.digest(self.token, text.encode("utf-8", "surrogateescape"), "sha1")
            return base64.b64encode(mac).decode()


def _fields(body: bytes, errors: str) -> _Params:
    text = body.decode("utf-8", errors)
    params = _Params()
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors=errors, max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise NotAuthentic("more fields than Twilio ever sends") from error
    for name, value in pairs:
        params.setdefault(name, []).append(value)
    return params


def _form(body: bytes) -> dict[str, str]:
    try:
        params = _fields(body, "strict")
    except UnicodeDecodeError as error:
        raise BadBody("the form is not UTF-8") from error
    except NotAuthentic as error:
        raise BadBody(str(error)) from error
    if body.strip() and b"=" not in body:
        raise BadBody("the body is not a form")
    return {name: values[0] for name, values in params.items()}


# ── What comes in ────────────────────────────────────────────────────────────────────────────


def _field(form: Form, name: str) -> str:
    return reading.text(form.get(name))


def _inbound(sid: str, form: Form) -> list[News | Unreadable]:
    address = _address(_field(form, "From"))
    if not address:
        raise UnreadableEvent("From is missing")
    sender = _sender(address, form)
    media, place = _media(form), _location(form)
    text, postback = _field(form, "Body"), _postback(form)
    said = text or (postback.title or postback.payload if postback else "")
    kind = reading.line(form.get("MessageType"), 40)
    unknown = bool(kind) and kind not in WORDS_ALONE and not (said or media or place)
    answered = reading.ident(form.get("OriginalRepliedMessageSid"))
    news: list[News | Unreadable] = [
        InboundMessage(
            external_id=sid,
            event_id=sid,
            conversation=address,
            sender=sender,
            text=said,
            attachments=(*media, *place),
            reply_to=ReplyTo(external_id=answered) if answered else None,
            postback=postback,
            unsupported=unknown,
            unsupported_reason=kind if unknown else "",
            forwarded="true" in (_field(form, name).lower() for name in ("Forwarded", "FrequentlyForwarded")),
            referral=_referral(form),
        )
    ]
    opted = OPTED.get(_field(form, "OptOutType").strip().upper())
    if opted:
        news.append(Notice(kind=opted[0], blocked=opted[1], conversation=address, sender=sender, event_id=sid))
    return news


# These may be empty; of any other kind an empty one says that we cannot read it.
WORDS_ALONE = frozenset({"text", "sms", "mms"})
OPTED = {"STOP": ("opt_out", True), "START": ("opt_in", False)}


def _sender(address: str, form: Form) -> Sender:
    _prefix, number = _split_prefix(address)
    other = reading.ident(form.get("ExternalUserId"))
    return Sender(
        external_id=address,
        name=reading.line(form.get("ProfileName")),
        phone=reading.phone(number) if number.startswith("+") else "",
        alt_ids=(other,) if other and other != address else (),
    )


def _media(form: Form) -> list[InboundAttachment]:
    """By the fields that are there and by what NumMedia says: the one may be without the other."""
    count = min(int(reading.number(form.get("NumMedia")) or 0), MAX_MEDIA)
    named = {int(m[1]) for name in form if (m := re.fullmatch(r"MediaUrl([0-9]{1,2})", str(name)))}
    found = []
    for index in sorted(named.union(range(count))):
        url, mime = _field(form, f"MediaUrl{index}").strip(), reading.mime(form.get(f"MediaContentType{index}"))
        remote = Remote(url=url[: reading.MAX_URL], credentials=bool(OWN_HOST.fullmatch(origin(url))))
        found.append(InboundAttachment(kind=reading.kind_of(mime), mime=mime, remote=remote))
    return found


def _location(form: Form) -> list[InboundAttachment]:
    lat, lon = reading.number(form.get("Latitude")), reading.number(form.get("Longitude"))
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180:
        return []
    place = Location(
        lat=lat, lon=lon, name=reading.line(form.get("Label")), address=reading.line(form.get("Address"), 500)
    )
    return [InboundAttachment(kind="location", location=place)]


def _postback(form: Form) -> Postback | None:
    for title, payload, source in BUTTONS:
        words, sent = _field(form, title), _field(form, payload)
        if words or sent:
            return Postback(title=words, payload=sent, source=source)
    return None


# What was pressed, chosen or filled in: (its words, what it sends back).
BUTTONS = (
    ("ButtonText", "ButtonPayload", "button"),
    ("ListTitle", "ListId", "list"),
    ("", "InteractiveData", "form"),
    ("", "FlowData", "form"),
)


def _referral(form: Form) -> dict[str, str] | None:
    """The ad or post that brought them here."""
    found = {
        key: value
        for key, name in REFERRAL.items()
        if (value := reading.line(form.get(f"Referral{name}"), reading.MAX_URL))
    }
    return found or None


REFERRAL = {
    "source": "SourceType", "id": "SourceId", "url": "SourceUrl", "headline": "Headline", "body": "Body",
    "media_url": "MediaUrl", "click_id": "CtwaClid",
}  # fmt: skip


STATES: dict[str, ReceiptState] = {
    "accepted": "accepted", "scheduled": "accepted", "queued": "accepted", "sending": "accepted",
    "sent": "sent", "delivered": "delivered", "partially_delivered": "delivered", "read": "read",
    "failed": "failed", "undelivered": "failed", "canceled": "failed",
}  # fmt: skip


def _receipt(sid: str, status: str, form: Form) -> Receipt:
    state = STATES.get(status)
    if state is None:
        raise UnreadableEvent(f"unknown message status {status[:40]!r}")
    error, recipient = _field(form, "ErrorCode").strip(), _address(_field(form, "To"))
    return Receipt(
        state=state,
        external_id=sid,
        conversation=recipient,
        recipient=recipient,
        event_id=f"{sid}:{status}",
        error=_error(error, reading.line(form.get("ErrorMessage"), 300)) if state == "failed" else None,
    )


# ── Numbers ──────────────────────────────────────────────────────────────────────────────────


def _split_prefix(address: str) -> tuple[str, str]:
    """``whatsapp:+62…`` → (``whatsapp:``, ``+62…``); most have no prefix."""
    prefix, colon, number = address.rpartition(":")
    return (prefix.lower() + colon, number.strip()) if colon else ("", address)


def _address(given: str) -> str:
    """The one spelling; what is no number (a sender's name, a short code) stays as it is."""
    kept = reading.ident(given) or ""
    prefix, number = _split_prefix(kept)
    return prefix + (_e164(number, None) or number) if number.startswith("+") else kept


def _e164(number: str, region: str | None) -> str:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(parsed):
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _region(account: Account) -> str | None:
    """Whoever types a number without its country code means the country of our own."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(_split_prefix(account.get("from_number"))[1]))
    except phonenumbers.NumberParseException:
        return None


# ── What goes out ────────────────────────────────────────────────────────────────────────────


def _outgoing(account: Account, message: OutboundMessage) -> dict[str, Any]:
    ours, prefix = account.get("from_number").strip(), _split_prefix(message.to)[0]
    form: dict[str, Any] = {"To": message.to, "Body": message.text}
    if ours.startswith("MG"):
        form["MessagingServiceSid"] = ours
    else:
        form["From"] = ours if not prefix or ours.startswith(prefix) else prefix + ours
    if message.attachments:
        form["MediaUrl"] = [file.url for file in message.attachments]
    if account.webhook_url:
        form["StatusCallback"] = account.webhook_url
    return form


def _outcome(answer: Response) -> Sent:
    if not answer.ok:
        raise _failure(answer)
    said = answer.json_object()
    state = STATES.get(str(said.get("status")), "accepted")
    if state == "failed":
        raise _error(reading.text(said.get("error_code")), reading.line(said.get("error_message"), 300))
    return Sent(external_id=reading.ident(said.get("sid")) or "", state="sent" if state != "accepted" else "accepted")


def _failure(answer: Response) -> DeliveryFailed:
    said = answer.json_object()
    code, detail = reading.text(said.get("code")), reading.line(said.get("message"), 300)
    if code in ERRORS:
        return _error(code, detail, retry_after(answer.headers))
    return failure_from(answer, code=code, detail=detail)


def _error(code: str, detail: str, wait: float | None = None) -> DeliveryFailed:
    title, category, permanent = ERRORS.get(code, UNKNOWN)
    return DeliveryFailed(title, permanent=permanent, category=category, code=code, detail=detail, retry_after=wait)


UNKNOWN: tuple[str, Category, bool] = (N_("The message could not be delivered."), "unknown", True)
_BAD_NUMBER: tuple[str, Category, bool] = (N_("This is not a number that can receive SMS."), "content", True)
_UNREACHABLE: tuple[str, Category, bool] = (N_("The phone is off, unreachable or no longer in use."), "unknown", True)
_SLOWER: tuple[str, Category, bool] = (N_("The platform asks us to slow down."), "rate", False)
_CREDENTIALS: tuple[str, Category, bool] = (
    N_("Twilio does not accept the Account SID and auth token of this channel."), "auth", True,
)  # fmt: skip
_FILTERED: tuple[str, Category, bool] = (
    N_("The phone company filtered the message as spam: reword it or write less often."), "content", True,
)  # fmt: skip
_OUR_NUMBER: tuple[str, Category, bool] = (
    N_("The channel's own number cannot send SMS: check it in the settings."), "auth", True,
)  # fmt: skip
_UNREGISTERED: tuple[str, Category, bool] = (
    N_("The channel's number is not registered for business SMS in the USA (A2P 10DLC)."), "auth", True,
)  # fmt: skip
_REFUSED: tuple[str, Category, bool] = (N_("The platform refused the message."), "content", True)
_MEDIA: tuple[str, Category, bool] = (
    N_("The platform cannot take this file: its type, size or content."), "content", True,
)  # fmt: skip
_TROUBLE: tuple[str, Category, bool] = (N_("The platform has a problem of its own."), "unknown", False)
_GONE: tuple[str, Category, bool] = (
    N_("This person cannot be written to: they blocked us, left, or do not take messages."), "blocked", True,
)  # fmt: skip
_TEMPLATE: tuple[str, Category, bool] = (
    N_("The template does not fit: its blanks, language or text differ from what was approved."), "content", True,
)  # fmt: skip
_TEMPLATE_OFF: tuple[str, Category, bool] = (
    N_("The platform has paused or switched off this template."), "content", True,
)  # fmt: skip
_ACCOUNT: tuple[str, Category, bool] = (N_("Twilio has suspended or closed this account."), "auth", True)
ERRORS: dict[str, tuple[str, Category, bool]] = {
    # On sending: what is wrong with the request.
    **dict.fromkeys(["21201", "21217", "21401", "21421", "21604", "21612", "21635", "60205"], _BAD_NUMBER),
    **dict.fromkeys(
        ["14108", "21407", "21601", "21603", "21607", "21659", "21660", "21661", "21701", "21702", "21703",
         "21704", "21705", "21709", "21711", "21910", "30016", "30018", "30024", "30032"],
        _OUR_NUMBER,
    ),
    **dict.fromkeys(["21611", "30001", "30022", "30023", "30027", "63018", "63038", "35125"], _SLOWER),
    **dict.fromkeys(["21605", "21618", "30009", "30010", "30012", "63005", "63006", "63013", "63021", "63030"],
                    _REFUSED),
    **dict.fromkeys(["11751", "12300", "21620", "21623", "30011", "30019", "63019"], _MEDIA),
    **dict.fromkeys(["30017", "30410", "30500", "63009", "63010", "63012"], _TROUBLE),
    # What became of it later, by SMS and by WhatsApp.
    **dict.fromkeys(["20005", "10001", "21472", "30002", "90010"], _ACCOUNT),
    **dict.fromkeys(["30033", "30035"], _UNREGISTERED),
    **dict.fromkeys(["30038", "30039", "30450", "30453", "30454"], _FILTERED),
    "30036": _UNREACHABLE,
    "63036": _UNREACHABLE,
    "63003": _BAD_NUMBER,
    "63024": _BAD_NUMBER,
    "63001": _CREDENTIALS,
    **dict.fromkeys(["63002", "63007", "63008", "63022"], _OUR_NUMBER),
    **dict.fromkeys(["63014", "63033"], _GONE),
    **dict.fromkeys(["63027", "63028", "63029", "21654", "21655", "21656", "92007"], _TEMPLATE),
    **dict.fromkeys(["63040", "63041", "63042"], _TEMPLATE_OFF),
    "63023": UNKNOWN,
    "20003": _CREDENTIALS,
    "20008": _CREDENTIALS,
    "20429": _SLOWER,
    "429": _SLOWER,
    "14107": _SLOWER,
    "21211": _BAD_NUMBER,
    "21614": _BAD_NUMBER,
    "21212": _OUR_NUMBER,
    "21606": _OUR_NUMBER,
    **dict.fromkeys(
        ["21608", "63015"],
        (N_("The channel is in test mode: this number is not on its list of recipients."), "auth", True),
    ),
    "63032": (N_("WhatsApp did not deliver this because of an experiment of its own. Do not send it again."),
              "unknown", True),
    "63049": (N_("WhatsApp did not deliver this so that the customer gets fewer such messages."), "content", True),
    **dict.fromkeys(
        ["63020", "63051"],
        (N_("Meta has restricted or locked the channel's account: an administrator must look there."), "auth", True),
    ),
    "21408": (N_("Sending to this country is switched off in the Twilio account."), "auth", True),
    "21610": (N_("The customer has opted out (STOP). They must write START before they can be answered."),
              "blocked", True),
    "21602": (N_("The message is empty."), "content", True),
    "21617": (N_("The message is too long for SMS."), "content", True),
    "30003": _UNREACHABLE,
    "30005": _UNREACHABLE,
    "30006": (N_("This is a landline or a network that takes no SMS."), "content", True),
    "30004": (N_("The customer's phone company has blocked the message."), "blocked", True),
    "30007": _FILTERED,
    "30008": UNKNOWN,
    "30034": _UNREGISTERED,
    "63016": (N_("The WhatsApp answer window of 24 hours is over: only a template can be sent."), "window", True),
}  # fmt: skip
