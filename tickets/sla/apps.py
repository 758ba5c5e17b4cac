from django.apps import AppConfig


class SlaConfig(AppConfig):
    """An app of its own, so that its tables stand beside the desk's and not among them."""

    name = "tickets.sla"
    label = "sla"
