"""`manage.py demo [--json]`: makes the demo desk if it is absent and tells its keys."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from channels_app.contract import SettingsInvalid
from hub import demo


class Command(BaseCommand):
    help = "Make the demo data if absent; with --json print who can sign in and how the channels are set."
    requires_system_checks = ()

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON alone on stdout")
        parser.add_argument("--platform-url", metavar="URL", help="a test platform: all demo channels talk to it")
        parser.add_argument("--smtp-url", metavar="URL", help="where the demo mail channel sends")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("there is no demo data with HUB_ENV=production")
        try:
            made = demo.make(options["platform_url"], options["smtp_url"])
        except SettingsInvalid as error:
            raise CommandError(str(error)) from error
        for line in made.changed():
            self.stderr.write(line)
        if options["json"]:
            self.stdout.write(json.dumps(made.as_json(), indent=2, ensure_ascii=False))
        elif options["verbosity"]:
            self.stdout.write("\n".join(f"{one.email}  {one.password}" for one in demo.PEOPLE))
