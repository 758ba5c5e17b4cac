"""What the chat says in the visitor's browser. The script gets all texts of one language with its first answer."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N_
from django.utils.translation import override

LAUNCHER = {
    "open": N_("Open the chat"),
    "close": N_("Close the chat"),
    "unread": N_("Open the chat, new messages: %(count)s"),
    "failed": N_("The chat could not be loaded. Try again."),
}
"""What the button says: in all languages with the loader, since it stands there before anything is asked."""

CHAT = {
    "close": LAUNCHER["close"],
    "us": N_("Customer service"),
    "you": N_("You"),
    # ── the line to us ──
    "offline": N_("You are offline. What you write is sent as soon as you are back."),
    "connecting": N_("Connecting again…"),
    "anew": N_("The chat has begun anew in this browser. What you wrote is kept and sent."),
    "wait": N_("That was fast. The rest is sent in a moment."),
    "refused": N_("The chat is not available on this page."),
    # ── messages ──
    "messages": N_("Messages"),
    "older": N_("Show earlier messages"),
    "newest": N_("Show the newest message"),
    "typing": N_("Typing…"),
    "sending": N_("Sending"),
    "sent": N_("Sent"),
    "read": N_("Seen"),
    "failed_message": N_("Not sent"),
    "retry": N_("Try again"),
    "discard": N_("Remove"),
    "cancel": N_("Cancel"),
    "quote": N_("Reply to this message"),
    "quoting": N_("Reply to %(name)s"),
    "unquote": N_("Do not quote"),
    "answers": N_("Choose an answer"),
    "picture": N_("Picture: %(name)s"),
    "download": N_("Download %(name)s"),
    "gone": N_("This file cannot be opened."),
    "shut": N_("Close"),
    # ── writing ──
    "write": N_("Write a message"),
    "send": N_("Send"),
    "attach": N_("Add a file"),
    "camera": N_("Take a photo"),
    "drop": N_("Drop the files here"),
    "too_long": N_("The message is too long: at most %(limit)s characters."),
    "too_large": N_("%(name)s is too large: at most %(limit)s MB."),
    "too_many": N_("At most %(limit)s files go with one message."),
    "empty": N_("%(name)s is empty."),
    "full": N_("This browser has no room left to keep the file. Stay on this page until it is sent."),
    "sound_on": N_("Play a sound for new messages"),
    "sound_off": N_("Play no sound"),
    # ── who you are ──
    "optional": N_("optional"),
    "begin": N_("Start the chat"),
    "needed": N_("This is needed."),
    "bad_email": N_("Write an address like name@example.com."),
    "bad_phone": N_("Write a number like +62 812 3456 7890."),
    "save": N_("Save"),
    "back": N_("We are back: %(when)s"),
    "leave_email": N_("Leave your e-mail address, so that our answer reaches you."),
    "left_email": N_("Thank you. We answer here and to %(email)s."),
}
"""Name in the script → text. ``%(…)s`` is filled in by the script."""


def texts(language: str) -> dict[str, str]:
    with override(language):
        return {name: _(words) for name, words in CHAT.items()}


def launcher(language: str) -> dict[str, str]:
    with override(language):
        return {name: _(words) for name, words in LAUNCHER.items()}
