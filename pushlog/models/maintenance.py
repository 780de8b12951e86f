"""Records of maintenance."""

from uuid import UUID

from django.db import models


class MaintenanceRun(models.Model):
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    succeeded = models.BooleanField(default=False)
    result = models.JSONField(default=dict, help_text="What was done, and what failed, by step.")

    class Meta:
        get_latest_by = ("started_at", "id")

    def __str__(self) -> str:
        state = "unfinished" if self.finished_at is None else "done" if self.succeeded else "failed"
        return f"{self.started_at:%Y-%m-%d %H:%M:%S} UTC: {state}"


class StatusPass(models.Model):
    fingerprint = models.CharField(max_length=80, help_text="Of the catalogue's outcomes and ranks, and of the rules.")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    position = models.UUIDField(default=UUID(int=0), help_text="Messages up to this ID are done.")
    changed = models.BigIntegerField(default=0, help_text="Messages whose status or outcome was changed.")

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M:%S} UTC: {'done' if self.finished_at else 'unfinished'}"
