"""Reveals."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import JSONObject

from pushlog.models.app import App


class RevealQuerySet(models.QuerySet["Reveal"]):
    def as_json(self, *, user: Any, app: Any, now: datetime) -> "models.QuerySet[Reveal, Any]":
        """Those that count now, as JSON, to be read along with a membership. The hash of a target is in hex."""
        hexadecimal: Any = models.Func(
            "target", models.Value("hex"), function="encode", output_field=models.TextField()
        )
        found = self.filter(user=user, app=app, until__gt=now).order_by("pk")
        return found.values(json=JSONObject(message="message_id", target=hexadecimal, until="until"))


class Reveal(models.Model):
    """One message, or all messages to a target, shown whole to one person until a moment. Never changed."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False, related_name="+")
    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="+")
    message_id = models.UUIDField(help_text="The message at which it was asked for.")
    target = models.BinaryField(null=True, help_text="Keyed hash of the target ID, if all its messages are shown.")
    reason = models.CharField(max_length=200)
    at = models.DateTimeField()
    until = models.DateTimeField()

    objects = RevealQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "app", "until"], name="reveal_of_person")]

    def __str__(self) -> str:
        return f"{self.user} at {self.at:%Y-%m-%d %H:%M:%S} UTC: {self.reason}"

    def as_json(self) -> dict[str, str]:
        """As `RevealQuerySet.as_json`."""
        target = bytes(self.target).hex() if self.target else ""
        return {"message": str(self.message_id), "target": target, "until": self.until.isoformat()}
