"""Mail: who else is in a conversation, and the key of a ticket's own reply address."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0005_platforms"),
    ]

    operations = [
        migrations.AddField(
            model_name="ticket",
            name="reply_token",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=32),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.UniqueConstraint(
                condition=models.Q(("reply_token", ""), _negated=True), fields=("reply_token",), name="reply_token_once"
            ),
        ),
        migrations.CreateModel(
            name="Participant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(max_length=255)),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("role", models.CharField(choices=[("cc", "Gets copies"), ("from", "Has written")], max_length=4)),
                ("since", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="participants", to="tickets.ticket"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [models.Index(fields=["address"], name="participant_address")],
                "constraints": [models.UniqueConstraint(fields=("ticket", "address"), name="participant_once")],
            },
        ),
    ]
