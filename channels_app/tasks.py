"""The jobs of the exchange, as Celery names them."""

from __future__ import annotations

from celery import shared_task

from channels_app import acknowledging, inbound, templates

replay = shared_task(name="channels_app.inbound.replay")(inbound.replay)
acknowledge = shared_task(name="channels_app.acknowledging.acknowledge")(acknowledging.acknowledge)
refresh_templates = shared_task(name="channels_app.templates.refresh")(templates.refresh)
