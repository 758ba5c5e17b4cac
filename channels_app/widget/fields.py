"""What an administrator sets of a chat on a website, beside its tokens: how it looks, what it says and asks."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from channels_app.contract import CONTINUE_AFTER, CONTINUE_BY, Field
from channels_app.contract.failures import Words

DEFAULT_COLOUR = "#0b57d0"
ASKED = ("name", "email", "phone")
LONGEST = 500

_LOOK = _("How it looks")
_WORDS = _("What it says")
_ASKS = _("What is asked before the chat")
_MAIL = _("When nobody is there")
_ON_OFF = (("on", _("On")), ("off", _("Off")))
_ASKING = (("off", _("Do not ask")), ("optional", _("May be left empty")), ("required", _("Needed")))

LOOKS = (
    Field(
        name="colour",
        label=_("Colour"),
        help=_("Of the button and of what visitors write. The text on it is made light or dark by itself."),
        default=DEFAULT_COLOUR,
        shape="colour",
        group=_LOOK,
    ),
    Field(
        name="position",
        label=_("Position"),
        default="right",
        choices=(("right", _("Bottom right")), ("left", _("Bottom left"))),
        group=_LOOK,
    ),
    Field(
        name="theme",
        label=_("Light or dark"),
        default="auto",
        choices=(("auto", _("As the visitor's device")), ("light", _("Light")), ("dark", _("Dark"))),
        group=_LOOK,
    ),
    Field(
        name="sound",
        label=_("Sound"),
        help=_("A soft tone when an answer comes. Visitors can turn it off."),
        default="off",
        choices=_ON_OFF,
        group=_LOOK,
    ),
)


def _said(name: str, label: Words, help_text: Words) -> tuple[Field, ...]:
    """One text in each of our languages. Empty: our own words in that language."""
    return tuple(
        Field(
            name=f"{name}_{code}",
            label=_in_language(label, words),
            help=help_text if position == 0 else "",
            several_lines=True,
            longest=LONGEST,
            group=_WORDS,
        )
        for position, (code, words) in enumerate(settings.LANGUAGES)
    )


def _in_language(label: Words, language: str) -> Words:
    """ "Greeting (ไทย)": the language in its own words, which need no translation."""
    return format_lazy("{} ({})", label, language)


WORDS = (
    Field(
        name="title",
        label=_("Title"),
        help=_("At the top of the chat: the name of your shop, for instance. Empty: the channel's name."),
        longest=60,
        group=_WORDS,
    ),
    *_said("greeting", _("Greeting"), _("The first words a visitor reads. Empty: ours, in the visitor's language.")),
    Field(
        name="expected",
        label=_("Usual time to an answer"),
        help=_("Visitors read it below the title."),
        default="none",
        choices=(
            ("none", _("Say nothing")),
            ("minutes", _("A few minutes")),
            ("hour", _("An hour")),
            ("hours", _("A few hours")),
            ("day", _("A day")),
        ),
        group=_WORDS,
    ),
    *_said(
        "out_of_hours",
        _("Out of hours"),
        _("What a visitor reads while you are closed. Empty: ours, in the visitor's language."),
    ),
)

PRECHAT = (
    Field(
        name="prechat_name",
        label=_("Name"),
        help=_("Visitors whom your website has identified are not asked."),
        default="off",
        choices=_ASKING,
        group=_ASKS,
    ),
    Field(name="prechat_email", label=_("E-mail"), default="off", choices=_ASKING, group=_ASKS),
    Field(name="prechat_phone", label=_("Phone"), default="off", choices=_ASKING, group=_ASKS),
)

CONTINUING = (replace(CONTINUE_BY, group=_MAIL), replace(CONTINUE_AFTER, group=_MAIL))

ALL = (*LOOKS, *WORDS, *PRECHAT, *CONTINUING)
