"""Messages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Count, Q

from pushlog import clock, message_ids, sealing
from pushlog.choices import WordChoices
from pushlog.models.app import App
from pushlog.statuses import EXPIRED, NO_RECEIPT, TAKEN_BACK, Channel, Outcome, Status, look_up

WINDOW = timedelta(days=30)


class PushType(WordChoices):
    USER = 1, "User"
    ANDROID = 2, "Android device"
    IOS = 3, "iOS device"
    HARMONY = 4, "HarmonyOS device"


class Mode(WordChoices):
    SIMPLE = 1, "Simple"
    TEMPLATE = 2, "Template"
    MULTIPLE = 3, "Multiple"
    BROADCAST = 4, "Broadcast"


LISTED_MODES = (Mode.SIMPLE, Mode.TEMPLATE)
_LISTED = models.Q(mode__in=LISTED_MODES)


def _expired(now: datetime) -> Q:
    return Q(outcome=Outcome.WAITING, expires_at__lte=now)


class PairHash(models.Func):
    """`message_ids.pair_hash` in SQL. A cast to text cannot be indexed."""

    template = "substr(uuid_send(%(expressions)s), 9)"
    output_field = models.BinaryField()


class Verbatim(models.Func):
    template = "(%(expressions)s %(sql)s)"


def _meets(column: str, sql: str) -> Verbatim:
    """As text: a generic plan does not know parameters."""
    return Verbatim(column, sql=sql, output_field=models.BooleanField())


def _unindexed(column: str, nothing: str, output_field: models.Field[Any, Any]) -> Verbatim:
    """A column in a no-op expression, so that no index matches it."""
    return Verbatim(column, sql=nothing, output_field=output_field)


class MessageQuerySet(models.QuerySet["Message"]):
    def findable(self, app: App | None = None, *, now: datetime | None = None) -> MessageQuerySet:
        start = message_ids.first_id((now or clock.now()) - WINDOW)
        found = self.filter(_meets("mode", f"<> {Mode.BROADCAST.value}"), id__gte=start)
        return found if app is None else found.filter(app=app)

    def listed(self, app: App, *, now: datetime | None = None) -> MessageQuerySet:
        modes = ", ".join(str(mode.value) for mode in LISTED_MODES)
        # A generic plan would assume that all apps are equally large.
        return self.findable(now=now).filter(_meets("app_id", f"= {app.pk}"), _meets("mode", f"IN ({modes})"))

    def matching(
        self, app: App, *, target_id: str = "", customer_message_id: str = "", now: datetime | None = None
    ) -> MessageQuerySet:
        """By complete IDs. An empty one is ignored; without both, none."""
        if target_id and customer_message_id:
            # Each ID alone may be common; the hash of both is rare. Plain columns would mislead the planner in a
            # partition without statistics.
            pair = message_ids.pair_id(
                key=bytes(app.id_key), target_id=target_id, customer_message_id=customer_message_id
            )
            text, number = models.TextField(), models.IntegerField()
            return (
                self.findable(now=now)
                .alias(
                    pair=PairHash("id"),
                    of_app=_unindexed("app_id", "+ 0", number),
                    target=_unindexed("target_id", "|| ''", text),
                    customer=_unindexed("customer_message_id", "|| ''", text),
                )
                .filter(pair=message_ids.pair_hash(pair), of_app=app.pk, target=target_id, customer=customer_message_id)
            )
        found = self.findable(app, now=now)
        if target_id:
            return found.filter(target_id=target_id)
        if customer_message_id:
            return found.filter(customer_message_id=customer_message_id)
        return found.none()

    def of_task(self, app: App, push_id: str, *, now: datetime | None = None) -> MessageQuerySet:
        # The partial index needs the first condition.
        return self.findable(app, now=now).filter(_meets("task", "<> ''"), task=push_id)

    def with_outcome(self, word: str, *, now: datetime) -> MessageQuerySet:
        """By an outcome's word, "expired" at `now` (aware), or "revoked"."""
        if word == EXPIRED:
            return self.filter(_expired(now))
        if word == TAKEN_BACK:
            return self.filter(revoked_at__isnull=False)
        outcome = Outcome.by_word()[word]
        found = self.filter(outcome=outcome)
        return found.exclude(expires_at__lte=now) if outcome is Outcome.WAITING else found

    def count_outcomes(self, *, now: datetime, limit: int) -> dict[str, int]:
        """Counts of the newest `limit` by outcome or "expired"."""
        expired = _expired(now)
        counts: dict[str, Any] = {
            one.word: Count("pk", filter=Q(outcome=one) & ~expired if one is Outcome.WAITING else Q(outcome=one))
            for one in Outcome
        }
        return self.order_by("-pk")[:limit].aggregate(**counts, **{EXPIRED: Count("pk", filter=expired)})

    def for_rows(self) -> MessageQuerySet:
        # Content and extras may be large.
        return self.only(*Message.ROW_FIELDS)


class Message(models.Model):
    """One push to one target. Partitioned by ID, so by time."""

    # The widest columns come first: no padding. Collation C does not change with the server's libraries.

    ROW_FIELDS = (
        "id",
        "app_id",
        "expires_at",
        "revoked_at",
        "code",
        "channel",
        "outcome",
        "push_type",
        "mode",
        "target_id",
        "customer_message_id",
        "title",
        "sealed_title",
    )

    id = models.UUIDField(primary_key=True, editable=False)
    modified_at = models.DateTimeField("modification time", help_text="When the status last changed.")
    expires_at = models.DateTimeField("expiry time", null=True, blank=True)
    revoked_at = models.DateTimeField("revoked at", null=True, blank=True)
    app = models.ForeignKey(App, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    code = models.IntegerField("status code", default=NO_RECEIPT)
    channel = models.SmallIntegerField(choices=Channel.choices, default=Channel.OWN)
    # Stored: no index serves a filter by hundreds of pairs.
    outcome = models.SmallIntegerField(choices=Outcome.choices, default=Outcome.WAITING)
    push_type = models.SmallIntegerField("push type", choices=PushType.choices)
    mode = models.SmallIntegerField(choices=Mode.choices, default=Mode.SIMPLE)
    target_id = models.CharField("target ID", max_length=512, db_collation="C")
    customer_message_id = models.CharField("customer message ID", max_length=256, db_collation="C")
    task = models.CharField("push task", max_length=64, blank=True, default="")
    title = models.CharField(max_length=500, blank=True, default="", db_collation="C")
    content = models.TextField(blank=True, default="")
    extras = models.JSONField(blank=True, default=dict)
    # In place of the three before, if the app encrypts them.
    sealed_title = models.BinaryField(null=True, editable=False)
    sealed_content = models.BinaryField(null=True, editable=False, help_text="Content and extras.")

    objects = MessageQuerySet.as_manager()

    class Meta:
        # Each serves an order or filter that no other does. The partial ones leave out campaigns of a million messages.
        # Columns behind the ID filter without fetching rows.
        indexes = [
            models.Index(fields=["app", "id"], name="message_newest", condition=_LISTED),
            models.Index(fields=["app", "mode", "id"], name="message_mode", condition=_LISTED),
            models.Index(fields=["app", "push_type", "id", "outcome"], name="message_push_type", condition=_LISTED),
            models.Index(fields=["app", "title", "id", "outcome"], name="message_title", condition=_LISTED),
            # Without the outcome in front, its filter reads past all others.
            models.Index(fields=["app", "outcome", "channel", "code", "id"], name="message_status", condition=_LISTED),
            models.Index(fields=["app", "outcome", "id"], name="message_outcome", condition=_LISTED),
            models.Index(fields=["app", "target_id", "id", "mode", "outcome"], name="message_target"),
            models.Index(fields=["app", "customer_message_id", "id", "mode", "outcome"], name="message_customer_id"),
            models.Index(
                fields=["app", "task", "id"],
                name="message_task",
                include=["outcome", "expires_at"],
                condition=~models.Q(mode=Mode.BROADCAST) & ~models.Q(task=""),
            ),
            models.Index(fields=["app", "id"], name="message_revoked", condition=_LISTED & Q(revoked_at__isnull=False)),
            models.Index(PairHash("id"), name="message_pair"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @classmethod
    def from_db(cls, *given: Any, **named: Any) -> Message:
        """Decrypts what is encrypted."""
        message = super().from_db(*given, **named)
        if sealed := message.__dict__.get("sealed_title"):
            [message.title] = sealing.unseal(sealed) or [sealing.UNREADABLE]
        if sealed := message.__dict__.get("sealed_content"):
            message.content, message.extras = sealing.unseal(sealed) or [sealing.UNREADABLE, {}]
        return message

    @property
    def created_at(self) -> datetime:
        return message_ids.created_at(self.id)

    def is_expired(self, now: datetime) -> bool:
        waiting = self.status.outcome == Outcome.WAITING
        return waiting and self.expires_at is not None and self.expires_at <= now

    @property
    def status(self) -> Status:
        return look_up(self.channel, self.code)
