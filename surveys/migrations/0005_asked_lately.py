"""How many were asked on a channel within the last seconds is counted for each batch."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("surveys", "0004_wide_tallies")]

    operations = [
        migrations.AddIndex(
            model_name="invitation",
            index=models.Index(
                condition=models.Q(("asked_at__isnull", False)), fields=["channel", "asked_at"], name="invitation_asked"
            ),
        ),
    ]
