"""A new and empty table, which takes no time. The next `maintain` then reads all messages once."""

import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pushlog", "0009_early_receipt")]

    operations = [
        migrations.CreateModel(
            name="StatusPass",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "fingerprint",
                    models.CharField(
                        help_text="Of the catalogue's outcomes and ranks, and of the rules.", max_length=80
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "position",
                    models.UUIDField(default=uuid.UUID(int=0), help_text="Messages up to this ID are done."),
                ),
                (
                    "changed",
                    models.BigIntegerField(default=0, help_text="Messages whose status or outcome was changed."),
                ),
            ],
        )
    ]
