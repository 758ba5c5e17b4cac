"""`manage.py mailboxes`: fetches the mail of all channels that have a mailbox, until it is told to end."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from channels_app import mailboxes


class Command(BaseCommand):
    help = "Fetch mail from the channels' mailboxes (IMAP, held open). One process is enough; a second one waits."

    def handle(self, *args: Any, **options: Any) -> None:
        over = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: over.set())
        mailboxes.start(beats=True)
        over.wait()
        mailboxes.stop()
