"""Messenger: messages to a Facebook page. All that it shares with Instagram is in ``meta``."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from channels_app.contract import BASE_URL, READ_RECEIPTS, Abilities, Account, CheckLine, Field, SetupStep
from channels_app.http import Http
from channels_app.meta import door, graph
from channels_app.meta.pages import HUMAN_AGENT, MAX_PAYLOAD, MAX_QUICK_REPLIES, MAX_TITLE, PageAdapter

MAX_TEXT = 2000
MAX_FILE = 25 * 1024 * 1024
DASHBOARD = "https://developers.facebook.com/apps/"
# What the webhook must bring; the rest of Meta's fields are welcome too.
NEEDED = ("messages", "messaging_postbacks")
WANTED = ("message_echoes", "message_deliveries", "message_reads", "message_reactions", "message_edits")


class MessengerAdapter(PageAdapter):
    kind = "messenger"
    label = _("Messenger")
    about = _("Messages to a Facebook page.")
    icon = "message-circle-more"
    api_host = graph.API
    platform = "page"
    account_field = "page_id"
    echoes_metadata = True
    # The language needs a permission of its own.
    profile_fields = ("name,first_name,last_name,profile_pic,locale", "name,first_name,last_name,profile_pic")
    fields = (
        door.APP_SECRET,
        door.VERIFY_TOKEN,
        door.ACCESS_TOKEN,
        Field(
            name="page_id",
            label=_("Page ID"),
            help=_("Of the Facebook page. Left empty, the channel takes what comes for any page of the app."),
        ),
        HUMAN_AGENT,
        READ_RECEIPTS,
        door.API_VERSION,
        BASE_URL,
    )
    setup_steps = (
        SetupStep(words=_("In Meta's app dashboard, add the product Messenger to your app."), link=DASHBOARD),
        SetupStep(
            words=_("Connect your page there and copy its access token and ID into the settings of this channel.")
        ),
        SetupStep(words=_("Copy the app secret (App settings, Basic) into the settings of this channel.")),
        SetupStep(words=_("Under Webhooks, enter this address as the callback URL."), copy="webhook_url"),
        SetupStep(words=_("Enter this as the verify token, then press Verify and save."), copy="verify_token"),
        SetupStep(
            words=_(
                "Subscribe the page to messages, messaging_postbacks, message_echoes, message_deliveries,"
                " message_reads, message_reactions and message_edits."
            )
        ),
    )

    def limits(self) -> Abilities:
        return Abilities(
            max_length=MAX_TEXT,
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

    def check(self, account: Account, http: Http) -> Sequence[CheckLine]:
        lines = graph.settings_lines(account)
        if not account.get("access_token").strip():
            return lines
        page, trouble = graph.tried(account, http, self.node(account), query="fields=id,name")
        if not trouble.ok:
            return [*lines, trouble]
        lines.append(CheckLine(ok=True, words=_("Meta knows the page “%(name)s”.") % {"name": page.get("name", "")}))
        body, trouble = graph.tried(
            account, http, self.node(account), "subscribed_apps", query="fields=subscribed_fields"
        )
        return [*lines, trouble if not trouble.ok else subscription(graph.subscribed_fields(body))]


def subscription(fields: Sequence[str] | None) -> CheckLine:
    if fields is None:
        return CheckLine(ok=False, words=_("No app is subscribed to this page: nothing will come in."))
    missing = [name for name in NEEDED if name not in fields]
    if missing:
        return CheckLine(ok=False, words=_("The webhook does not bring: %(names)s.") % {"names": ", ".join(missing)})
    wished = [name for name in WANTED if name not in fields]
    if wished:
        return CheckLine(
            ok=True,
            words=_("The webhook brings messages. It could bring too: %(names)s.") % {"names": ", ".join(wished)},
        )
    return CheckLine(ok=True, words=_("The webhook brings all that this channel can show."))
