from django.db import migrations, models

# A status implies its outcome, and most codes belong to one channel. Unless told so, the planner multiplies the three
# and expects a fortieth of the rows that there are, which it would rather sort than read in their order. Partitions
# have statistics of their own; new ones get them with their table (pushlog/postgres/partitions.py).
CREATE_STATISTICS = """
    CREATE STATISTICS message_statuses (dependencies, mcv) ON outcome, channel, code FROM pushlog_message;
    DO $$
    DECLARE partition text;
    BEGIN
        FOR partition IN
            SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
            WHERE inhparent = 'pushlog_message'::regclass
        LOOP
            EXECUTE format(
                'CREATE STATISTICS %I (dependencies, mcv) ON outcome, channel, code FROM %I',
                partition || '_statuses', partition
            );
        END LOOP;
    END $$;
    ANALYZE pushlog_message;
"""
DROP_STATISTICS = """
    DROP STATISTICS message_statuses;
    DO $$
    DECLARE statistics text;
    BEGIN
        FOR statistics IN
            SELECT stxname FROM pg_inherits JOIN pg_statistic_ext ON stxrelid = inhrelid
            WHERE inhparent = 'pushlog_message'::regclass
                AND pg_get_statisticsobjdef_columns(pg_statistic_ext.oid) = 'code, channel, outcome'
        LOOP
            EXECUTE format('DROP STATISTICS %I', statistics);
        END LOOP;
    END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('pushlog', '0004_push_tasks'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='message',
            name='message_status',
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('mode__in', (1, 2))), fields=['app', 'outcome', 'channel', 'code', 'id'], name='message_status'),
        ),
        migrations.RunSQL(CREATE_STATISTICS, DROP_STATISTICS),
    ]
