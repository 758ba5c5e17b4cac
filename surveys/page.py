"""The page behind a survey's link: for anybody who has it, on any phone, without a script.

Opening it changes nothing, whatever its address says: mail scanners open every link. Only the form's POST counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from channels_app.contract import clean_text
from surveys import answering, definition, links, texts, versions
from surveys.models import Invitation, Response

LONGEST_SHOWN = 50_000
"""Of a comment that is far too long: enough to shorten it, and no page that an old phone cannot hold."""
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


# No cookie of ours is asked for: the link itself is what allows it.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, token: str) -> HttpResponse:
    """/s/<token>/ · 404: no link of ours; 410: over, or erased; 422: not taken, with the reason and what was typed."""
    number = links.read(token)
    row = Invitation.objects.select_related("version", "response").filter(pk=number).first() if number else None
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
    is_open = Invitation.objects.open().filter(pk=row.pk).exists()
    if not is_open and response is None:
        return _over(request)
    language = content.language(row.language)
    changing = is_open and (response is None or bool(error) or "change" in request.GET)
    if changing:
        chosen = _score(request.POST if error else request.GET, content)
        if chosen is None and response is not None:
            chosen = response.score
        said = comment if comment is not None else response.comment if response else ""
        context = {
            **_words(content, language),
            "choices": [
                Choice(score, texts.label(content, score, language), score == chosen) for score in content.scores
            ],
            "look": content.look,
            "comment_words": content.word("comment", language),
            "comment": said[:LONGEST_SHOWN],
            "most": answering.LONGEST_COMMENT,
            "error": error,
        }
        return render(request, "surveys/page.html", context, status=422 if error else 200)
    assert response is not None
    context = {
        **_words(content, language),
        "score": response.score,
        "label": texts.label(content, response.score, language),
        "of": content.high,
        "further": _further(content, response, language) if is_open else [],
        "open": is_open,
        "saved": "saved" in request.GET,
    }
    return render(request, "surveys/thanks.html", context)


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


def _further(content: definition.Content, response: Response, language: str) -> list[Asked]:
    return [_asked(one, response.answers.get(one.key), language) for one in content.further(response.score)]


def _asked(question: definition.Question, said: Any, language: str) -> Asked:
    chosen = said if isinstance(said, list) else [said]
    options = [(one.key, _in(one.text, language), one.key in chosen) for one in question.options]
    return Asked(
        question.key, question.kind, _in(question.text, language), options, said if isinstance(said, str) else ""
    )


def _in(said: Any, language: str) -> str:
    return str(said.get(language) or next(iter(said.values()), ""))


# ── What is sent ─────────────────────────────────────────────────────────────────────────────


def _posted(request: HttpRequest, row: Invitation, content: definition.Content) -> HttpResponse:
    response = getattr(row, "response", None)
    further = "further" in request.POST and response is not None
    comment = request.POST.get("comment", "")
    try:
        if further:
            given = answering.Given(answers=_answers(request.POST, content, response.score if response else 0))
        else:
            if len(comment) > answering.LONGEST_COMMENT:
                words = _("Your comment is too long: at most %(most)d characters.")
                return _shown(request, row, content, words % {"most": answering.LONGEST_COMMENT}, comment)
            given = answering.Given(score=_score(request.POST, content), comment=clean_text(comment))
        answering.taken(row.pk, given)
    except answering.Closed:
        return _over(request)
    except answering.Unfit:
        return _shown(request, row, content, _("Choose one of the answers first."), comment)
    # So that a reload sends nothing again.
    return HttpResponseRedirect(f"{request.path}?saved" if further else request.path, status=303)


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
            found[question.key] = clean_text(said.get(name, ""))[: answering.LONGEST_COMMENT]
        elif question.kind == definition.CHOICE:
            found[question.key] = said.get(name) if said.get(name) in options else ""
        else:
            found[question.key] = [one for one in said.getlist(name) if one in options]
    return found
