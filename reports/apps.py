from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """A floor above the desk: nothing below knows of it."""

    name = "reports"
