"""The product's settings with a few doors instead of all, so that the server can be tested alone."""

from hub.settings import *  # noqa: F403

ROOT_URLCONF = "tests.hub.small.doors"
TIMETABLE = {"channels_app.jobs.beat": 1}
