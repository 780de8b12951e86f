"""What maintenance did, and when."""

from django.db import models


class MaintenanceRun(models.Model):
    """One run of `maintain`. One that was killed has no end."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    succeeded = models.BooleanField(default=False)
    result = models.JSONField(default=dict, help_text="What was done, and what failed, by step.")

    class Meta:
        get_latest_by = ("started_at", "id")

    def __str__(self) -> str:
        state = "unfinished" if self.finished_at is None else "done" if self.succeeded else "failed"
        return f"{self.started_at:%Y-%m-%d %H:%M:%S} UTC: {state}"
