"""The doors of routing: settings, an agent's own screen."""

from __future__ import annotations

from django.urls import path

from tickets.routing import pages, rule_pages, screens

urlpatterns = [
    path("presence/", screens.presence, name="presence"),
    path("offers/", screens.offers, name="offers"),
    path("offers/<int:offer_id>/<slug:verb>/", screens.answer, name="offer_answer"),
    path("settings/routing/", pages.index, name="settings_routing"),
    path("settings/routing/teams/<int:team_id>/", pages.team, name="settings_routing_team"),
    path("settings/routing/teams/<int:team_id>/drain/", pages.drain, name="settings_routing_drain"),
    path("settings/routing/agents/<int:agent_id>/", pages.agent, name="settings_routing_agent"),
    path("settings/routing/agents/<int:agent_id>/hand-over/", pages.hand_over, name="settings_routing_hand_over"),
    path("settings/routing/moves/<int:move_id>/", pages.move, name="settings_routing_move"),
    path("settings/routing/rules/new/", rule_pages.new, name="settings_rule_new"),
    path("settings/routing/rules/<int:rule_id>/", rule_pages.rule, name="settings_rule"),
    path("settings/routing/rules/<int:rule_id>/<slug:verb>/", rule_pages.act, name="settings_rule_act"),
]
