"""Tags as such: made, named, merged, deleted. What a ticket has of them is said by its own verb (lifecycle.change)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from agents import staff
from tickets import lifecycle
from tickets.models import Actor, Tag, Ticket

TOLD = 500
"""Of so many unresolved tickets, the newest, the log says that they lost or changed a tag; the rest follow quietly."""


class Same(staff.Taken):
    """There is a tag of this name: the two can be merged."""

    def __init__(self, other: Tag) -> None:
        super().__init__(_("There is a tag of this name already."))
        self.other = other


def uses(tags: Iterable[Tag]) -> dict[int, int]:
    """How many tickets have each, by the tag's id; what no ticket has is left out."""
    through = Ticket.tags.through.objects.filter(tag_id__in=[tag.pk for tag in tags])
    return dict(through.order_by().values_list("tag_id").annotate(Count("pk")))


def name(tag: Tag, wanted: str) -> Tag:
    """Make one, or call it something else. Raises Same."""
    other = Tag.objects.filter(name__iexact=wanted).exclude(pk=tag.pk).first()
    if other is not None:
        raise Same(other)
    tag.name = wanted
    try:
        with transaction.atomic():
            tag.save()
    except IntegrityError as error:
        # Made at the same moment; or a letter whose case one database folds and the other does not.
        raise staff.Taken(_("There is a tag of this name already.")) from error
    return tag


def merge(tag: Tag, into: Tag, by: Actor) -> None:
    """All tickets that have the one have the other afterwards; the one is gone."""
    for number in _told(tag):
        _replace(number, tag, into, by)
    through = Ticket.tags.through
    with transaction.atomic():
        if _held(tag, into) != {tag.pk, into.pk}:
            raise staff.Refused(_("This tag is not there any more."))
        both = through.objects.filter(tag_id=into.pk).values("ticket_id")
        through.objects.filter(tag_id=tag.pk, ticket_id__in=both).delete()
        through.objects.filter(tag_id=tag.pk).update(tag_id=into.pk)
        Tag.objects.filter(pk=tag.pk).delete()


def delete(tag: Tag, by: Actor) -> None:
    for number in _told(tag):
        _replace(number, tag, None, by)
    with transaction.atomic():
        if _held(tag):
            Ticket.tags.through.objects.filter(tag_id=tag.pk).delete()
            Tag.objects.filter(pk=tag.pk).delete()


def _told(tag: Tag) -> list[int]:
    found = Ticket.objects.unresolved().filter(tags=tag).order_by("-seq")
    return list(found.values_list("pk", flat=True)[:TOLD])


@transaction.atomic
def _replace(number: int, tag: Tag, into: Tag | None, by: Actor) -> None:
    """What else the ticket has is read under its lock, so that a tag given meanwhile stays."""
    ticket = Ticket.objects.locked().get(pk=number)
    names = [other.name for other in ticket.tags.all() if other.pk != tag.pk]
    lifecycle.change(number, by, tags=[*names, into.name] if into else names)


def _held(*tags: Tag) -> set[int]:
    """Those still there, locked in the order that lifecycle.change takes them: who tags a ticket meanwhile waits."""
    found = set()
    for tag in sorted(tags, key=lambda one: one.name.lower()):
        found |= {row.pk for row in Tag.objects.select_for_update().filter(pk=tag.pk)}
    return found
