"""The jobs of the desk, as Celery names them: each is an ordinary function that sweeps call too."""

from __future__ import annotations

from celery import shared_task

from tickets import courtesies, delivery, media, profiles, reactions, thumbnails
from tickets.erasing import steps
from tickets.routing import desk

deliver = shared_task(name="tickets.delivery.deliver")(delivery.deliver)
fetch = shared_task(name="tickets.media.fetch")(media.fetch)
fetch_profile = shared_task(name="tickets.profiles.fetch")(profiles.fetch)
mark_read = shared_task(name="tickets.courtesies.mark")(courtesies.mark)
show_typing = shared_task(name="tickets.courtesies.show_typing")(courtesies.show_typing)
send_reaction = shared_task(name="tickets.reactions.send")(reactions.send)
make_thumbnail = shared_task(name="tickets.thumbnails.make")(thumbnails.make)
erase = shared_task(name="tickets.erasing.steps.go_on")(steps.go_on)
give_out = shared_task(name="tickets.routing.desk.moved")(desk.moved)
give_out_all = shared_task(name="tickets.routing.desk.sweep")(desk.sweep)
