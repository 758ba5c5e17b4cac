"""Addresses below /settings/."""

from __future__ import annotations

from django.urls import path

from tickets.staff_pages import agents, hours, invitations, sla, tags, teams

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
    path("hours/", hours.schedules, name="settings_hours"),
    path("hours/<int:schedule_id>/", hours.schedule, name="settings_schedule"),
    path("hours/<int:schedule_id>/delete/", hours.delete, name="settings_schedule_delete"),
    path("hours/<int:schedule_id>/closed/", hours.close_schedule, name="settings_schedule_closed"),
    path("hours/<int:schedule_id>/holidays/", hours.add_holiday, name="settings_holiday"),
    path("hours/<int:schedule_id>/holidays/remove/", hours.drop_holiday, name="settings_holiday_remove"),
    path("hours/<int:schedule_id>/feed/", hours.feed, name="settings_holiday_feed"),
    path("hours/<int:schedule_id>/file/", hours.upload, name="settings_holiday_file"),
    path("hours/teams/<int:team_id>/", hours.of_team, name="settings_team_hours"),
    path("hours/teams/<int:team_id>/closed/", hours.close_team, name="settings_team_closed"),
    path("hours/channels/<int:channel_id>/", hours.of_channel, name="settings_channel_hours"),
    path("sla/", sla.policies, name="settings_sla"),
    path("sla/new/", sla.new, name="settings_policy_new"),
    path("sla/<int:policy_id>/", sla.policy, name="settings_policy"),
    path("sla/<int:policy_id>/move/", sla.move, name="settings_policy_move"),
    path("sla/<int:policy_id>/delete/", sla.delete, name="settings_policy_delete"),
    path("tags/", tags.tags, name="settings_tags"),
    path("tags/<int:tag_id>/", tags.tag, name="settings_tag"),
    path("tags/<int:tag_id>/delete/", tags.delete, name="settings_tag_delete"),
]
