"""Calendar parts (RFC 5545) as something a person can read. One pass over the lines, nothing is evaluated."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from channels_app.adapters.email.limits import LIMITS
from channels_app.adapters.email.mail import Invite, Mailbox
from channels_app.contract import clean_text

_LINE = re.compile(r"([A-Za-z0-9-]{1,60})((?:;[^:\";]*+(?:\"[^\"]*+\"[^:\";]*+)*+)*+):(.*)", re.DOTALL)
_PARAMETER = re.compile(r";([A-Za-z0-9-]+)=(?:\"([^\"]*)\"|([^;:\"]*))")
_WHEN = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})?(Z)?)?")
_ESCAPED = re.compile(r"\\([\\;,nN])")


@dataclass(slots=True)
class _Event:
    values: dict[str, str] = field(default_factory=dict)
    params: dict[str, dict[str, str]] = field(default_factory=dict)
    attendees: list[Mailbox] = field(default_factory=list)


def read(text: str) -> tuple[Invite, ...]:
    """The events in a calendar, in order; () where there is none."""
    method, events, stack = "", [], [""]
    current: _Event | None = None
    for name, params, value in _lines(text):
        if name == "BEGIN":
            stack.append(value.strip().upper())
            if stack[-1] == "VEVENT":
                current = _Event()
        elif name == "END":
            if value.strip().upper() == "VEVENT" and current is not None:
                events.append(current)
                current = None
            if len(stack) > 1:
                stack.pop()
        elif name == "METHOD" and stack[-1] == "VCALENDAR":
            method = value.strip().upper()[:20]
        elif current is not None and stack[-1] == "VEVENT":
            _take(current, name, params, value)
    if current is not None:  # Cut off in the middle.
        events.append(current)
    return tuple(_invite(event, method) for event in events[:50])


def _lines(text: str) -> Iterator[tuple[str, dict[str, str], str]]:
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n")[: LIMITS.invite_lines]:
        if line[:1] in (" ", "\t") and lines:
            lines[-1] += line[1:] if len(lines[-1]) < 20_000 else ""
        else:
            lines.append(line[:20_000])
    for line in lines:
        found = _LINE.match(line)
        if found:
            params = {key.upper(): quoted or plain for key, quoted, plain in _PARAMETER.findall(found[2])}
            yield found[1].upper(), params, found[3]


def _take(event: _Event, name: str, params: dict[str, str], value: str) -> None:
    if name == "ATTENDEE":
        if len(event.attendees) < LIMITS.attendees:
            event.attendees.append(_person(params, value))
    elif name not in event.values:
        event.values[name], event.params[name] = value, params


def _person(params: dict[str, str], value: str) -> Mailbox:
    address = re.sub(r"(?i)^mailto:", "", value.strip())
    return Mailbox(name=clean_text(params.get("CN", "")), address=clean_text(address))


def _said(event: _Event, name: str) -> str:
    value = _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], event.values.get(name, ""))
    return clean_text(value).strip()


def _invite(event: _Event, method: str) -> Invite:
    starts, zone, all_day = _when(event, "DTSTART")
    ends, _, _ = _when(event, "DTEND")
    organizer = event.values.get("ORGANIZER")
    return Invite(
        method=method,
        uid=_said(event, "UID"),
        summary=_said(event, "SUMMARY"),
        description=_said(event, "DESCRIPTION"),
        place=_said(event, "LOCATION"),
        starts=starts,
        ends=ends,
        all_day=all_day,
        zone=zone,
        organizer=_person(event.params["ORGANIZER"], organizer) if organizer else None,
        attendees=tuple(event.attendees),
        repeats=_said(event, "RRULE"),
    )


def _when(event: _Event, name: str) -> tuple[datetime | None, str, bool]:
    found = _WHEN.match(event.values.get(name, "").strip())
    if found is None:
        return None, "", False
    zone = event.params[name].get("TZID", "")
    try:
        moment = datetime(*(int(found[i] or 0) for i in range(1, 7)))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None, zone, False
    if found[7]:
        return moment.replace(tzinfo=UTC), "UTC", False
    if zone:
        with contextlib.suppress(KeyError, ValueError, OSError):  # Outlook's own names stay names.
            moment = moment.replace(tzinfo=ZoneInfo(zone.strip('"')))
    return moment, zone, found[4] is None


def as_text(invite: Invite) -> str:
    """A few lines without words of any language: what, when, where, who."""
    form = "%Y-%m-%d" if invite.all_day else "%Y-%m-%d %H:%M"
    span = " – ".join(moment.strftime(form) for moment in (invite.starts, invite.ends) if moment)
    people = [invite.organizer, *invite.attendees] if invite.organizer else list(invite.attendees)
    lines = [
        invite.summary,
        f"{span} ({invite.zone})" if span and invite.zone else span,
        invite.place,
        ", ".join(person.name or person.address for person in people[:20]),
        invite.description,
    ]
    return "\n".join(line for line in lines if line)
