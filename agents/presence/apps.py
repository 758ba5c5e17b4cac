from django.apps import AppConfig


class PresenceConfig(AppConfig):
    """An app of its own, so that what changes every few seconds stands beside the accounts and not in them."""

    name = "agents.presence"
    label = "presence"
