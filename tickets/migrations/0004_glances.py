"""Who has read what: the line of the customer's last words, and up to where each agent has looked."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# What was there before: where the customer had the last word it is the ticket's last line, or near it.
FILL = "UPDATE tickets_ticket SET inbound_seq = seq WHERE last_direction = 'in'"


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0003_lists_and_search"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="ticket",
            name="inbound_seq",
            field=models.BigIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.CreateModel(
            name="Glance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.BigIntegerField()),
                (
                    "agent",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tickets.ticket"
                    ),
                ),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("agent", "ticket"), name="glance_once")]},
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
