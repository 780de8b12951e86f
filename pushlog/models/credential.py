"""Credentials of programs."""

from django.db import models

from pushlog.models.app import App


class Credential(models.Model):
    """Access ID and secret of a program. Revoked ones stay, as evidence."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="credentials")
    access_id = models.CharField("access ID", max_length=10, unique=True, editable=False)
    sealed_secret = models.BinaryField(editable=False)
    name = models.CharField(max_length=100, help_text="Which program uses it.")
    note = models.TextField(max_length=1000, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="To the hour: not every request is recorded."
    )

    calls_per_hour = models.PositiveIntegerField(
        "calls an hour", default=200, help_text="How often it may call each endpoint of the TPNS dialect."
    )

    class Meta:
        ordering = ("app", "-created_at", "access_id")

    def __str__(self) -> str:
        return f"{self.access_id} ({self.name})"


class CallWindow(models.Model):
    """How often a credential called an endpoint within the hour after `started_at`."""

    pk = models.CompositePrimaryKey("credential", "endpoint")
    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, db_index=False, related_name="+")
    endpoint = models.CharField(max_length=64)
    started_at = models.DateTimeField()
    calls = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.calls} calls of {self.endpoint} since {self.started_at:%Y-%m-%d %H:%M:%S} UTC"
