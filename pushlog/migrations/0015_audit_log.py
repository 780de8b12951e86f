"""New and empty tables for the audit log. Takes no time: it reads no message.

A trigger refuses to change or delete an entry, also for the owner of the table. Partitions take it over; the one for
TRUNCATE each gets when it is made.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from pushlog import migration_operations

REFUSE = """
    CREATE OR REPLACE FUNCTION pushlog_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit log is never changed' USING ERRCODE = 'insufficient_privilege';
    END
    $$;
"""
ON_TABLE = """
    CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION pushlog_refuse_change();
    CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION pushlog_refuse_change();
"""
OFF_TABLE = "DROP TRIGGER refuse_change ON {table}; DROP TRIGGER refuse_truncate ON {table};"
KINDS = [
    (1, "Log-in"),
    (2, "Log-out"),
    (3, "Failed log-in"),
    (4, "Search"),
    (5, "List"),
    (6, "Message"),
    (7, "Push task"),
    (8, "Reveal"),
    (9, "Export"),
    (10, "API read"),
    (11, "Change"),
    (12, "Audit log"),
    (13, "Erasure"),
]


def _named(model: str) -> models.ForeignKey:
    # No constraint: entries outlive what they name.
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        null=True,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
        to=model,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("pushlog", "0014_reveals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migration_operations.CreatePartitionedModel(
            name="AuditEntry",
            partition_column="id",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("kind", models.SmallIntegerField(choices=KINDS)),
                (
                    "access_id",
                    models.CharField(
                        blank=True, default="", help_text="Of the credential of a program.", max_length=10
                    ),
                ),
                ("address", models.CharField(blank=True, default="", help_text="Empty for a command.", max_length=43)),
                ("message_id", models.UUIDField(null=True)),
                ("target", models.BinaryField(help_text="Keyed hash of the target ID.", null=True)),
                (
                    "customer_message",
                    models.BinaryField(help_text="Keyed hash of the customer message ID.", null=True),
                ),
                (
                    "subject",
                    models.CharField(
                        blank=True, default="", help_text="What was changed, or the push ID.", max_length=200
                    ),
                ),
                ("details", models.JSONField(default=dict)),
                ("app", _named("pushlog.app")),
                ("person", _named(settings.AUTH_USER_MODEL)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["person", "id"], name="audit_person"),
                    models.Index(fields=["app", "id"], name="audit_app"),
                    models.Index(fields=["kind", "id"], name="audit_kind"),
                    models.Index(
                        condition=models.Q(("message_id__isnull", False)),
                        fields=["message_id", "id"],
                        name="audit_message",
                    ),
                    models.Index(
                        condition=models.Q(("target__isnull", False)), fields=["target", "id"], name="audit_target"
                    ),
                    models.Index(
                        condition=models.Q(("customer_message__isnull", False)),
                        fields=["customer_message", "id"],
                        name="audit_customer_message",
                    ),
                ],
            },
        ),
        migration_operations.CreatePartitionedModel(
            name="AuditSeal",
            partition_column="id",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("until", models.UUIDField(help_text="The first ID that is not covered.")),
                ("entries", models.BigIntegerField()),
                ("digest", models.BinaryField(help_text="SHA-256 of the entries.")),
                ("previous", models.BinaryField(help_text="Hash of the seal before; empty for the first.")),
                ("hash", models.BinaryField(help_text="HMAC of all that stands above.")),
                ("key_fingerprint", models.CharField(max_length=16)),
            ],
        ),
        migrations.CreateModel(
            name="Correction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("message_id", models.UUIDField(null=True)),
                ("push_id", models.CharField(blank=True, default="", max_length=64)),
                ("at", models.DateTimeField()),
                (
                    "values",
                    models.JSONField(default=dict, help_text="Old and new value of each field; empty once erased."),
                ),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pushlog.app"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("message_id__isnull", False)),
                        fields=["message_id"],
                        name="correction_message",
                    ),
                    models.Index(
                        condition=models.Q(("push_id", ""), _negated=True),
                        fields=["app", "push_id"],
                        name="correction_task",
                    ),
                ],
            },
        ),
        migrations.RunSQL(REFUSE, "DROP FUNCTION pushlog_refuse_change"),
        *(
            migrations.RunSQL(ON_TABLE.format(table=table), OFF_TABLE.format(table=table))
            for table in ("pushlog_auditentry", "pushlog_auditseal")
        ),
    ]
