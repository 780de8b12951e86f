import django.db.models.deletion
from django.db import migrations, models

# A sum of zero is left out: a GROUP BY of the messages has no such row.
VIEW = """
    CREATE VIEW pushlog_messagecount AS
    SELECT app_id, hour, push_type, mode, channel, code, sum(messages)::bigint AS messages
    FROM (
        SELECT app_id, hour, push_type, mode, channel, code, messages FROM pushlog_hourlycount
        UNION ALL
        SELECT app_id, hour, push_type, mode, channel, code, messages FROM pushlog_countdelta
    ) AS both_tables
    GROUP BY app_id, hour, push_type, mode, channel, code
    HAVING sum(messages) <> 0
"""

# What is in the log already. The first 48 bits of an ID are the milliseconds of its creation.
COUNT = """
    INSERT INTO pushlog_hourlycount (app_id, hour, push_type, mode, channel, code, messages)
    SELECT
        app_id,
        to_timestamp(('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint / 3600000 * 3600),
        push_type, mode, channel, code, count(*)
    FROM pushlog_message
    GROUP BY 1, 2, 3, 4, 5, 6
"""


class Migration(migrations.Migration):

    dependencies = [
        ('pushlog', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='MessageCount',
            fields=[
                ('hour', models.DateTimeField(help_text='The UTC hour in which the messages were created.')),
                ('push_type', models.SmallIntegerField(choices=[(1, 'User'), (2, 'Android device'), (3, 'iOS device'), (4, 'HarmonyOS device')])),
                ('mode', models.SmallIntegerField(choices=[(1, 'Simple'), (2, 'Template'), (3, 'Multiple'), (4, 'Broadcast')])),
                ('channel', models.SmallIntegerField(choices=[(1, 'Own channel'), (2, 'Apple (APNs)'), (3, 'Google (FCM)'), (4, 'Huawei'), (5, 'Xiaomi'), (6, 'OPPO'), (7, 'vivo'), (8, 'Honor'), (9, 'Meizu'), (10, 'HarmonyOS')])),
                ('code', models.IntegerField()),
                ('messages', models.BigIntegerField()),
                ('pk', models.CompositePrimaryKey('app', 'hour', 'push_type', 'mode', 'channel', 'code', blank=True, editable=False, primary_key=True, serialize=False)),
            ],
            options={
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='MaintenanceRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('started_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('succeeded', models.BooleanField(default=False)),
                ('result', models.JSONField(default=dict, help_text='What was done, and what failed, by step.')),
            ],
            options={
                'get_latest_by': ('started_at', 'id'),
            },
        ),
        migrations.CreateModel(
            name='HourlyCount',
            fields=[
                ('hour', models.DateTimeField(help_text='The UTC hour in which the messages were created.')),
                ('push_type', models.SmallIntegerField(choices=[(1, 'User'), (2, 'Android device'), (3, 'iOS device'), (4, 'HarmonyOS device')])),
                ('mode', models.SmallIntegerField(choices=[(1, 'Simple'), (2, 'Template'), (3, 'Multiple'), (4, 'Broadcast')])),
                ('channel', models.SmallIntegerField(choices=[(1, 'Own channel'), (2, 'Apple (APNs)'), (3, 'Google (FCM)'), (4, 'Huawei'), (5, 'Xiaomi'), (6, 'OPPO'), (7, 'vivo'), (8, 'Honor'), (9, 'Meizu'), (10, 'HarmonyOS')])),
                ('code', models.IntegerField()),
                ('messages', models.BigIntegerField()),
                ('pk', models.CompositePrimaryKey('app', 'hour', 'push_type', 'mode', 'channel', 'code', blank=True, editable=False, primary_key=True, serialize=False)),
                ('app', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pushlog.app')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='CountDelta',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField(help_text='The UTC hour in which the messages were created.')),
                ('push_type', models.SmallIntegerField(choices=[(1, 'User'), (2, 'Android device'), (3, 'iOS device'), (4, 'HarmonyOS device')])),
                ('mode', models.SmallIntegerField(choices=[(1, 'Simple'), (2, 'Template'), (3, 'Multiple'), (4, 'Broadcast')])),
                ('channel', models.SmallIntegerField(choices=[(1, 'Own channel'), (2, 'Apple (APNs)'), (3, 'Google (FCM)'), (4, 'Huawei'), (5, 'Xiaomi'), (6, 'OPPO'), (7, 'vivo'), (8, 'Honor'), (9, 'Meizu'), (10, 'HarmonyOS')])),
                ('code', models.IntegerField()),
                ('messages', models.BigIntegerField()),
                ('app', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pushlog.app')),
            ],
            options={
                'indexes': [models.Index(fields=['app', 'hour'], name='count_delta_hour')],
            },
        ),
        migrations.RunSQL(VIEW, "DROP VIEW pushlog_messagecount"),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
    ]
