"""Credentials of programs."""

from datetime import UTC, datetime
from ipaddress import ip_network

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from pushlog import clock
from pushlog.models.app import App

_ONE = MinValueValidator(1)


class Scope(models.TextChoices):
    """What a credential may do with its app."""

    MESSAGES = "messages", "Write messages and push tasks"
    RECEIPTS = "receipts", "Write receipts"
    READ = "read", "Read messages"
    TPNS = "tpns", "Query push tasks as in TPNS"


def all_scopes() -> list[str]:
    return [*Scope.values]


def validate_network(text: str) -> None:
    try:
        ip_network(text)
    except ValueError:
        raise ValidationError(
            "“%(text)s” is not an address or a network such as 10.0.0.0/8.", params={"text": text}
        ) from None


def validate_moment(moment: datetime) -> None:
    """PostgreSQL stores more years than Python reads: with an offset, 9999 may become 10000."""
    if not datetime(2000, 1, 1, tzinfo=UTC) <= moment < datetime(9000, 1, 1, tzinfo=UTC):
        raise ValidationError("Give a time in the years 2000 to 8999.")


class Credential(models.Model):
    """Access ID and secret of a program. Revoked ones stay, as evidence."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="credentials")
    access_id = models.CharField("access ID", max_length=10, unique=True, editable=False)
    sealed_secret = models.BinaryField(editable=False)
    key_fingerprint = models.CharField(
        max_length=16,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Of the key that encrypts the secret.",
    )
    # While a program changes over, both count.
    new_sealed_secret = models.BinaryField(null=True, editable=False)
    new_key_fingerprint = models.CharField(max_length=16, blank=True, default="", db_default="", editable=False)
    name = models.CharField(max_length=100, help_text="Which program uses it.")
    note = models.TextField(max_length=1000, blank=True, default="")
    scopes = ArrayField(
        models.CharField(max_length=10, choices=Scope.choices),
        verbose_name="may",
        default=all_scopes,
        db_default=all_scopes(),
    )
    expires_at = models.DateTimeField(
        null=True,
        blank=True,
        validators=[validate_moment],
        help_text="From then on it does not count. Empty: never.",
    )
    networks = ArrayField(
        models.CharField(max_length=43, validators=[validate_network]),
        blank=True,
        default=list,
        db_default=[],
        help_text="Addresses or networks, such as 10.0.0.0/8, with commas between them. It counts from there alone."
        " Empty: from everywhere.",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="To the hour: not every request is recorded."
    )

    calls_per_hour = models.PositiveIntegerField(
        "calls an hour", default=200, help_text="How often it may call each endpoint of the TPNS dialect."
    )
    # Of the JSON API. One server of two cores stores about as many rows in a minute.
    requests_per_minute = models.PositiveIntegerField(
        "requests a minute", default=12_000, db_default=12_000, validators=[_ONE]
    )
    rows_per_minute = models.PositiveIntegerField(
        "rows a minute", default=3_000_000, db_default=3_000_000, validators=[_ONE]
    )
    mib_per_minute = models.PositiveIntegerField(
        "MiB a minute", default=1024, db_default=1024, validators=[_ONE], help_text="Of bodies, decoded."
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


class CredentialUsage(models.Model):
    """What a credential used in its last minute with requests."""

    # No constraint: the first request would wait for whoever changes the credential.
    credential = models.OneToOneField(
        Credential, primary_key=True, on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )
    minute = models.DateTimeField()
    requests = models.BigIntegerField()
    rows = models.BigIntegerField()
    bytes = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.requests} requests with {self.rows} rows at {self.minute:%Y-%m-%d %H:%M} UTC"
