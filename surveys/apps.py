from django.apps import AppConfig


class SurveysConfig(AppConfig):
    """A floor above the desk: it reads the desk's log and calls its verbs; nothing below knows of it."""

    name = "surveys"
