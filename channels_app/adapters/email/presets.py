"""Mail providers whose servers are known, so that nobody has to look them up. Source: each provider's own help pages
on "other mail programs"; Google's and Microsoft's on OAuth."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from channels_app.contract import Preset

GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
MICROSOFT_TOKENS = "https://login.microsoftonline.com/common/oauth2/v2.0/token"
# With what each needs to give a permission that lasts: Google says it by itself only the first time.
GOOGLE_SIGN_IN = (
    "https://accounts.google.com/o/oauth2/v2/auth"
    "?scope=https%3A%2F%2Fmail.google.com%2F&access_type=offline&prompt=consent"
)
MICROSOFT_SIGN_IN = (
    "https://login.microsoftonline.com/common/oauth2/v2.0/authorize"
    "?scope=offline_access%20https%3A%2F%2Foutlook.office.com%2FIMAP.AccessAsUser.All"
    "%20https%3A%2F%2Foutlook.office.com%2FSMTP.Send"
)
GOOGLE = {"oauth_token_url": GOOGLE_TOKENS, "oauth_sign_in_url": GOOGLE_SIGN_IN}
MICROSOFT = {"oauth_token_url": MICROSOFT_TOKENS, "oauth_sign_in_url": MICROSOFT_SIGN_IN}
APP_PASSWORD = _("Make a password for programs (an app password) there first; the one you sign in with is not taken.")


def _servers(imap: str, smtp: str, *, starttls: bool = False, **more: str) -> dict[str, str]:
    """TLS at 993 and 465, or STARTTLS at 587 for sending."""
    return {
        "imap_url-host": imap, "imap_url-port": "993", "imap_url-tls": "tls",
        "smtp_url-host": smtp, "smtp_url-port": "587" if starttls else "465",
        "smtp_url-tls": "starttls" if starttls else "tls",
        **more,
    }  # fmt: skip


PRESETS = (
    Preset(
        name="google",
        label="Gmail, Google Workspace",
        values=_servers("imap.gmail.com", "smtp.gmail.com", starttls=False, authserv="mx.google.com", **GOOGLE),
        advice=_(
            "Switch on 2-step verification and make an app password. A Workspace administrator may have to allow "
            "IMAP first. With OAuth leave both passwords empty, save, and sign in at the provider from the channel's "
            "page."
        ),
        link="https://myaccount.google.com/apppasswords",
    ),
    Preset(
        name="microsoft",
        label="Microsoft 365",
        values=_servers("outlook.office365.com", "smtp.office365.com", starttls=True, **MICROSOFT),
        advice=_(
            "Microsoft takes no passwords here: register an application in Entra with the rights "
            "IMAP.AccessAsUser.All, SMTP.Send and offline_access, fill in what stands under OAuth, leave both "
            "passwords empty, save, and sign in at the provider from the channel's page. An administrator has to allow "
            "sending by SMTP for the mailbox."
        ),
        link="https://entra.microsoft.com/",
    ),
    Preset(
        name="outlook",
        label="Outlook.com, Hotmail",
        values=_servers("outlook.office365.com", "smtp-mail.outlook.com", starttls=True, **MICROSOFT),
        advice=_(
            "Switch on IMAP in the mailbox's settings. Microsoft takes no passwords here: fill in what stands under "
            "OAuth, leave both passwords empty, save, and sign in at the provider from the channel's page."
        ),
        link="https://outlook.live.com/mail/0/options/mail/accounts",
    ),
    Preset(
        name="yahoo",
        label="Yahoo",
        values=_servers("imap.mail.yahoo.com", "smtp.mail.yahoo.com"),
        advice=APP_PASSWORD,
        link="https://login.yahoo.com/account/security",
    ),
    Preset(
        name="icloud",
        label="iCloud",
        values=_servers("imap.mail.me.com", "smtp.mail.me.com", starttls=True),
        advice=APP_PASSWORD,
        link="https://account.apple.com/",
    ),
    Preset(
        name="zoho",
        label="Zoho",
        values=_servers("imappro.zoho.com", "smtppro.zoho.com"),
        advice=_(
            "Switch on IMAP in the mailbox's settings. For a free personal account the servers are imap.zoho.com and "
            "smtp.zoho.com; in Europe and India they end in .eu and .in."
        ),
        link="https://mail.zoho.com/zm/#settings/all/mailaccounts",
    ),
    Preset(
        name="fastmail",
        label="Fastmail",
        values=_servers("imap.fastmail.com", "smtp.fastmail.com"),
        advice=APP_PASSWORD,
        link="https://app.fastmail.com/settings/security/devicekeys",
    ),
    Preset(
        name="hostinger",
        label="Hostinger, Niagahoster",
        values=_servers("imap.hostinger.com", "smtp.hostinger.com"),
        advice=_("The user name is the whole address. Niagahoster's older mailboxes are at mail. and your own domain."),
    ),
    Preset(
        name="titan",
        label="Titan",
        values=_servers("imap.titan.email", "smtp.titan.email"),
        advice=_("Allow other mail programs in the mailbox's settings first."),
    ),
    Preset(
        name="lark",
        label="Lark",
        values=_servers("imap.larksuite.com", "smtp.larksuite.com"),
        advice=_("An administrator allows other mail programs; each mailbox then makes a password for them."),
    ),
    Preset(
        name="hosting",
        label=_("Own domain at a web host"),
        values={"imap_url-port": "993", "imap_url-tls": "tls", "smtp_url-port": "465", "smtp_url-tls": "tls"},
        advice=_(
            "At hosts with cPanel or Plesk (Exabytes, Rumahweb, DomaiNesia, Hostatom and many more) both servers are "
            "mail. and your own domain, like mail.shop.example; the user name is the whole address."
        ),
    ),
)
