"""A visitor is forgotten: their browsers, all that was said in the chat, and the files.

Their tokens are nobody's from then on, so an open chat ends as if the visitor had been signed out.
"""

from __future__ import annotations

from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction

from channels_app import wakeups
from channels_app.widget.models import Visitor, VisitorConversation, VisitorEvent, VisitorUpload


def forget(channel_id: int, external_id: str) -> None:
    """Locks visitors, then the conversation, and so comes before any row of the desk. Nothing where there is none."""
    with transaction.atomic():
        theirs = Visitor.objects.filter(channel_id=channel_id, conversation__external_id=external_id)
        # As when somebody is identified, who moves from one conversation to another.
        list(theirs.select_for_update(of=("self",)).order_by("pk").values_list("pk"))
        rows = VisitorConversation.objects.select_for_update().filter(channel_id=channel_id, external_id=external_id)
        row = rows.first()
        if row is None:
            return
        for name in _files(row):
            default_storage.delete(name)
        number = row.pk
        row.delete()
        transaction.on_commit(lambda: wakeups.publish_json(wakeups.VISITORS, {"conversation": number}))


def _files(row: VisitorConversation) -> list[str]:
    uploads = VisitorUpload.objects.filter(visitor__conversation=row).values_list("file", flat=True)
    events = VisitorEvent.objects.filter(conversation=row).exclude(attachments=[]).values_list("attachments", flat=True)
    sent = [str(one.get("stored") or "") for files in events for one in files]
    return [name for name in {*uploads, *sent} if name]


def kept(channel_id: int, external_id: str) -> dict[str, Any]:
    """For an export: what the shop's page or a form has said of them; what was said the desk has."""
    rows = VisitorConversation.objects.filter(channel_id=channel_id, external_id=external_id)
    fields = ("name", "email", "phone", "language", "attributes")
    found = rows.order_by("visitors__pk").exclude(visitors=None).values(*(f"visitors__{name}" for name in fields))
    said = [{name: row[f"visitors__{name}"] for name in fields} for row in found]
    return {"browsers": said} if said else {}
