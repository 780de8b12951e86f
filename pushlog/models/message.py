"""The message table: one push to one target."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Count, Q
from django.utils import timezone

from pushlog import message_ids
from pushlog.choices import WordChoices
from pushlog.models.app import App
from pushlog.statuses import EXPIRED, NO_RECEIPT, Channel, Outcome, Status, look_up

WINDOW = timedelta(days=30)


class PushType(WordChoices):
    """How a message was addressed."""

    USER = 1, "User"
    ANDROID = 2, "Android device"
    IOS = 3, "iOS device"
    HARMONY = 4, "HarmonyOS device"


class Mode(WordChoices):
    """How a message was created."""

    SIMPLE = 1, "Simple"
    TEMPLATE = 2, "Template"
    MULTIPLE = 3, "Multiple"
    BROADCAST = 4, "Broadcast"


LISTED_MODES = (Mode.SIMPLE, Mode.TEMPLATE)
_LISTED = models.Q(mode__in=LISTED_MODES)


def _expired(now: datetime) -> Q:
    return Q(outcome=Outcome.WAITING, expires_at__lte=now)


class PairHash(models.Func):
    """The bytes of an ID which depend on target and customer message ID alone (`message_ids.pair_hash`).

    `uuid_send` gives the sixteen bytes of the UUID and, unlike a cast to text, may be indexed as it stands.
    """

    template = "substr(uuid_send(%(expressions)s), 9)"
    output_field = models.BinaryField()


class Verbatim(models.Func):
    """A column with `sql` behind it as it stands: what PostgreSQL must see whatever the values of a statement are."""

    template = "(%(expressions)s %(sql)s)"


def _meets(column: str, sql: str) -> Verbatim:
    """A condition that is in the query's text, for plans that are kept: nothing can be told of a parameter."""
    return Verbatim(column, sql=sql, output_field=models.BooleanField())


def _unindexed(column: str, nothing: str, output_field: models.Field[Any, Any]) -> Verbatim:
    """A column with `nothing` done to it, a form that no index has: compared only in rows found by something else."""
    return Verbatim(column, sql=nothing, output_field=output_field)


class MessageQuerySet(models.QuerySet["Message"]):
    """Reads, named after their use. None of them counts, and none looks behind the window."""

    def findable(self, app: App | None = None, *, now: datetime | None = None) -> MessageQuerySet:
        """Messages of the last 30 days which may ever be shown: no broadcasts. Of one app, or of all."""
        start = message_ids.first_id((now or timezone.now()) - WINDOW)
        found = self.filter(_meets("mode", f"<> {Mode.BROADCAST.value}"), id__gte=start)
        return found if app is None else found.filter(app=app)

    def listed(self, app: App, *, now: datetime | None = None) -> MessageQuerySet:
        """What the list shows unasked: simple and template messages of one app in the window."""
        modes = ", ".join(str(mode.value) for mode in LISTED_MODES)
        # For a plan that is kept, any app would have as many messages as any other (pushlog/postgres/statements.py).
        return self.findable(now=now).filter(_meets("app_id", f"= {app.pk}"), _meets("mode", f"IN ({modes})"))

    def matching(
        self, app: App, *, target_id: str = "", customer_message_id: str = "", now: datetime | None = None
    ) -> MessageQuerySet:
        """What a search finds: messages with this target ID, this customer message ID, or both.

        Both are complete and compared exactly; an empty one does not take part. With neither, nothing is found.
        """
        if target_id and customer_message_id:
            # Neither ID alone need be rare (a busy target, a number shared by a whole campaign): the hash of
            # both is, with the app's key in it. The comparisons only guard against a collision. As plain columns they
            # would lead the planner astray: in a day without statistics any index that fits is as good to it.
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
        """What a push task produced: its messages in the window, multiple ones too, but no broadcasts."""
        # The first condition follows from the second, but not for the planner, which needs it for the index.
        return self.findable(app, now=now).filter(_meets("task", "<> ''"), task=push_id)

    def with_outcome(self, word: str, *, now: datetime) -> MessageQuerySet:
        """Messages with an outcome, by its word; "expired" ones are not also "waiting" (`now` is aware)."""
        if word == EXPIRED:
            return self.filter(_expired(now))
        outcome = Outcome.by_word()[word]
        found = self.filter(outcome=outcome)
        return found.exclude(expires_at__lte=now) if outcome is Outcome.WAITING else found

    def count_outcomes(self, *, now: datetime, limit: int) -> dict[str, int]:
        """How many of the newest `limit` messages have each outcome, by its word, expired ones apart.

        For a task's messages this is one query, which their index answers alone: it holds outcome and expiry time.
        """
        expired = _expired(now)
        counts: dict[str, Any] = {
            one.word: Count("pk", filter=Q(outcome=one) & ~expired if one is Outcome.WAITING else Q(outcome=one))
            for one in Outcome
        }
        return self.order_by("-pk")[:limit].aggregate(**counts, **{EXPIRED: Count("pk", filter=expired)})

    def for_rows(self) -> MessageQuerySet:
        """Only the columns of a list row: content and extras may be large and are not shown there."""
        return self.only(*Message.ROW_FIELDS)


class Message(models.Model):
    """One push to one target. The table is partitioned by ID, that is, by creation time.

    Columns stand in the order of their alignment, widest first: padding would cost 12 bytes in every row.
    Text columns sort by code point (collation C): any other order may change with the server's libraries, and
    every index would have to be built anew.
    """

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
    )

    id = models.UUIDField(primary_key=True, editable=False)
    modified_at = models.DateTimeField("modification time", help_text="When the status last changed.")
    expires_at = models.DateTimeField("expiry time", null=True, blank=True)
    revoked_at = models.DateTimeField("revoked at", null=True, blank=True)
    app = models.ForeignKey(App, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    code = models.IntegerField("status code", default=NO_RECEIPT)
    channel = models.SmallIntegerField(choices=Channel.choices, default=Channel.OWN)
    # What (channel, code) means, kept beside it: a filter by outcome would otherwise be a filter by some
    # hundred pairs, which no index serves in the order of time.
    outcome = models.SmallIntegerField(choices=Outcome.choices, default=Outcome.WAITING)
    push_type = models.SmallIntegerField("push type", choices=PushType.choices)
    mode = models.SmallIntegerField(choices=Mode.choices, default=Mode.SIMPLE)
    target_id = models.CharField("target ID", max_length=512, db_collation="C")
    customer_message_id = models.CharField("customer message ID", max_length=256, db_collation="C")
    task = models.CharField("push task", max_length=64, blank=True, default="")
    title = models.CharField(max_length=500, blank=True, default="", db_collation="C")
    content = models.TextField(blank=True, default="")
    extras = models.JSONField(blank=True, default=dict)

    objects = MessageQuerySet.as_manager()

    class Meta:
        # Each serves one order or filter of the list, in both directions, and the ID makes its order total. The partial
        # ones leave out multiple and broadcast messages: a campaign writes a million of them in one run, and a page
        # would have to read through them all.
        #
        # Behind the ID stands what is looked at without fetching the row: the outcome in the orders that run across
        # all of them, and the mode in those two that serve the search as well, which also finds multiple messages.
        # It costs seven bytes in all four. The failed messages by target ID, of 40 million: 1,080 ms without, 48 with.
        #
        # What they cost (`make bench ONLY="sizes indexes"`): 27 of the 30 µs that COPY takes for a row, and the bytes
        # behind each in a day that was reindexed, about 500 in all. Before that it is twice as much, since a change of
        # status writes into every one of them. Planning takes half as long without six of the eleven. So each has a use
        # that no other serves. The primary key (32 bytes) serves the page of one message, receipts and repeated rows.
        indexes = [
            models.Index(fields=["app", "id"], name="message_newest", condition=_LISTED),  # 37
            models.Index(fields=["app", "mode", "id"], name="message_mode", condition=_LISTED),  # 37
            # 37 and 66
            models.Index(fields=["app", "push_type", "id", "outcome"], name="message_push_type", condition=_LISTED),
            models.Index(fields=["app", "title", "id", "outcome"], name="message_title", condition=_LISTED),
            # 45 bytes. With the outcome in front, which follows from the other two: the messages of an outcome stand
            # together, or its filter in this order would read past all others.
            models.Index(fields=["app", "outcome", "channel", "code", "id"], name="message_status", condition=_LISTED),
            models.Index(fields=["app", "outcome", "id"], name="message_outcome", condition=_LISTED),  # 37
            # 87 and 69
            models.Index(fields=["app", "target_id", "id", "mode", "outcome"], name="message_target"),
            models.Index(fields=["app", "customer_message_id", "id", "mode", "outcome"], name="message_customer_id"),
            # What a task produced, newest first, and its outcomes, which are counted without fetching the rows.
            # 11 bytes where a fifth of the messages belong to one.
            models.Index(
                fields=["app", "task", "id"],
                name="message_task",
                include=["outcome", "expires_at"],
                condition=~models.Q(mode=Mode.BROADCAST) & ~models.Q(task=""),
            ),
            # Both IDs at once, for the search and for receipts that come without our message ID.
            models.Index(PairHash("id"), name="message_pair"),  # 33
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def created_at(self) -> datetime:
        """Creation time, UTC, to the millisecond: it is part of the ID."""
        return message_ids.created_at(self.id)

    def is_expired(self, now: datetime) -> bool:
        """Whether it waited in vain: its expiry time has come (`now` is aware), and no outcome is known."""
        waiting = self.status.outcome == Outcome.WAITING
        return waiting and self.expires_at is not None and self.expires_at <= now

    @property
    def status(self) -> Status:
        """What the current channel and code mean."""
        return look_up(self.channel, self.code)
