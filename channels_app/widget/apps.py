from django.apps import AppConfig


class WidgetConfig(AppConfig):
    """An app of its own, so that its tables stand beside the exchange's and not among them."""

    name = "channels_app.widget"
    label = "widget"
