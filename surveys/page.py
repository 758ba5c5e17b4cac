"""The page behind a survey's link: for anybody who has it, on any phone, without a script.

Opening it changes nothing, whatever its address says: mail scanners open every link. Only the form's POST counts.

The link stands in the conversation, where agents read it. What was answered anonymously is therefore shown, and may be
changed, only where it was sent from: by a key in the address that the answer to the POST gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from channels_app.contract import clean_text
from surveys import answering, definition, following, links, phrasing, texts, versions
from surveys.models import Invitation, Response

LONGEST_SHOWN = 50_000
"""Of a comment that is far too long: enough to shorten it, and no page that an old phone cannot hold."""
TWICE = timedelta(seconds=10)
"""The same again so soon is a second click of whoever has just answered."""
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


# No cookie of ours is asked for: the link itself is what allows it.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, token: str) -> HttpResponse:
    """/s/<token>/ · 404: no link of ours; 410: over, or erased; 422: not taken, with the reason and what was typed."""
    number = links.read(token)
    row = (
        Invitation.objects.select_related("version", "response", "survey").filter(pk=number).first() if number else None
    )
    if number and row is None:
        return _plainly(request, 410, _("This survey is no longer there"), _("It was erased, with all answers to it."))
    if row is None or row.version is None or row.asked_at is None:
        return _plainly(request, 404, _("This link is not valid"), _("Open it again as it stands in the message."))
    content = versions.content_of(row.version)
    with translation.override(content.language(row.language)):
        answer = _posted(request, row, content) if request.method == "POST" else _shown(request, row, content)
    for name, value in PRIVATE.items():
        answer.headers[name] = value
    return answer


def _plainly(request: HttpRequest, status: int, title: str, words: str) -> HttpResponse:
    answer = render(request, "surveys/plain.html", {"title": title, "words": words}, status=status)
    for name, value in PRIVATE.items():
        answer.headers[name] = value
    return answer


def _over(request: HttpRequest) -> HttpResponse:
    return _plainly(request, 410, _("This survey is closed"), _("Thank you for wanting to answer."))


@dataclass(frozen=True, slots=True)
class Choice:
    """One score as the page shows it."""

    score: int
    label: str
    chosen: bool


def _shown(
    request: HttpRequest, row: Invitation, content: definition.Content, error: str = "", comment: str | None = None
) -> HttpResponse:
    response = getattr(row, "response", None)
    is_open = _is_open(row)
    if not is_open and response is None:
        return _over(request)
    if response is not None and not _known(request, row, content):
        return render(request, "surveys/thanks.html", _words(content, content.language(row.language)))
    chosen = _score(request.POST if error else request.GET, content)
    # Another link of the same mail is another score that they may have meant.
    other = response is not None and chosen is not None and chosen != response.score
    if response is not None and not (is_open and (error or other or "change" in request.GET)):
        return _thanked(request, row, content, response, is_open)
    language = content.language(row.language)
    if chosen is None and response is not None:
        chosen = response.score
    said = comment if comment is not None else response.comment if response else ""
    context = {
        **_words(content, language),
        "here": _here(request, row, content) if response else request.path,
        "choices": [Choice(score, texts.label(content, score, language), score == chosen) for score in content.scores],
        "look": content.look,
        # Above a long scale: a wide box at each end of it would break its rows.
        "ends": phrasing.ends(content, language) if content.kind != definition.CSAT else "",
        "comment_words": content.word("comment", language),
        "comment": said[:LONGEST_SHOWN],
        "most": answering.LONGEST_COMMENT,
        "error": error,
    }
    return render(request, "surveys/page.html", context, status=422 if error else 200)


def _thanked(
    request: HttpRequest,
    row: Invitation,
    content: definition.Content,
    response: Response,
    is_open: bool,
    error: str = "",
    typed: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """What they have said, and what else they are asked; typed: answers that were not taken."""
    language = content.language(row.language)
    further = _further(content, response, language, {**response.answers, **(typed or {})}) if is_open else []
    context = {
        **_words(content, language),
        "here": _here(request, row, content),
        "score": response.score,
        "label": texts.label(content, response.score, language),
        "of": content.high,
        "further": further,
        "change": _here(request, row, content, change=1) if is_open else "",
        "saved": "saved" in request.GET,
        "review": _review(row, content, response),
        "review_words": texts.say("review", language),
        "error": error,
    }
    return render(request, "surveys/thanks.html", context, status=422 if error else 200)


def _is_open(row: Invitation) -> bool:
    return Invitation.objects.open().filter(pk=row.pk).exists()


def _known(request: HttpRequest, row: Invitation, content: definition.Content) -> bool:
    """Whether who looks may see the answer that there is."""
    return not content.anonymous or links.is_own(row.pk, request.GET.get("key", ""))


def _here(request: HttpRequest, row: Invitation, content: definition.Content, **more: Any) -> str:
    """This page for whoever has answered."""
    query = urlencode({**({"key": links.own(row.pk)} if content.anonymous else {}), **more})
    return f"{request.path}?{query}" if query else request.path


def _review(row: Invitation, content: definition.Content, response: Response) -> str:
    """Where they may say it publicly; others are asked in the conversation, whose team would read there how it was."""
    rules = following.matching(definition.rules(row.survey.rules), response) if content.anonymous else []
    return next((rule.review for rule in rules if rule.review), "")


def _words(content: definition.Content, language: str) -> dict[str, Any]:
    return {"language": language, **{name: content.word(name, language) for name in definition.WORDS}}


@dataclass(frozen=True, slots=True)
class Asked:
    """One of the further questions, with what was answered."""

    key: str
    kind: str
    text: str
    options: list[tuple[str, str, bool]]
    said: str


def _further(content: definition.Content, response: Response, language: str, said: Mapping[str, Any]) -> list[Asked]:
    return [_asked(one, said.get(one.key), language) for one in content.further(response.score)]


def _asked(question: definition.Question, said: Any, language: str) -> Asked:
    chosen = said if isinstance(said, list) else [said]
    options = [(one.key, _in(one.text, language), one.key in chosen) for one in question.options]
    return Asked(
        question.key, question.kind, _in(question.text, language), options,
        said[:LONGEST_SHOWN] if isinstance(said, str) else "",
    )  # fmt: skip


def _in(said: Any, language: str) -> str:
    return str(said.get(language) or next(iter(said.values()), ""))


# ── What is sent ─────────────────────────────────────────────────────────────────────────────


def _posted(request: HttpRequest, row: Invitation, content: definition.Content) -> HttpResponse:
    response = getattr(row, "response", None)
    further = "further" in request.POST and response is not None
    comment = request.POST.get("comment", "")
    if response is not None and not _known(request, row, content):
        same = _score(request.POST, content) == response.score and timezone.now() - response.at < TWICE
        return HttpResponseRedirect(_here(request, row, content) if same else request.path, status=303)
    long = _("Your comment is too long: at most %(most)d characters.") % {"most": answering.LONGEST_COMMENT}
    try:
        if further and response is not None:
            answers = _answers(request.POST, content, response.score)
            if any(isinstance(one, str) and len(one) > answering.LONGEST_COMMENT for one in answers.values()):
                return _thanked(request, row, content, response, _is_open(row), long, answers)
            given = answering.Given(answers=answers)
        else:
            if len(comment) > answering.LONGEST_COMMENT:
                return _shown(request, row, content, long, comment)
            given = answering.Given(score=_score(request.POST, content), comment=clean_text(comment))
        answering.taken(row.pk, given)
    except answering.Closed:
        return _over(request)
    except answering.Unfit:
        return _shown(request, row, content, _("Choose one of the answers first."), comment)
    # So that a reload sends nothing again.
    more = {"saved": 1} if further else {}
    return HttpResponseRedirect(_here(request, row, content, **more), status=303)


def _score(said: QueryDict, content: definition.Content) -> int | None:
    text = said.get("score", "")
    score = int(text) if text.isascii() and text.isdigit() and len(text) < 3 else None
    return score if score in content.scores else None


def _answers(said: QueryDict, content: definition.Content, score: int) -> dict[str, Any]:
    """Only what was asked, and only options that there are."""
    found: dict[str, Any] = {}
    for question in content.further(score):
        name = f"q-{question.key}"
        options = {one.key for one in question.options}
        if question.kind == definition.TEXT:
            found[question.key] = clean_text(said.get(name, ""))
        elif question.kind == definition.CHOICE:
            found[question.key] = said.get(name) if said.get(name) in options else ""
        else:
            found[question.key] = [one for one in said.getlist(name) if one in options]
    return found
