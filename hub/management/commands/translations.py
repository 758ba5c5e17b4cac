"""`manage.py translations extract|compile|check`: gettext's work without GNU gettext."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hub import translations


class Command(BaseCommand):
    help = "Extract the texts into locale/, compile them, or check that every language is complete."
    requires_system_checks = ()

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("act", choices=["extract", "compile", "check"])

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        {"extract": self.extract, "compile": self.compile, "check": self.verify}[act]()

    def extract(self) -> None:
        for path in translations.extract_all():
            self.stdout.write(f"updated {path}")

    def compile(self) -> None:
        translations.compile_all()

    def verify(self) -> None:
        found = translations.check_all()
        if found:
            raise CommandError("\n".join(["translations are not complete:", *found]))
        self.stdout.write("translations are complete")
