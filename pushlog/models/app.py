"""Apps and their members."""

import secrets
import zoneinfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models


def new_id_key() -> bytes:
    return secrets.token_bytes(32)


def validate_time_zone(name: str) -> None:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValidationError(
            "“%(name)s” is not a time zone such as Asia/Shanghai or UTC.", params={"name": name}
        ) from error


class App(models.Model):
    """One mobile application in one environment."""

    class Environment(models.TextChoices):
        PRODUCTION = "production", "Production"
        DEVELOPMENT = "development", "Development"

    # Four bytes, not eight: every index of the message table holds the ID.
    id = models.AutoField(primary_key=True)
    slug = models.SlugField(unique=True, max_length=50, help_text="The app's name in addresses.")
    name = models.CharField(max_length=100)
    environment = models.CharField(max_length=20, choices=Environment.choices, default=Environment.PRODUCTION)
    time_zone = models.CharField(
        max_length=64,
        default="Asia/Shanghai",
        validators=[validate_time_zone],
        help_text="All times of the app's pages are shown in this zone.",
    )
    numeric_push_ids = models.BooleanField(
        "push IDs as numbers",
        default=False,
        help_text="The TPNS call answers push IDs of digits as numbers, as TPNS's own sample does, not as text."
        " Programs in JavaScript misread those over 9,007,199,254,740,991.",
    )
    reveal_reasons = models.TextField(
        "reasons for revealing",
        max_length=2000,
        blank=True,
        default="",
        db_default="",
        help_text="Offered to support beside a ticket number, one on a line.",
    )
    encrypts_content = models.BooleanField(
        "encrypt title, content and extras",
        default=False,
        db_default=False,
        help_text="Of messages that are stored from now on; those before stay as they are until they expire."
        " There is no sort by title then.",
    )
    # Never changes: with another key, a repeated message gets another ID.
    id_key = models.BinaryField(default=new_id_key, editable=False)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="apps")

    class Meta:
        ordering = ("name", "environment", "id")

    def __str__(self) -> str:
        return f"{self.name} ({self.get_environment_display()})"


class Role(models.TextChoices):
    """What a member is in an app. console/access.py says what each may do."""

    VIEWER = "viewer", "Viewer"
    SUPPORT = "support", "Support"
    OPERATOR = "operator", "Operator"
    MANAGER = "manager", "Manager"


class Membership(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(
        max_length=10,
        choices=Role.choices,
        default=Role.VIEWER,
        db_default=Role.VIEWER,
        help_text="Viewers see masked target IDs and no content. Support may reveal one message or target with a"
        " reason. Operators see all, and correct. Managers also decide about members, credentials and the app.",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "app"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display().lower()} in {self.app}"


class EndedMembership(models.Model):
    """Somebody who is no longer a member. It can be taken back for an hour."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="ended_memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    ended_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display().lower()} in {self.app}"


class InstallationRole(models.Model):
    """What a person may do for the whole installation. It shows no messages."""

    class Kind(models.TextChoices):
        ADMINISTRATOR = "administrator", "Administrator"
        AUDITOR = "auditor", "Auditor"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="installation_role")
    kind = models.CharField(
        "role",
        max_length=13,
        choices=Kind.choices,
        help_text="Administrators decide about apps and people, and read the audit log. Auditors read the audit log.",
    )

    def __str__(self) -> str:
        return f"{self.user}, {self.get_kind_display().lower()}"


class Preferences(models.Model):
    """What a person chose, for every browser. Without a row, the defaults count."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preferences")
    letter_keys = models.BooleanField("keys of one letter", default=True, db_default=True)

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return str(self.user)
