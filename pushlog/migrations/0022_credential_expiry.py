"""A check of what is typed. No table changes."""

import pushlog.models.credential
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pushlog', '0021_credential_walls'),
    ]

    operations = [
        migrations.AlterField(
            model_name='credential',
            name='expires_at',
            field=models.DateTimeField(blank=True, help_text='From then on it does not count. Empty: never.', null=True, validators=[pushlog.models.credential.validate_moment]),
        ),
    ]
