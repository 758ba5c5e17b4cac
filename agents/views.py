"""An agent's own pages: profile, API tokens, and the door that an invitation opens."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from agents import forms, invitations, pictures
from agents.models import Agent, Token
from agents.settings_pages import EVERYBODY, open_to

GET_OR_POST = ["GET", "POST"]
REVOKED_SHOWN = 20


def me(request: HttpRequest) -> Agent:
    assert isinstance(request.user, Agent)
    return request.user


def sent(request: HttpRequest) -> QueryDict | None:
    """What was sent, be it nothing at all; None: the page is only looked at."""
    return request.POST if request.method == "POST" else None


def old_profile(request: HttpRequest) -> HttpResponse:
    """Where the profile was; what a page from before sends is sent on."""
    return redirect("settings_profile", preserve_request=True)


@open_to(*EVERYBODY)
@require_http_methods(GET_OR_POST)
def profile(request: HttpRequest) -> HttpResponse:
    # A row of its own: what is refused must not stand in the page's frame as if it were so.
    row = Agent.objects.get(pk=me(request).pk)
    form = forms.Profile(sent(request), request.FILES or None, instance=row)
    if request.method == "POST" and form.is_valid():
        row.save(update_fields=forms.Profile.Meta.fields)
        if form.cleaned_data["picture"] is not None:
            pictures.keep(row, form.cleaned_data["picture"])
        with translation.override(form.cleaned_data["language"] or translation.get_language()):
            messages.success(request, str(_("Saved")))
        return redirect("settings_profile")
    return render(request, "agents/profile.html", {"form": form}, status=422 if form.errors else 200)


# ── API tokens ───────────────────────────────────────────────────────────────────────────────


def tokens_of(agent: Agent) -> list[Token]:
    """All that open something, then the last that were revoked (two statements)."""
    return [
        *agent.tokens.filter(revoked_at=None),
        *agent.tokens.exclude(revoked_at=None).order_by("-revoked_at")[:REVOKED_SHOWN],
    ]


@open_to(*EVERYBODY)
@require_http_methods(GET_OR_POST)
def tokens(request: HttpRequest) -> HttpResponse:
    """One's own. The answer that makes one is the only page that ever shows its key."""
    form = forms.NewToken(sent(request))
    made = None
    if request.method == "POST" and form.is_valid():
        row, key = Token.issue(me(request), form.cleaned_data["name"])
        made, form = {"row": row, "key": key}, forms.NewToken()
    context = {"form": form, "made": made, "tokens": tokens_of(me(request))}
    response = render(request, "agents/tokens.html", context, status=422 if form.errors else 200)
    if made:
        response["Cache-Control"] = "no-store"
    return response


@open_to(*EVERYBODY)
@require_http_methods(GET_OR_POST)
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    row = me(request).tokens.filter(pk=token_id).first()
    if row is None:
        raise Http404
    if request.method == "POST":
        row.revoke()
        messages.success(request, _("Revoked. Whatever used “%(name)s” is signed out.") % {"name": row})
        return redirect("settings_tokens")
    return render(request, "agents/token_revoke.html", {"token": row})


# ── The link of an invitation ────────────────────────────────────────────────────────────────


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(GET_OR_POST)
def invitation(request: HttpRequest, key: str) -> HttpResponse:
    """Whoever has the link makes the account that it stands for, and is signed in."""
    try:
        row = invitations.find(key)
        if request.user.is_authenticated:
            return render(request, "agents/invitation_signed_in.html", {"invitation": row}, status=409)
        initial = {"name": row.name, "language": translation.get_language()}
        form = forms.Accept(sent(request), initial=initial, invitation=row)
        if request.method == "POST" and form.is_valid():
            agent = invitations.accept(key, **form.cleaned_data)
            login(request, agent, backend=settings.AUTHENTICATION_BACKENDS[0])
            with translation.override(agent.language):
                messages.success(request, _("Welcome, %(name)s") % {"name": agent.name})
            return redirect(settings.LOGIN_REDIRECT_URL)
    except invitations.Unusable as error:
        return render(request, "agents/invitation_unusable.html", {"words": str(error)}, status=error.status)
    context = {"form": form, "invitation": row}
    return render(request, "agents/invitation.html", context, status=422 if form.errors else 200)
