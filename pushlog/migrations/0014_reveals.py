"""A new and empty table, and a column of apps. Takes no time: it reads no message."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pushlog", "0013_roles"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="app",
            name="reveal_reasons",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="Offered to support beside a ticket number, one on a line.",
                max_length=2000,
                verbose_name="reasons for revealing",
            ),
        ),
        migrations.CreateModel(
            name="Reveal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("message_id", models.UUIDField(help_text="The message at which it was asked for.")),
                (
                    "target",
                    models.BinaryField(
                        help_text="Keyed hash of the target ID, if all its messages are shown.", null=True
                    ),
                ),
                ("reason", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pushlog.app"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["user", "app", "until"], name="reveal_of_person")]},
        ),
    ]
