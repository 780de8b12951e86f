"""The audit log."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import JSONObject

from pushlog import message_ids
from pushlog.choices import WordChoices
from pushlog.models.app import App


class AuditKind(WordChoices):
    LOG_IN = 1, "Log-in"
    LOG_OUT = 2, "Log-out"
    FAILED_LOG_IN = 3, "Failed log-in"
    SEARCH = 4, "Search"
    LIST = 5, "List"
    MESSAGE = 6, "Message"
    TASK = 7, "Push task"
    REVEAL = 8, "Reveal"
    EXPORT = 9, "Export"
    API_READ = 10, "API read"
    CHANGE = 11, "Change"
    AUDIT_LOG = 12, "Audit log"
    ERASURE = 13, "Erasure"


class AuditEntry(models.Model):
    """Who looked at or changed what. Only pushlog/audit.py writes it; a trigger refuses every change.

    Partitioned by ID, a UUIDv7, in months. No constraint points at or out of it: what it names may be gone.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    app = models.ForeignKey(
        App, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    kind = models.SmallIntegerField(choices=AuditKind.choices)
    access_id = models.CharField(max_length=10, blank=True, default="", help_text="Of the credential of a program.")
    address = models.CharField(max_length=43, blank=True, default="", help_text="Empty for a command.")
    message_id = models.UUIDField(null=True)
    target = models.BinaryField(null=True, help_text="Keyed hash of the target ID.")
    customer_message = models.BinaryField(null=True, help_text="Keyed hash of the customer message ID.")
    subject = models.CharField(max_length=200, blank=True, default="", help_text="What was changed, or the push ID.")
    details = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["person", "id"], name="audit_person"),
            models.Index(fields=["app", "id"], name="audit_app"),
            models.Index(fields=["kind", "id"], name="audit_kind"),
            models.Index(
                fields=["message_id", "id"], name="audit_message", condition=models.Q(message_id__isnull=False)
            ),
            models.Index(fields=["target", "id"], name="audit_target", condition=models.Q(target__isnull=False)),
            models.Index(
                fields=["customer_message", "id"],
                name="audit_customer_message",
                condition=models.Q(customer_message__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{AuditKind(self.kind).label} at {self.at:%Y-%m-%d %H:%M:%S} UTC"

    @property
    def at(self) -> datetime:
        """By the database's clock, UTC, to the millisecond."""
        return message_ids.created_at(self.id)


class AuditSeal(models.Model):
    """A hash over the entries from one ID to another of a UTC day, chained to the seal before.

    Its ID is that of the first entry it may cover, so that it is dropped with them.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    until = models.UUIDField(help_text="The first ID that is not covered.")
    entries = models.BigIntegerField()
    digest = models.BinaryField(help_text="SHA-256 of the entries.")
    previous = models.BinaryField(help_text="Hash of the seal before; empty for the first.")
    hash = models.BinaryField(help_text="HMAC of all that stands above.")
    key_fingerprint = models.CharField(max_length=16)

    def __str__(self) -> str:
        return f"{self.entries} entries from {message_ids.created_at(self.id):%Y-%m-%d %H:%M:%S} UTC"


class CorrectionQuerySet(models.QuerySet["Correction"]):
    def as_json(self) -> "models.QuerySet[Correction, Any]":
        """To be read along with what was corrected."""
        return self.values(json=JSONObject(at="at", by="user__username", values="values"))


class Correction(models.Model):
    """Old and new values of what a person corrected. Apart from the audit log, because they can be erased."""

    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    message_id = models.UUIDField(null=True)
    push_id = models.CharField(max_length=64, blank=True, default="")
    at = models.DateTimeField()
    values = models.JSONField(default=dict, help_text="Old and new value of each field; empty once erased.")

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["message_id"], name="correction_message", condition=models.Q(message_id__isnull=False)
            ),
            models.Index(fields=["app", "push_id"], name="correction_task", condition=~models.Q(push_id="")),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.at:%Y-%m-%d %H:%M:%S} UTC"
