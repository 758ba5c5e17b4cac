from django.apps import AppConfig
from django.core import checks as system_checks
from django.db.models.signals import post_migrate


class TicketsConfig(AppConfig):
    name = "tickets"

    def ready(self) -> None:
        # Only now: models can't be imported before.
        from tickets import checks, mirrors

        # Django's own seams for what has to hold after any migration of any app.
        post_migrate.connect(mirrors.mend, sender=self, dispatch_uid="tickets.mirrors")
        post_migrate.connect(checks.say_so, sender=self, dispatch_uid="tickets.checks")
        system_checks.register(checks.search_finds_thai, system_checks.Tags.database)
