"""The jobs of the surveys by name, for a Celery worker. Each is an ordinary function; rows have its work."""

from __future__ import annotations

from celery import shared_task

from surveys import following

follow = shared_task(name="surveys.following.follow")(following.follow)
