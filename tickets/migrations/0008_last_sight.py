"""What an agent's sockets were last told they may see."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("tickets", "0007_pictures_allowed"),
    ]

    operations = [
        migrations.CreateModel(
            name="LastSight",
            fields=[
                (
                    "agent",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("sight", models.TextField()),
                ("since", models.BigIntegerField(default=0)),
            ],
        ),
    ]
