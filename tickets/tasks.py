"""The jobs of the desk, as Celery names them: each is an ordinary function that sweeps call too."""

from __future__ import annotations

from celery import shared_task

from tickets import delivery, media, profiles, thumbnails

deliver = shared_task(name="tickets.delivery.deliver")(delivery.deliver)
fetch = shared_task(name="tickets.media.fetch")(media.fetch)
fetch_profile = shared_task(name="tickets.profiles.fetch")(profiles.fetch)
make_thumbnail = shared_task(name="tickets.thumbnails.make")(thumbnails.make)
