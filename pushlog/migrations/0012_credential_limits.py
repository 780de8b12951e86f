"""Columns with defaults and a new, empty table, which take no time. The release before can go on writing."""

import django.core.validators
import django.db.models.deletion
import pushlog.clock
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pushlog', '0011_failed_try'),
    ]

    operations = [
        migrations.CreateModel(
            name='CredentialUsage',
            fields=[
                ('credential', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='pushlog.credential')),
                ('minute', models.DateTimeField()),
                ('requests', models.BigIntegerField()),
                ('rows', models.BigIntegerField()),
                ('bytes', models.BigIntegerField()),
            ],
        ),
        migrations.AddField(
            model_name='credential',
            name='key_fingerprint',
            field=models.CharField(blank=True, db_default='', default='', editable=False, help_text='Of the key that encrypts the secret.', max_length=16),
        ),
        migrations.AddField(
            model_name='credential',
            name='mib_per_minute',
            field=models.PositiveIntegerField(db_default=1024, default=1024, help_text='Of bodies, decoded.', validators=[django.core.validators.MinValueValidator(1)], verbose_name='MiB a minute'),
        ),
        migrations.AddField(
            model_name='credential',
            name='requests_per_minute',
            field=models.PositiveIntegerField(db_default=12000, default=12000, validators=[django.core.validators.MinValueValidator(1)], verbose_name='requests a minute'),
        ),
        migrations.AddField(
            model_name='credential',
            name='rows_per_minute',
            field=models.PositiveIntegerField(db_default=3000000, default=3000000, validators=[django.core.validators.MinValueValidator(1)], verbose_name='rows a minute'),
        ),
        migrations.AlterField(
            model_name='credential',
            name='created_at',
            field=models.DateTimeField(default=pushlog.clock.now, editable=False),
        ),
    ]
