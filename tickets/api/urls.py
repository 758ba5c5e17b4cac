"""All doors of the API."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import include, path, re_path, register_converter
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt

from tickets.api import (
    activity,
    attachments,
    channels,
    customers,
    envelopes,
    hours,
    messages,
    playground,
    problems,
    routing,
    sla,
    staff,
    tickets,
)


class IdConverter:
    """A number that a database id can be; a longer one is no address."""

    regex = "[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(IdConverter, "id")


def later(dotted: str) -> Any:
    """A view that is imported when it is first asked for."""

    @csrf_exempt
    def view(request: HttpRequest) -> HttpResponseBase:
        found: HttpResponseBase = import_string(dotted)(request)
        return found

    return view


v1 = [
    path("tickets/", tickets.Tickets.as_view()),
    path("tickets/<id:number>/", tickets.OneTicket.as_view()),
    path("tickets/<id:number>/messages/", messages.TicketMessages.as_view()),
    path("tickets/<id:number>/abilities/", tickets.Abilities.as_view()),
    path("tickets/<id:number>/read/", tickets.Read.as_view()),
    path("tickets/<id:number>/assignee/", tickets.Assignee.as_view()),
    path("tickets/<id:number>/resolution/", tickets.Resolution.as_view()),
    path("tickets/<id:number>/snooze/", tickets.Snooze.as_view()),
    path("tickets/<id:number>/activity/", activity.TicketLog.as_view()),
    path("activity/", activity.Log.as_view()),
    path("messages/", messages.Messages.as_view()),
    path("messages/<id:message_id>/", messages.OneMessage.as_view()),
    path("messages/<id:message_id>/retry/", messages.Retry.as_view()),
    path("messages/<id:message_id>/reaction/", messages.OurReaction.as_view()),
    path("attachments/", attachments.Attachments.as_view()),
    path("customers/", customers.Customers.as_view()),
    path("customers/<id:customer_id>/", customers.OneCustomer.as_view()),
    path("customers/<id:customer_id>/export/", customers.Export.as_view()),
    path("addresses/<id:address_id>/profile/", customers.Profile.as_view()),
    path("customers/<id:customer_id>/tickets/", tickets.CustomerTickets.as_view()),
    path("channels/", channels.Channels.as_view()),
    path("channels/<id:channel_id>/", channels.OneChannel.as_view()),
    path("channels/<id:channel_id>/check/", channels.Check.as_view()),
    path("channels/<id:channel_id>/templates/", channels.Templates.as_view()),
    path("channels/<id:channel_id>/sandbox/", playground.Playground.as_view()),
    path("envelopes/", envelopes.Envelopes.as_view()),
    path("envelopes/<id:envelope_id>/", envelopes.OneEnvelope.as_view()),
    path("envelopes/<id:envelope_id>/replay/", envelopes.Replay.as_view()),
    path("agents/", staff.Agents.as_view()),
    path("agents/<id:agent_id>/", staff.OneAgent.as_view()),
    path("me/", staff.Me.as_view()),
    path("presence/", routing.Presences.as_view()),
    path("me/presence/", routing.MyPresence.as_view()),
    path("agents/<id:agent_id>/seat/", routing.OneSeat.as_view()),
    path("offers/", routing.Offers.as_view()),
    path("offers/<id:offer_id>/", routing.OneOffer.as_view()),
    path("offers/<id:offer_id>/acceptance/", routing.Acceptance.as_view()),
    path("teams/<id:team_id>/queue/", routing.OneQueue.as_view()),
    path("rules/", routing.Rules.as_view()),
    path("rules/<id:rule_id>/", routing.OneRule.as_view()),
    path("rule-trials/", routing.Trials.as_view()),
    path("schedules/", hours.Schedules.as_view()),
    path("schedules/<id:schedule_id>/", hours.OneSchedule.as_view()),
    path("schedules/<id:schedule_id>/holidays/", hours.Holidays.as_view()),
    path("schedules/<id:schedule_id>/holidays/<id:holiday_id>/", hours.OneHoliday.as_view()),
    path("teams/<id:team_id>/hours/", hours.HoursOfTeam.as_view()),
    path("channels/<id:channel_id>/hours/", hours.HoursOfChannel.as_view()),
    path("sla-policies/", sla.Policies.as_view()),
    path("sla-policies/<id:policy_id>/", sla.OnePolicy.as_view()),
    path("teams/", staff.Teams.as_view()),
    path("teams/<id:team_id>/", staff.OneTeam.as_view()),
    path("tags/", staff.Tags.as_view()),
    path("tokens/", staff.Tokens.as_view()),
    path("tokens/<id:token_id>/", staff.OneToken.as_view()),
]

urlpatterns = [
    path("v1/", include(v1)),
    path("schema/", later("tickets.api.docs.schema"), name="api-schema"),
    path("docs/", later("tickets.api.docs.page"), name="api-docs"),
    re_path(r"^(?P<path>.*)$", problems.unknown_path),
]
