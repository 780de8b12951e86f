"""Reveals."""

from django.conf import settings
from django.db import models

from pushlog.models.app import App


class Reveal(models.Model):
    """One message, or all messages to a target, shown whole to one person until a moment. Never changed."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False, related_name="+")
    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="+")
    message_id = models.UUIDField(help_text="The message at which it was asked for.")
    target = models.BinaryField(null=True, help_text="Keyed hash of the target ID, if all its messages are shown.")
    reason = models.CharField(max_length=200)
    at = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["user", "app", "until"], name="reveal_of_person")]

    def __str__(self) -> str:
        return f"{self.user} at {self.at:%Y-%m-%d %H:%M:%S} UTC: {self.reason}"
