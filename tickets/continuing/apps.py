from django.apps import AppConfig


class ContinuingConfig(AppConfig):
    """An app of its own, so that its tables stand beside the desk's and not among them."""

    name = "tickets.continuing"
    label = "continuing"
