"""Health checks of the containers: `python -m hub.probe web` asks by HTTP, `worker`, `mailboxes` read a heartbeat."""

from __future__ import annotations

import os
import sys
from urllib.request import urlopen

from hub import boot


def web() -> bool:
    with urlopen(f"http://127.0.0.1:{os.environ.get('PORT') or 8000}/healthz", timeout=3) as answer:
        return bool(answer.status == 200)


def worker() -> bool:
    boot.start()
    # Only now: it needs Django, which the probe of the web process does not.
    from channels_app import jobs

    return jobs.worker_lives()


def mailboxes() -> bool:
    boot.start()
    from channels_app import mailboxes as part

    return part.lives()


if __name__ == "__main__":
    sys.exit(0 if {"web": web, "worker": worker, "mailboxes": mailboxes}[sys.argv[1]]() else 1)
