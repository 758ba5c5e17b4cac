"""Sign-in by django-allauth; accounts are made by administrators, never by strangers."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    # Ours, because allauth's own have no Malay.
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account is closed."),
        "email_password_mismatch": _("The e-mail address or the password is not right."),
        "too_many_login_attempts": _("Too many attempts. Try again later."),
        "rate_limited": _("Too many attempts. Try again later."),
        "enter_current_password": _("Enter your current password."),
        "invalid_password_reset": _("This link is not valid any more."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
