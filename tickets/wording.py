"""The log and the states in words, and the words that the scripts in the browser need."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.db.models import TextChoices
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.module_loading import import_string
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from agents.models import Agent
from customers import notes
from customers.models import Customer
from tickets.models import Activity, Message, Ticket
from tickets.routing import words as reasons
from tickets.sla.models import Kind


def of_line(row: Activity) -> str:
    """One line of the log as a sentence."""
    # Of a customer who was erased no name is left.
    who = row.actor_name or (_("The customer") if row.actor_type == "customer" else _("The system"))
    tell = _LINES.get(row.type) or _of_above(row.type.partition(".")[0])
    if tell is not None:
        return tell(who, row)
    return _("%(who)s: %(what)s") % {"who": who, "what": row.type.partition(".")[2].replace("_", " ")}


@cache
def _of_above(family: str) -> Callable[[str, Activity], str] | None:
    """Lines that a floor above writes, it also has the words for (``settings.LOG_WORDING``)."""
    path = settings.LOG_WORDING.get(family)
    return import_string(path) if path else None


def moment(at: datetime) -> str:
    """Date and time as the reader writes them."""
    return written(localtime(at), "SHORT_DATETIME_FORMAT")


def written(at: date, style: str) -> str:
    """A day, or a day with its time, in one of Django's formats. Thailand counts the years of the Buddhist era."""
    shown = date_format(at, style)
    return shown.replace(str(at.year), str(at.year + 543)) if (get_language() or "").startswith("th") else shown


def _assigned(who: str, row: Activity) -> str:
    name = _after(row, "assignee")
    if row.actor_type == "agent" and name == row.actor_name:
        return _with_why(_("%(who)s took the ticket") % {"who": who}, row)
    return _with_why(_("%(who)s assigned the ticket to %(name)s") % {"who": who, "name": name}, row)


def _with_why(text: str, row: Activity) -> str:
    """With the reasons, where routing gave some."""
    why = reasons.of(row.changes.get("why") or ())
    return _("%(what)s: %(why)s") % {"what": text, "why": why} if why else text


def _offered(who: str, row: Activity) -> str:
    return _with_why(_("Offered to %(name)s") % {"name": _after(row, "to")}, row)


def _passed(who: str, row: Activity) -> str:
    name = (row.changes.get("by") or [""])[0]
    if row.changes.get("how") == "declined":
        return _("%(name)s did not want it now; it goes on to the next") % {"name": name}
    return _("%(name)s did not answer in time; it goes on to the next") % {"name": name}


def _ruled(who: str, row: Activity) -> str:
    return _("Rules: %(names)s") % {"names": ", ".join(row.changes.get("rules") or ())}


def _snoozed(who: str, row: Activity) -> str:
    until = parse_datetime(str(row.changes.get("until", "")))
    if until is None:
        return _("%(who)s snoozed the ticket") % {"who": who}
    return _("%(who)s snoozed the ticket until %(time)s") % {"who": who, "time": moment(until)}


def _changed(who: str, row: Activity) -> str:
    parts = [tell(_after(row, name)) for name, tell in _CHANGES.items() if name in row.changes]
    return _("%(who)s changed the ticket: %(what)s") % {"who": who, "what": ", ".join(parts)}


def _reaction_failed(who: str, row: Activity) -> str:
    what = {"emoji": row.changes.get("emoji", ""), "reason": _(row.changes.get("reason") or " ").strip()}
    if not what["emoji"]:
        return _("Our reaction could not be taken back: %(reason)s") % what
    return _("The reaction %(emoji)s could not be sent: %(reason)s") % what


def _merged(who: str, row: Activity) -> str:
    if "into" in row.changes:
        return _("The conversation goes on in ticket %(number)s") % {"number": row.changes["into"]}
    return _("%(who)s merged the customer") % {"who": who}


def _continued(who: str, row: Activity) -> str:
    what = {"to": row.changes.get("to", "…"), "reason": _(row.changes.get("error") or " ").strip()}
    if what["reason"]:
        return _("What was not seen in the chat could not be sent to %(to)s: %(reason)s") % what
    return _("What was not seen in the chat went to %(to)s by e-mail") % what


def _after(row: Activity, name: str) -> Any:
    pair = row.changes.get(name)
    return pair[1] if isinstance(pair, list) and len(pair) == 2 else ""


def _clock(row: Activity) -> str:
    kind = row.changes.get("kind")
    return str(Kind(kind).label if kind in Kind.values else kind)


def _priority(value: Any) -> str:
    known = value in Ticket.Priority.values
    return _("priority %(name)s") % {"name": Ticket.Priority(value).label if known else value}


def _customer(who: str, row: Activity) -> str:
    parts = [tell(_after(row, name)) for name, tell in _OF_CUSTOMERS.items() if name in row.changes]
    if not parts:
        return _("%(who)s changed the customer") % {"who": who}
    return _("%(who)s changed the customer: %(what)s") % {"who": who, "what": ", ".join(parts)}


def _language(code: str) -> str:
    name = LANG_INFO.get(code.lower(), {}).get("name_local", code)
    return _("language %(name)s") % {"name": name} if code else _("no language")


def _choice(choices: type[TextChoices], value: str) -> str:
    return str(choices(value).label if value in choices.values else value)


def _attributes(values: dict[str, Any]) -> str:
    said = [
        _("no %(name)s") % {"name": name} if value is None else f"{name} = {notes.text_of(value)}"
        for name, value in values.items()
    ]
    return ", ".join(said)


def _tags(names: Any) -> str:
    return _("tags %(names)s") % {"names": ", ".join(names)} if names else _("no tags")


_OF_CUSTOMERS: dict[str, Callable[[Any], str]] = {
    "name": lambda value: _("name “%(text)s”") % {"text": value} if value else _("no name"),
    "language": _language,
    "party": lambda value: _choice(Customer.Party, value),
    "type": lambda value: _choice(Customer.Type, value),
    "standing": lambda value: _choice(Customer.Standing, value) if value else _("no standing"),
    "tags": _tags,
    "attributes": _attributes,
}
_CHANGES: dict[str, Callable[[Any], str]] = {
    "subject": lambda value: _("subject “%(text)s”") % {"text": value},
    "priority": _priority,
    "team": lambda value: _("team %(name)s") % {"name": value} if value else _("no team"),
    "sla": lambda value: _("SLA policy “%(name)s”") % {"name": value} if value else _("no SLA policy"),
    "continues": lambda value: _("goes on from ticket %(number)s") % {"number": value},
    "tags": _tags,
}
_LINES: dict[str, Callable[[str, Activity], str]] = {
    "ticket.created": lambda who, row: _("%(who)s opened the ticket") % {"who": who},
    "ticket.assigned": _assigned,
    "ticket.released": lambda who, row: _("%(who)s released the ticket") % {"who": who},
    "ticket.resolved": lambda who, row: _("%(who)s resolved the ticket") % {"who": who},
    "ticket.reopened": lambda who, row: _("%(who)s reopened the ticket") % {"who": who},
    "ticket.snoozed": _snoozed,
    "ticket.woken": lambda who, row: _("The ticket is open again"),
    "ticket.changed": _changed,
    "ticket.merged": _merged,
    "ticket.continued": _continued,
    "ticket.reaction_failed": _reaction_failed,
    "sla.warned": lambda who, row: _("%(clock)s: nearly due") % {"clock": _clock(row)},
    "sla.breached": lambda who, row: _("%(clock)s: overdue") % {"clock": _clock(row)},
    "routing.offered": _offered,
    "routing.passed": _passed,
    "routing.ruled": _ruled,
    "routing.waiting": lambda who, row: _with_why(_("Nobody can take this ticket yet"), row),
    "customer.changed": _customer,
    "customer.erased": lambda who, row: _("%(who)s erased the customer") % {"who": who},
    "customer.follow": lambda who, row: _("%(who)s follows the channel") % {"who": who},
    "customer.unfollow": lambda who, row: _("%(who)s left the channel") % {"who": who},
    "customer.opt_in": lambda who, row: _("%(who)s wants to get messages") % {"who": who},
    "customer.opt_out": lambda who, row: _("%(who)s wants no more messages") % {"who": who},
}


def of_deed(row: Activity, agent: Agent) -> str:
    """What one has just done, for the word that offers to undo it."""
    tell = _DEEDS.get(row.type)
    return tell(row, agent) if tell else of_line(row)


def _did_assign(row: Activity, agent: Agent) -> str:
    # By name, as the line has it.
    name = _after(row, "assignee")
    return _("The ticket is yours") if name == agent.name else _("Assigned to %(name)s") % {"name": name}


def _did_snooze(row: Activity, agent: Agent) -> str:
    until = parse_datetime(str(row.changes.get("until", "")))
    return _("Snoozed until %(time)s") % {"time": moment(until)} if until else _("Snoozed")


def _did_change(row: Activity, agent: Agent) -> str:
    if "tags" in row.changes:
        before, after = map(set, row.changes["tags"])
        if added := sorted(after - before):
            return _("Tagged: %(names)s") % {"names": ", ".join(added)}
        return _("Tag removed: %(names)s") % {"names": ", ".join(sorted(before - after))}
    if "team" in row.changes:
        team = _after(row, "team")
        return _("Moved to %(name)s") % {"name": team} if team else _("Moved to no team: everybody sees it")
    if "priority" in row.changes:
        return _("Priority: %(name)s") % {"name": Ticket.Priority(_after(row, "priority")).label}
    return _("Subject changed")


_DEEDS: dict[str, Callable[[Activity, Agent], str]] = {
    "ticket.assigned": _did_assign,
    "ticket.released": lambda row, agent: _("Released"),
    "ticket.resolved": lambda row, agent: _("Resolved"),
    "ticket.reopened": lambda row, agent: _("Reopened"),
    "ticket.snoozed": _did_snooze,
    "ticket.woken": lambda row, agent: _("Open again"),
    "ticket.changed": _did_change,
}


def of_news(row: Activity) -> str:
    """What is new for someone who was about to answer."""
    who = row.actor_name or _("The customer")
    if row.type == "message.added" and row.actor_type == "agent":
        note = row.message is not None and row.message.direction == Message.Direction.NOTE
        return _("%(who)s wrote a note") % {"who": who} if note else _("%(who)s answered meanwhile") % {"who": who}
    if row.type == "message.added":
        return _("%(who)s wrote again") % {"who": who}
    if row.type == "message.changed":
        deleted = row.changes.get("what") == "deleted"
        return (
            _("%(who)s deleted a message") % {"who": who} if deleted else _("%(who)s edited a message") % {"who": who}
        )
    return of_line(row)


# What static/js shows. The scripts find them as JSON in the page, so none of them is written there.
FOR_SCRIPTS = {
    "openTicket": gettext_lazy("Open the ticket"),
    "ticketNearlyDue": gettext_lazy("Ticket {number} is nearly due."),
    "ticketOverdue": gettext_lazy("Ticket {number} is overdue."),
    "timeLeft": gettext_lazy("{time} left"),
    "timeOver": gettext_lazy("{time} overdue"),
    "answered": gettext_lazy("{name} answered meanwhile. Read it before you send."),
    "connected": gettext_lazy("Connected again"),
    "copied": gettext_lazy("Copied"),
    "copyByHand": gettext_lazy("Copying did not work. The text is marked: copy it with the keyboard."),
    "failed": gettext_lazy("That did not work. Try again."),
    "fileFailed": gettext_lazy("{name} could not be added."),
    "fileTooLarge": gettext_lazy("{name} is over the limit of {limit} MB."),
    "looking": gettext_lazy("{names} is looking"),
    "lookingMany": gettext_lazy("{names} are looking"),
    "newMessage": gettext_lazy("New message from {name}"),
    "notAllowed": gettext_lazy("Notifications are blocked for this page. Allow them in the browser's settings."),
    "notHere": gettext_lazy("This browser shows notifications only over https."),
    "noteSaved": gettext_lazy("Note saved"),
    "offline": gettext_lazy("No connection. What you write is kept; the page catches up by itself."),
    "remove": gettext_lazy("Remove {name}"),
    "sent": gettext_lazy("Reply sent"),
    "sessionOver": gettext_lazy("Your session has ended. Sign in again; your draft is kept."),
    "signIn": gettext_lazy("Sign in"),
    "tooOld": gettext_lazy("This page is too old. Reload it; your draft is kept."),
    "typing": gettext_lazy("{names} is typing…"),
    "undo": gettext_lazy("Undo"),
    "unread": gettext_lazy("{count} unread"),
    "uploading": gettext_lazy("Adding {name}…"),
    "waitForFiles": gettext_lazy("Wait until the files are there."),
    "writeNote": gettext_lazy("Write a note that only your colleagues see…"),
    "writeReply": gettext_lazy("Write a reply…"),
    "characters": gettext_lazy("{length} of {limit} characters"),
    "segments": gettext_lazy("{segments} SMS · {remaining} characters left in this one · {encoding}"),
    "partsOver": gettext_lazy("Longer than one message on this channel: it will be sent in parts."),
    "addAgain": gettext_lazy("Add it again."),
    "addFiles": gettext_lazy("Add files"),
    "button": gettext_lazy("Button {number}"),
    "buttonsNeedText": gettext_lazy("Buttons stand under words: write something first."),
    "buttonsOf": gettext_lazy("{count} of {limit} buttons"),
    "bytes": gettext_lazy("{length} of {limit} bytes"),
    "cannotPlay": gettext_lazy("This browser cannot play it."),
    "close": gettext_lazy("Close"),
    "discard": gettext_lazy("Discard"),
    "download": gettext_lazy("Download"),
    "draft": gettext_lazy("Draft"),
    "draftKept": gettext_lazy("Your draft is kept."),
    "dropHere": gettext_lazy("Drop the files here"),
    "earlierMessages": gettext_lazy("Earlier messages"),
    "edit": gettext_lazy("Edit"),
    "file": gettext_lazy("File"),
    "fileNotCarried": gettext_lazy("This channel does not take such files."),
    "fileStopped": gettext_lazy("Stopped half-way: no connection."),
    "filesFailed": gettext_lazy("A file is not there. Try it again or remove it."),
    "fillTemplate": gettext_lazy("Fill in every blank of the template."),
    "heldBack": gettext_lazy("The reply before it was not sent."),
    "laterMessages": gettext_lazy("Later messages"),
    "notKnown": gettext_lazy("It is not known whether this went out. Look before you send it again."),
    "notSent": gettext_lazy("The message on ticket {number} was not sent."),
    "notSentYet": gettext_lazy("Not sent"),
    "onlyColleagues": gettext_lazy("Note, only for colleagues"),
    "pause": gettext_lazy("Pause"),
    "pictureBefore": gettext_lazy("Picture before"),
    "pictureNext": gettext_lazy("Next picture"),
    "pictureOf": gettext_lazy("{at} of {count}"),
    "play": gettext_lazy("Play"),
    "position": gettext_lazy("Position"),
    "queued": gettext_lazy("Waiting to be sent"),
    "react": gettext_lazy("React"),
    "sending": gettext_lazy("Sending…"),
    "sentWhenBack": gettext_lazy("It is kept here and sent as soon as there is a connection."),
    "speed": gettext_lazy("Speed {value}"),
    "stopAdding": gettext_lazy("Stop adding {name}"),
    "textTooLong": gettext_lazy("The text is too long."),
    "ticketGone": gettext_lazy("This ticket is not there any more, or no longer yours to see."),
    "tooManyFiles": gettext_lazy("This channel takes {count} files in a message."),
    "tryAgain": gettext_lazy("Try again"),
    "tryAgainWith": gettext_lazy("Try {name} again"),
    "voice": gettext_lazy("Voice message"),
    "waitsForLine": gettext_lazy("Waiting for the connection"),
    "windowLeft": gettext_lazy("Until {time}, {left} left"),
    "writeFirst": gettext_lazy("Write something or add a file first."),
    "nobodyCan": gettext_lazy("{count} waiting in {name}, and nobody can take them."),
    "offers": gettext_lazy("Offers"),
    "openBoard": gettext_lazy("Open the board"),
    "lowScore": gettext_lazy("A customer gave {score} of {most}. It is yours to follow up."),
    "openFollowUp": gettext_lazy("Open the follow-up"),
    "anotherTemplate": gettext_lazy("Another template"),
    "blank": gettext_lazy("Blank {name}"),
    "chooseFile": gettext_lazy("Choose a file"),
    "document": gettext_lazy("Document"),
    "exampleIsSent": gettext_lazy("Without one, the template's own example is sent."),
    "picture": gettext_lazy("Picture"),
    "templateNeedsFile": gettext_lazy("This template needs a file: add one."),
    "video": gettext_lazy("Video"),
    "noMoreButtons": gettext_lazy("This channel takes no more than {limit} buttons."),
    "noTemplateFound": gettext_lazy("No template has these words."),
    "noTemplates": gettext_lazy("This channel has no approved template yet."),
    "searchTemplates": gettext_lazy("Search templates"),
}  # fmt: skip
