from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("channels_app", "0006_facts"),
    ]

    operations = [
        migrations.AddField(
            model_name="messagetemplate",
            name="optional",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="messagetemplate",
            name="media",
            field=models.CharField(blank=True, default="", max_length=10),
        ),
        migrations.AddField(
            model_name="messagetemplate",
            name="example",
            field=models.TextField(blank=True, default=""),
        ),
    ]
