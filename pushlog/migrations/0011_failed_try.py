"""A new and empty table, which takes no time."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pushlog", "0010_status_pass")]

    operations = [
        migrations.CreateModel(
            name="FailedTry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("who", models.BinaryField()),
                ("place", models.BinaryField()),
                ("beyond", models.IntegerField(help_text="Failures less those that are free.")),
                ("last_at", models.DateTimeField(db_index=True)),
                ("wait_until", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "failed tries",
                "constraints": [models.UniqueConstraint(fields=("who", "place"), name="failed_try_once")],
            },
        )
    ]
