"""/settings/channels/ and /settings/envelopes/."""

from __future__ import annotations

from django.urls import path

from tickets.setup import channels, consents, envelopes

urlpatterns = [
    path("channels/", channels.listed, name="settings_channels"),
    path("channels/new/", channels.kinds, name="settings_channel_kinds"),
    path("channels/new/<slug:kind>/", channels.new, name="settings_channel_new"),
    path("channels/new/<slug:kind>/try/", channels.try_new, name="settings_channel_try_new"),
    path("channels/<int:channel_id>/", channels.channel, name="settings_channel"),
    path("channels/<int:channel_id>/edit/", channels.edit, name="settings_channel_edit"),
    path("channels/<int:channel_id>/edit/try/", channels.try_change, name="settings_channel_try"),
    path("channels/<int:channel_id>/setup/", channels.setup, name="settings_channel_setup"),
    path("channels/<int:channel_id>/check/", channels.check, name="settings_channel_check"),
    path("channels/<int:channel_id>/connect/", channels.connect, name="settings_channel_connect"),
    path("channels/<int:channel_id>/consent/", consents.begin, name="settings_channel_consent"),
    path("channels/consent/", consents.finish, name="settings_channel_consented"),
    path("channels/<int:channel_id>/templates/", channels.templates, name="settings_channel_templates"),
    path("channels/<int:channel_id>/switch/", channels.switch, name="settings_channel_switch"),
    path("channels/<int:channel_id>/delete/", channels.delete, name="settings_channel_delete"),
    path("envelopes/", envelopes.listed, name="settings_envelopes"),
    path("envelopes/replay/", envelopes.replay_all, name="settings_envelopes_replay"),
    path("envelopes/<int:envelope_id>/", envelopes.envelope, name="settings_envelope"),
    path("envelopes/<int:envelope_id>/body/", envelopes.body, name="settings_envelope_body"),
    path("envelopes/<int:envelope_id>/replay/", envelopes.replay, name="settings_envelope_replay"),
]
