"""Addresses below /settings/."""

from __future__ import annotations

from django.urls import path

from tickets.staff_pages import agents, invitations, tags, teams

urlpatterns = [
    path("agents/", agents.agents, name="settings_agents"),
    path("agents/invite/", invitations.invite, name="settings_invite"),
    path("agents/invitations/<int:invitation_id>/link/", invitations.new_link, name="settings_invitation_link"),
    path("agents/invitations/<int:invitation_id>/revoke/", invitations.revoke, name="settings_invitation_revoke"),
    path("agents/<int:agent_id>/", agents.agent, name="settings_agent"),
    path("agents/<int:agent_id>/close/", agents.close, name="settings_agent_close"),
    path("agents/<int:agent_id>/reopen/", agents.reopen, name="settings_agent_reopen"),
    path("agents/<int:agent_id>/release/", agents.release, name="settings_agent_release"),
    path(
        "agents/<int:agent_id>/tokens/<int:token_id>/revoke/", agents.revoke_token, name="settings_agent_token_revoke"
    ),
    path("teams/", teams.teams, name="settings_teams"),
    path("teams/<int:team_id>/", teams.team, name="settings_team"),
    path("teams/<int:team_id>/delete/", teams.delete, name="settings_team_delete"),
    path("teams/<int:team_id>/members/<slug:verb>/", teams.member, name="settings_team_member"),
    path("tags/", tags.tags, name="settings_tags"),
    path("tags/<int:tag_id>/", tags.tag, name="settings_tag"),
    path("tags/<int:tag_id>/delete/", tags.delete, name="settings_tag_delete"),
]
