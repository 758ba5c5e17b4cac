"""What an agent's sockets were last told they may see, so that one that was away learns that it has changed."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class LastSight(models.Model):
    agent = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    sight = models.TextField()
    """As ``tickets.sights`` writes it."""
    since = models.BigIntegerField(default=0)
    """A number of the log that no line has; what was read up to a lower one was read with other eyes. 0: none was."""

    def __str__(self) -> str:
        return f"{self.agent_id}: {self.sight} since {self.since}"
