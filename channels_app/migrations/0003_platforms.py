"""What messaging platforms have beyond messages: pictures of people, other ids of theirs, templates, a quota."""

import channels_app.models
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("channels_app", "0002_health"),
    ]

    operations = [
        migrations.CreateModel(
            name="AddressAlias",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("alias", models.CharField(max_length=255)),
            ],
        ),
        migrations.CreateModel(
            name="MessageTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(blank=True, default="", max_length=255)),
                ("name", models.CharField(max_length=512)),
                ("language", models.CharField(blank=True, default="", max_length=20)),
                ("category", models.CharField(blank=True, default="", max_length=60)),
                ("status", models.CharField(blank=True, default="", max_length=60)),
                ("header", models.TextField(blank=True, default="")),
                ("body", models.TextField(blank=True, default="")),
                ("footer", models.TextField(blank=True, default="")),
                ("buttons", models.JSONField(blank=True, default=list)),
                ("variables", models.JSONField(blank=True, default=list)),
                ("synced_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "ordering": ["name", "language"],
            },
        ),
        migrations.AddField(
            model_name="address",
            name="known_ids",
            field=models.JSONField(blank=True, default=list, editable=False),
        ),
        migrations.AddField(
            model_name="address",
            name="picture",
            field=models.FileField(blank=True, max_length=200, upload_to=channels_app.models.picture_path),
        ),
        migrations.AddField(
            model_name="address",
            name="picture_mime",
            field=models.CharField(blank=True, default="", max_length=127),
        ),
        migrations.AddField(
            model_name="address",
            name="profile_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="address",
            name="profile_attempts",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="address",
            name="profile_due_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="channel",
            name="failure_category",
            field=models.CharField(blank=True, default="", editable=False, max_length=12),
        ),
        migrations.AddField(
            model_name="channel",
            name="quota_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="channel",
            name="quota_due_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="channel",
            name="quota_limit",
            field=models.PositiveIntegerField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="channel",
            name="quota_used",
            field=models.PositiveIntegerField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="channel",
            name="templates_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="channel",
            name="templates_due_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="address",
            index=models.Index(
                condition=models.Q(("profile_due_at__isnull", False)),
                fields=["profile_due_at"],
                name="address_profile_due",
            ),
        ),
        migrations.AddField(
            model_name="addressalias",
            name="address",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="aliases", to="channels_app.address"
            ),
        ),
        migrations.AddField(
            model_name="addressalias",
            name="channel",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="channels_app.channel"
            ),
        ),
        migrations.AddField(
            model_name="messagetemplate",
            name="channel",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="templates",
                to="channels_app.channel",
            ),
        ),
        migrations.AddConstraint(
            model_name="addressalias",
            constraint=models.UniqueConstraint(fields=("channel", "alias"), name="alias_once"),
        ),
        migrations.AddConstraint(
            model_name="messagetemplate",
            constraint=models.UniqueConstraint(fields=("channel", "name", "language"), name="template_once"),
        ),
    ]
