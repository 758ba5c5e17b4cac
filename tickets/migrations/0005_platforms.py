"""Read receipts, typing and reactions on their way out, and small pictures of large ones."""

import django.db.models.deletion
import django.utils.timezone
import tickets.models.message
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0004_glances"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Courtesy",
            fields=[
                (
                    "ticket",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="courtesy",
                        serialize=False,
                        to="tickets.ticket",
                    ),
                ),
                ("seen", models.BigIntegerField(default=0)),
                ("told", models.BigIntegerField(default=0)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("typing_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="OutgoingReaction",
            fields=[
                (
                    "message",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="tickets.message",
                    ),
                ),
                ("emoji", models.CharField(blank=True, default="", max_length=64)),
                ("before", models.JSONField(blank=True, null=True)),
                ("version", models.PositiveIntegerField(default=1)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("due_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.AddField(
            model_name="attachment",
            name="thumb",
            field=models.FileField(blank=True, max_length=200, upload_to=tickets.models.message.attachment_path),
        ),
        migrations.AddField(
            model_name="attachment",
            name="thumb_due_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="attachment",
            index=models.Index(
                condition=models.Q(("thumb_due_at__isnull", False)),
                fields=["thumb_due_at"],
                name="attachment_thumb_due",
            ),
        ),
        migrations.AddIndex(
            model_name="courtesy",
            index=models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="courtesy_due"),
        ),
        migrations.AddField(
            model_name="outgoingreaction",
            name="agent",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="outgoingreaction",
            index=models.Index(fields=["due_at"], name="reaction_due"),
        ),
    ]
