"""Counts of messages: two tables, and a view that adds them up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import models

from pushlog import clock
from pushlog.models.app import App
from pushlog.models.message import WINDOW, Mode, PushType
from pushlog.statuses import Channel

_HOUR = timedelta(hours=1)


def first_hour(now: datetime) -> datetime:
    """The first whole UTC hour of the window that ends at `now` (aware)."""
    start = (now - WINDOW).astimezone(UTC)
    hour = start.replace(minute=0, second=0, microsecond=0)
    return hour if hour == start else hour + _HOUR


class _Counted(models.Model):
    # No constraint: PostgreSQL would look up the app with every row.
    app = models.ForeignKey(App, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    hour = models.DateTimeField(help_text="The UTC hour in which the messages were created.")
    push_type = models.SmallIntegerField(choices=PushType.choices)
    mode = models.SmallIntegerField(choices=Mode.choices)
    channel = models.SmallIntegerField(choices=Channel.choices)
    code = models.IntegerField()
    messages = models.BigIntegerField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.messages} of app {self.app_id} at {self.hour:%Y-%m-%d %H}h UTC: {self.channel}/{self.code}"


class CountDelta(_Counted):
    """More or fewer messages. Only inserted, so no writer waits for another."""

    class Meta:
        indexes = [models.Index(fields=["app", "hour"], name="count_delta_hour")]


class HourlyCount(_Counted):
    """Sums of deltas (`pushlog.counts.compact`)."""

    pk = models.CompositePrimaryKey("app", "hour", "push_type", "mode", "channel", "code")


class MessageCountQuerySet(models.QuerySet["MessageCount"]):
    def in_window(self, app: App, *, now: datetime | None = None) -> MessageCountQuerySet:
        return self.filter(app=app, hour__gte=first_hour(now or clock.now()))


class MessageCount(_Counted):
    """A view: like a GROUP BY of the messages."""

    pk = models.CompositePrimaryKey("app", "hour", "push_type", "mode", "channel", "code")

    objects = MessageCountQuerySet.as_manager()

    class Meta:
        managed = False
