"""Failed tries with a password or a secret."""

from django.db import models


class FailedTry(models.Model):
    """The failures of one account or access ID at one place, both as keyed hashes (`pushlog.throttle`)."""

    who = models.BinaryField()
    place = models.BinaryField()
    beyond = models.IntegerField(help_text="Failures less those that are free.")
    last_at = models.DateTimeField(db_index=True)
    wait_until = models.DateTimeField()

    class Meta:
        verbose_name_plural = "failed tries"
        constraints = [models.UniqueConstraint(fields=["who", "place"], name="failed_try_once")]

    def __str__(self) -> str:
        return f"{self.beyond} failures beyond the free ones, the last at {self.last_at:%Y-%m-%d %H:%M:%S} UTC"
