"""Surveys' lines of the log in words (``settings.LOG_WORDING``)."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from surveys.models import FollowUp, Invitation
from tickets.models import Activity
from tickets.wording import moment


def of_line(who: str, row: Activity) -> str:
    return _LINES[row.type](who, row) if row.type in _LINES else _("Survey")


def _asked(who: str, row: Activity) -> str:
    return _("The customer was asked: survey “%(name)s”") % {"name": row.changes.get("survey", "")}


def _answered(who: str, row: Activity) -> str:
    if "score" not in row.changes:
        return _("%(who)s answered the survey") % {"who": who}
    said = {"who": who, "score": row.changes["score"], "most": row.changes.get("of", "")}
    return _("%(who)s answered the survey: %(score)s of %(most)s") % said


def _skipped(who: str, row: Activity) -> str:
    reason = row.changes.get("reason", "")
    known = Invitation.Reason(reason).label if reason in Invitation.Reason.values else reason
    return _("No survey was sent: %(reason)s") % {"reason": known}


def _follow_up(who: str, row: Activity) -> str:
    until = parse_datetime(str(row.changes.get("due", "")))
    said = {"name": row.changes.get("owner") or _("Nobody"), "time": moment(until) if until else ""}
    return _("%(name)s follows up on the answer, until %(time)s") % said


def _followed_up(who: str, row: Activity) -> str:
    outcome = row.changes.get("outcome", "")
    known = FollowUp.Outcome(outcome).label if outcome in FollowUp.Outcome.values else outcome
    return _("%(who)s followed up on the answer: %(outcome)s") % {"who": who, "outcome": known}


_LINES: dict[str, Callable[[str, Activity], str]] = {
    "survey.asked": _asked,
    "survey.answered": _answered,
    "survey.skipped": _skipped,
    "survey.follow_up": _follow_up,
    "survey.followed_up": _followed_up,
}
