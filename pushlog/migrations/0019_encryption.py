"""Columns for encrypted titles and contents. Takes no time: PostgreSQL only notes the new columns."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pushlog", "0015_audit_log")]

    operations = [
        migrations.AddField(
            model_name="app",
            name="encrypts_content",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Of messages that are stored from now on; those before stay as they are until they expire."
                " There is no sort by title then.",
                verbose_name="encrypt title, content and extras",
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="sealed_title",
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="sealed_content",
            field=models.BinaryField(help_text="Content and extras.", null=True),
        ),
    ]
