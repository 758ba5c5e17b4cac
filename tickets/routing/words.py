"""Reasons in the reader's words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.conf.locale import LANG_INFO
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _


def language(code: str) -> str:
    """A language as the reader calls it; an unknown code stays one."""
    found = LANG_INFO.get(code)
    if not found:
        return code
    return found["name_local"] if code == (get_language() or "")[:2] else _(found["name"])


def _until(values: dict[str, Any]) -> str:
    at = parse_datetime(str(values.get("until") or ""))
    if at is None:
        return _("closed")
    return _("closed until %(time)s") % {"time": date_format(localtime(at), "SHORT_DATETIME_FORMAT")}


_WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "named": lambda values: _("named by a rule"),
    "previous": lambda values: _("had this customer before"),
    "speaks": lambda values: _("speaks %(language)s") % {"language": language(values["language"])},
    "skills": lambda values: _("knows %(skills)s") % {"skills": ", ".join(values["skills"])},
    "fallback": lambda values: _("nobody better came in time"),
    "busy": lambda values: _("%(load)d of %(capacity)d busy") % values,
    "only": lambda values: _("the only one free"),
    "longest_idle": lambda values: _("longest without new work"),
    "least_busy": lambda values: _("least busy"),
    "rule": lambda values: _("rule “%(name)s”") % values,
    "nobody_in_team": lambda values: _("nobody is in the team"),
    "no_capacity": lambda values: _("nobody in the team takes work: every capacity is 0"),
    "nobody_online": lambda values: _("nobody is online"),
    "all_full": lambda values: _("everybody is full"),
    "all_asked": lambda values: _("everybody is being asked about another ticket"),
    "all_passed": lambda values: _("everybody was asked and nobody took it"),
    "no_skill": lambda values: _("nobody knows %(skills)s") % {"skills": ", ".join(values["skills"])},
    "no_language": lambda values: _("nobody speaks %(language)s") % {"language": language(values["language"])},
    "closed": _until,
}


def of(reasons: Iterable[Sequence[Any]]) -> str:
    """All of them in one line; a code from a newer version is left out."""
    said = []
    for reason in reasons:
        tell = _WORDS.get(str(reason[0])) if reason else None
        if tell is not None:
            try:
                said.append(tell(reason[1] if len(reason) > 1 else {}))
            except (KeyError, TypeError, ValueError):
                continue
    return ", ".join(said)
