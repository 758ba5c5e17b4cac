"""The jobs of the exchange, as Celery names them."""

from __future__ import annotations

from celery import shared_task

from channels_app import inbound

replay = shared_task(name="channels_app.inbound.replay")(inbound.replay)
