"""Columns with defaults and a new, empty table, which take no time. The release before can go on writing."""

import django.contrib.postgres.fields
import django.db.models.deletion
import pushlog.models.credential
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pushlog', '0020_cache'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='credential',
            name='expires_at',
            field=models.DateTimeField(blank=True, help_text='From then on it does not count. Empty: never.', null=True),
        ),
        migrations.AddField(
            model_name='credential',
            name='networks',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=43, validators=[pushlog.models.credential.validate_network]), blank=True, db_default=[], default=list, help_text='Addresses or networks, such as 10.0.0.0/8, with commas between them. It counts from there alone. Empty: from everywhere.', size=None),
        ),
        migrations.AddField(
            model_name='credential',
            name='new_key_fingerprint',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=16),
        ),
        migrations.AddField(
            model_name='credential',
            name='new_sealed_secret',
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name='credential',
            name='scopes',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('messages', 'Write messages and push tasks'), ('receipts', 'Write receipts'), ('read', 'Read messages'), ('tpns', 'Query push tasks as in TPNS')], max_length=10), db_default=['messages', 'receipts', 'read', 'tpns'], default=pushlog.models.credential.all_scopes, size=None, verbose_name='may'),
        ),
        migrations.CreateModel(
            name='EndedMembership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('viewer', 'Viewer'), ('support', 'Support'), ('operator', 'Operator'), ('manager', 'Manager')], max_length=10)),
                ('ended_at', models.DateTimeField()),
                ('app', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='ended_memberships', to='pushlog.app')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
    ]
