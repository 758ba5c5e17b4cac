"""Indexes that lists, badges and the search read; those that nothing reads go."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0001_initial"),
        ("channels_app", "0001_initial"),
        ("customers", "0001_initial"),
        ("tickets", "0002_log_and_search"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="ticket",
            name="ticket_team_unres",
        ),
        migrations.AddField(
            model_name="ticket",
            name="newest_message",
            field=models.BigIntegerField(default=0, editable=False),
        ),
        migrations.AlterField(
            model_name="activity",
            name="ticket",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="activity",
                to="tickets.ticket",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="channel",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to="channels_app.channel",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="team",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="agents.team",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="ticket",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="messages",
                to="tickets.ticket",
            ),
        ),
        # On PostgreSQL db_index=False drops every index over that one column, the partial unique one too.
        migrations.RemoveConstraint(
            model_name="ticket",
            name="one_unresolved_ticket_per_conversation",
        ),
        migrations.AlterField(
            model_name="ticket",
            name="address",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tickets",
                to="channels_app.address",
            ),
        ),
        migrations.AlterField(
            model_name="ticket",
            name="assignee",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="tickets",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="ticket",
            name="channel",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tickets",
                to="channels_app.channel",
            ),
        ),
        migrations.AlterField(
            model_name="ticket",
            name="customer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tickets",
                to="customers.customer",
            ),
        ),
        migrations.AlterField(
            model_name="ticket",
            name="team",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="tickets",
                to="agents.team",
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.UniqueConstraint(
                condition=models.Q(("threads", False), models.Q(("status", "resolved"), _negated=True)),
                fields=("address",),
                name="one_unresolved_ticket_per_conversation",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("status", "resolved"), _negated=True),
                fields=["team", "-seq", "status", "assignee", "channel"],
                name="ticket_team_unres",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["assignee", "-seq"], name="ticket_assignee_all"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("priority", "normal"), _negated=True),
                fields=["priority", "-seq"],
                name="ticket_priority",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["-newest_message"], name="ticket_newest"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["team", "-newest_message"], name="ticket_team_newest"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(condition=models.Q(("team", None)), fields=["-seq"], name="ticket_no_team"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("team", None)), fields=["-newest_message"], name="ticket_no_team_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(condition=models.Q(("team", None)), fields=["-id"], name="message_no_team"),
        ),
        migrations.RunSQL(
            "UPDATE tickets_ticket SET newest_message ="
            " coalesce((SELECT max(m.id) FROM tickets_message m WHERE m.ticket_id = tickets_ticket.number), 0)",
            migrations.RunSQL.noop,
        ),
    ]
