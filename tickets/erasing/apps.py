from django.apps import AppConfig


class ErasingConfig(AppConfig):
    """An app of its own, so that its table stands beside the desk's and not among them."""

    name = "tickets.erasing"
    label = "erasing"
