from django.apps import AppConfig


class RoutingConfig(AppConfig):
    """An app of its own, so that its tables stand beside the desk's and not among them."""

    name = "tickets.routing"
    label = "routing"
