"""Templates are the platform's as of the last synchronisation: new ones come, changed ones change, old ones go."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from channels_app import templates
from channels_app.contract import DeliveryFailed
from channels_app.models import Channel, MessageTemplate
from tests.platforms import answer
from tests.platforms.chatty import FakeChatty

pytestmark = pytest.mark.django_db

ORDER: dict[str, Any] = {
    "name": "order_ready", "language": "id", "category": "UTILITY", "status": "APPROVED",
    "header": "Halo {{header_1}}", "body": "Pesanan {{1}} siap diambil di {{2}}.", "footer": "Toko Kopi",
    "variables": ["header_1", "1", "2"],
}  # fmt: skip


def names(channel: Channel) -> list[tuple[str, str, str]]:
    return list(MessageTemplate.objects.filter(channel=channel).values_list("name", "language", "status"))


def heard(channel: Channel) -> None:
    Channel.objects.filter(pk=channel.pk).update(last_in_at=timezone.now())


def test_new_changed_and_gone(chatty: FakeChatty, chatty_channel: Channel) -> None:
    chatty.templates = [ORDER, {"name": "promo", "language": "id", "status": "APPROVED"}]
    assert templates.sync(chatty_channel.pk) == 2
    first = MessageTemplate.objects.get(name="order_ready")
    assert (first.body, first.variables, first.approved) == (ORDER["body"], ["header_1", "1", "2"], True)
    chatty.templates = [{**ORDER, "status": "PAUSED"}, {**ORDER, "language": "th"}]
    assert templates.sync(chatty_channel.pk) == 2
    assert names(chatty_channel) == [("order_ready", "id", "PAUSED"), ("order_ready", "th", "APPROVED")]
    assert MessageTemplate.objects.get(name="order_ready", language="id").pk == first.pk


def test_a_failed_synchronisation_changes_nothing(chatty: FakeChatty, chatty_channel: Channel) -> None:
    chatty.templates = [ORDER]
    templates.sync(chatty_channel.pk)
    before = Channel.objects.get(pk=chatty_channel.pk).templates_at
    chatty.answers["/templates"] = [answer(503)]
    with pytest.raises(DeliveryFailed):
        templates.sync(chatty_channel.pk)
    assert len(names(chatty_channel)) == 1
    assert Channel.objects.get(pk=chatty_channel.pk).templates_at == before


def test_the_preview_fills_the_blanks(chatty: FakeChatty, chatty_channel: Channel) -> None:
    chatty.templates = [ORDER]
    templates.sync(chatty_channel.pk)
    row = MessageTemplate.objects.get()
    assert row.preview({"header_1": "Fitri", "1": "{{2}}"}) == (
        "Halo Fitri\n\nPesanan {{2}} siap diambil di {{2}}.\n\nToko Kopi"
    )


def test_once_a_day_and_only_where_the_platform_was_heard(chatty: FakeChatty, chatty_channel: Channel) -> None:
    templates.sweep()
    assert chatty.asked("/templates") == 0, "it may not be connected yet"
    heard(chatty_channel)
    templates.sweep()
    templates.sweep()
    assert chatty.asked("/templates") == 1
    Channel.objects.update(templates_due_at=timezone.now() - timedelta(seconds=1))
    chatty.answers["/templates"] = [answer(500)]
    templates.sweep()
    templates.sweep()
    assert chatty.asked("/templates") == 2, "a failure is tried again in an hour, not at once"
    due = Channel.objects.get(pk=chatty_channel.pk).templates_due_at
    assert due
    assert timedelta(minutes=50) < due - timezone.now() < timedelta(minutes=70)


def test_what_does_not_fit_is_left_out(chatty: FakeChatty, chatty_channel: Channel) -> None:
    chatty.templates = [ORDER, {**ORDER, "name": "x" * 600}, {**ORDER, "name": "nul\0", "status": "y" * 90}]
    assert templates.sync(chatty_channel.pk) == 2
    assert {name for name, _language, _status in names(chatty_channel)} == {"order_ready", "nul\ufffd"}
