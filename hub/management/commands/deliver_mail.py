"""`manage.py deliver_mail --channel 7 < mail`: for a pipe or an alias of one's own mail server.

The mail is handed to the channel's own door, so it is checked and kept as any other. Exit statuses are those of
sendmail's pipes: 0 kept; 75 (try again later) when it could not be handed over now; 65 (bad data) when it never will
be; 78 for a channel that is not there or cannot be.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from channels_app import vault
from channels_app.http import Http, HttpError
from channels_app.models import Channel

BAD_DATA, TRY_AGAIN, CONFIG = 65, 75, 78
SECONDS = 60.0


class Command(BaseCommand):
    help = "Hand a mail on standard input to a mail channel; for Postfix's master.cf or an alias."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--channel", type=int, required=True, metavar="ID")
        parser.add_argument("--url", default="", help="where the product listens, when that is not PUBLIC_URL")

    def handle(self, *args: Any, channel: int, url: str, **options: Any) -> None:
        sys.exit(deliver(channel, url or os.environ.get("DELIVER_MAIL_URL", ""), sys.stdin.buffer.read()))


def deliver(channel_id: int, url: str, mail: bytes) -> int:
    """The exit status; words for the mail server's log go to standard error."""
    try:
        found = Channel.objects.filter(pk=channel_id, enabled=True).first()
        if found is None or not found.adapter.mailbox_door:
            return _say(CONFIG, f"there is no mail channel {channel_id}")
        account = found.account()
    except vault.Unreadable:
        return _say(CONFIG, "the channel's secrets cannot be read with today's key")
    except DatabaseError:
        return _say(TRY_AGAIN, "the database does not answer")
    door = f"{account.webhook_url}{found.adapter.mailbox_door}/"
    if url:
        door = f"{url.rstrip('/')}{urlsplit(door).path}"
    try:
        answer = Http.trusting(door).request(
            "POST",
            door,
            content=mail,
            headers={
                "Authorization": f"Bearer {account.get('inbound_secret')}",
                "Content-Type": "message/rfc822",
            },
            timeout=SECONDS,
        )
    except HttpError as error:
        return _say(TRY_AGAIN, f"the product does not answer: {type(error).__name__}")
    if answer.ok:
        return 0
    said = answer.body[:200].decode("utf-8", "replace")
    return _say(BAD_DATA if answer.status in (400, 413) else TRY_AGAIN, f"{answer.status} {said}")


def _say(status: int, words: str) -> int:
    sys.stderr.write(words + "\n")
    return status
