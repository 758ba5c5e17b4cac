"""Instagram direct messages, by Instagram Login or through a linked Facebook page.

All that it shares with Messenger is in ``meta``. The text limit counts bytes: 333 letters of Thai.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from channels_app.contract import (
    BASE_URL,
    READ_RECEIPTS,
    Abilities,
    Account,
    CheckLine,
    Field,
    OutboundAttachment,
    OutboundMessage,
    SetupStep,
)
from channels_app.http import Http
from channels_app.meta import door, graph
from channels_app.meta.pages import HUMAN_AGENT, MAX_PAYLOAD, MAX_QUICK_REPLIES, MAX_TITLE, PageAdapter, file_refused

MAX_TEXT_BYTES = 1000
MAX_IMAGE = 8 * 1024 * 1024
MAX_FILE = 25 * 1024 * 1024
PDF = "application/pdf"
DASHBOARD = "https://developers.facebook.com/apps/"
LOGIN_API = "https://graph.instagram.com"


class InstagramAdapter(PageAdapter):
    kind = "instagram"
    label = _("Instagram")
    about = _("Direct messages to a professional Instagram account.")
    icon = "camera"
    api_host = LOGIN_API
    platform = "instagram"
    account_field = "account_id"
    echoes_metadata = False
    profile_fields = ("name,username,profile_pic",)
    fields = (
        door.APP_SECRET,
        door.VERIFY_TOKEN,
        door.ACCESS_TOKEN,
        Field(
            name="account_id",
            label=_("Instagram account ID"),
            help=_("Of the professional account. Left empty, the channel takes what comes for any account of the app."),
        ),
        Field(
            name="login",
            label=_("Connected by"),
            help=_("How the access token was made."),
            default="instagram",
            choices=(("instagram", _("Instagram Login")), ("page", _("A linked Facebook page"))),
        ),
        HUMAN_AGENT,
        READ_RECEIPTS,
        door.API_VERSION,
        BASE_URL,
    )
    setup_steps = (
        SetupStep(words=_("In Meta's app dashboard, add the product Instagram to your app."), link=DASHBOARD),
        SetupStep(
            words=_("Connect your professional account there and copy its access token and ID into the settings.")
        ),
        SetupStep(words=_("In the Instagram app, allow access to messages (Settings, Messages, Connected tools).")),
        SetupStep(words=_("Copy the app secret into the settings of this channel.")),
        SetupStep(words=_("Under Webhooks, enter this address as the callback URL."), copy="webhook_url"),
        SetupStep(words=_("Enter this as the verify token, then press Verify and save."), copy="verify_token"),
        SetupStep(
            words=_(
                "Subscribe to messages, messaging_postbacks, messaging_seen, message_reactions and messaging_referral."
            )
        ),
    )

    def limits(self) -> Abilities:
        return Abilities(
            max_length=MAX_TEXT_BYTES,
            unit="bytes",
            attachment_kinds=frozenset({"image", "video", "audio", "voice", "file"}),
            max_attachment_bytes=MAX_FILE,
            can_quote=True,
            can_react=True,
            shows_typing=True,
            reads_receipts=True,
            quick_replies=MAX_QUICK_REPLIES,
            quick_reply_title=MAX_TITLE,
            quick_reply_payload=MAX_PAYLOAD,
        )

    def attachment(self, file: OutboundAttachment) -> dict[str, Any]:
        """Pictures up to 8 MB, films, sounds, and of all other files only PDF."""
        if file.kind == "file" and file.mime != PDF:
            raise file_refused(f"{file.filename}: {file.mime}")
        if file.kind == "image" and file.size > MAX_IMAGE:
            raise file_refused(f"{file.filename}: {file.size} bytes, {MAX_IMAGE} allowed")
        return super().attachment(file)

    def purpose(self, message: OutboundMessage) -> dict[str, str]:
        """Instagram Login knows no type but the tag."""
        return super().purpose(message) if message.purpose == "human_agent" else {}

    def reaction(self, emoji: str) -> str:
        """The heart has a name here."""
        return "love" if emoji.rstrip("\ufe0f") == "\u2764" else emoji

    def api(self, account: Account) -> str:
        return graph.API if account.get("login") == "page" else LOGIN_API

    def node(self, account: Account) -> str:
        """Through a page the token is the page's, whose id is not the account's."""
        return "me" if account.get("login") == "page" else super().node(account)

    def check(self, account: Account, http: Http) -> Sequence[CheckLine]:
        lines = graph.settings_lines(account)
        if not account.get("access_token").strip():
            return lines
        api, by_page = self.api(account), account.get("login") == "page"
        wanted = "fields=id,name" if by_page else "fields=user_id,username"
        told, trouble = graph.tried(account, http, self.node(account), query=wanted, api=api)
        if not trouble.ok:
            return [*lines, trouble]
        name = told.get("username") or told.get("name") or ""
        lines.append(CheckLine(ok=True, words=_("Meta knows the account “%(name)s”.") % {"name": name}))
        body, trouble = graph.tried(
            account, http, self.node(account), "subscribed_apps", query="fields=subscribed_fields", api=api
        )
        return [*lines, trouble if not trouble.ok else subscription(graph.subscribed_fields(body))]


def subscription(fields: Sequence[str] | None) -> CheckLine:
    if fields is None:
        return CheckLine(ok=False, words=_("No app is subscribed to this account: nothing will come in."))
    if "messages" not in fields:
        return CheckLine(ok=False, words=_("The webhook does not bring: %(names)s.") % {"names": "messages"})
    return CheckLine(ok=True, words=_("The webhook brings messages."))
