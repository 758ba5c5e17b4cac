from django.apps import AppConfig


class HoursConfig(AppConfig):
    """An app of its own, so that whoever needs only hours knows nothing else of staff."""

    name = "agents.hours"
    label = "hours"
