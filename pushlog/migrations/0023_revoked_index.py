"""An index of what was taken back, for the filter.

Writers go on meanwhile. At 40 million messages it takes some minutes, the time to read the table once: the index itself
is empty where nothing was revoked.
"""

from django.db import migrations, models

from pushlog.migration_operations import AddIndexByPartition


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('pushlog', '0022_credential_expiry'),
    ]

    operations = [
        AddIndexByPartition(
            model_name='message',
            index=models.Index(condition=models.Q(('mode__in', (1, 2)), ('revoked_at__isnull', False)), fields=['app', 'id'], name='message_revoked'),
        ),
    ]
