"""Receipts: the history of statuses, and early receipts."""

from django.db import models

from pushlog.models.app import App
from pushlog.statuses import Channel, Status, look_up


class StatusChange(models.Model):
    """An entry of a message's history. Partitioned like the messages."""

    pk = models.CompositePrimaryKey("message_id", "at", "code")
    message_id = models.UUIDField()
    at = models.DateTimeField(help_text="When the status changed, by the reporter's clock.")
    code = models.IntegerField()
    channel = models.SmallIntegerField(choices=Channel.choices)
    detail = models.CharField(max_length=1000, blank=True, default="", help_text="What the reporter said.")

    def __str__(self) -> str:
        return f"{self.message_id}: {self.channel}/{self.code} at {self.at}"

    @property
    def status(self) -> Status:
        return look_up(self.channel, self.code)


class EarlyReceipt(models.Model):
    """A receipt whose message has not arrived. Applied and deleted when it does."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, db_index=False)
    message_id = models.UUIDField(
        help_text="The message's ID; or, of a receipt by target and customer message ID, the ID without its time."
    )
    at = models.DateTimeField()
    code = models.IntegerField()
    channel = models.SmallIntegerField(choices=Channel.choices)
    revoked = models.BooleanField(default=False)
    detail = models.CharField(max_length=1000, blank=True, default="")
    arrived_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "pushlog_keptreceipt"  # its first name
        constraints = [models.UniqueConstraint(fields=["app", "message_id", "at", "code"], name="kept_receipt_once")]

    def __str__(self) -> str:
        return f"{self.message_id}: {self.channel}/{self.code} at {self.at}"
