from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("channels_app", "0005_hours"),
        ("tickets", "0009_due_times"),
    ]

    operations = [
        migrations.AlterField(
            model_name="part",
            name="channel",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="channels_app.channel",
            ),
        ),
        migrations.AddIndex(
            model_name="part",
            index=models.Index(fields=["channel", "sent_at"], name="part_sent"),
        ),
    ]
