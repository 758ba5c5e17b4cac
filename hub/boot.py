"""Starts Django for a process of the product; what is wrong with the settings is said in one line.

`python -m hub.boot` does the set-up: the supervisor's first child.
"""

from __future__ import annotations

import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from hub.supervise import BAD_SETTINGS, say


def start() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
    try:
        django.setup()
    except ImproperlyConfigured as error:
        say(str(error))
        sys.exit(BAD_SETTINGS)


if __name__ == "__main__":
    start()
    call_command("prepare")
