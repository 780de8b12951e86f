"""Push tasks: requests to send messages."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from pushlog import clock
from pushlog.choices import WordChoices
from pushlog.models.app import App
from pushlog.models.message import WINDOW

UINT32 = 2**32 - 1


class TargetKind(WordChoices):
    ALL = 1, "Everybody"
    TAG = 2, "Tags"
    DEVICES = 3, "Devices"
    ACCOUNTS = 4, "Accounts"
    ACCOUNT_FILE = 5, "Account file"
    DEVICE_FILE = 6, "Device file"


class MessageType(WordChoices):
    NOTIFICATION = 1, "Notification"
    DATA = 2, "Data message"


class TaskSource(WordChoices):
    API = 1, "API"
    CONSOLE = 2, "Console of the push service"


class TaskState(WordChoices):
    CREATED = 1, "Created"
    WAITING = 2, "Waiting"
    STARTED = 3, "Being sent"
    FINISHED = 4, "Finished"
    FAILED = 5, "Failed"
    CANCELLED = 6, "Cancelled"
    DELETED = 7, "Deleted"
    REVOKED = 8, "Revoked"
    OVERWRITTEN = 9, "Overwritten"
    TERMINATED = 10, "Terminated"

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]

    @property
    def next_states(self) -> frozenset[TaskState]:
        """All states that may follow, directly or not: reports in between may be lost."""
        found: set[TaskState] = set()
        ahead = list(_NEXT[self])
        while ahead:
            state = ahead.pop()
            if state not in found:
                found.add(state)
                ahead += _NEXT[state]
        return frozenset(found)


_MEANINGS = {
    TaskState.CREATED: "The task is there; nothing was sent yet.",
    TaskState.WAITING: "It waits for its time or its turn.",
    TaskState.STARTED: "Its messages are being sent.",
    TaskState.FINISHED: "All its messages were handed over. Whether they arrived, the messages themselves say.",
    TaskState.FAILED: "The push service gave up on it.",
    TaskState.CANCELLED: "Somebody cancelled it before it was sent.",
    TaskState.DELETED: "It was deleted from the push service.",
    TaskState.REVOKED: "It was taken back: devices remove the notification if they still show it.",
    TaskState.OVERWRITTEN: "A newer task with the same collapse ID took its place.",
    TaskState.TERMINATED: "It was stopped: what had not been delivered yet was dropped.",
}
# TPNS publishes no table. Only unsent tasks can be cancelled, only sent ones revoked or replaced.
_WITHDRAWN = (TaskState.REVOKED, TaskState.OVERWRITTEN, TaskState.TERMINATED)
_NEXT: dict[TaskState, tuple[TaskState, ...]] = {
    TaskState.CREATED: (TaskState.WAITING, TaskState.STARTED, TaskState.CANCELLED),
    TaskState.WAITING: (TaskState.STARTED, TaskState.CANCELLED),
    TaskState.STARTED: (TaskState.FINISHED, TaskState.FAILED, *_WITHDRAWN),
    TaskState.FINISHED: (*_WITHDRAWN, TaskState.DELETED),
    TaskState.FAILED: (TaskState.DELETED,),
    TaskState.CANCELLED: (TaskState.DELETED,),
    TaskState.REVOKED: (TaskState.DELETED,),
    TaskState.OVERWRITTEN: (TaskState.DELETED,),
    TaskState.TERMINATED: (TaskState.DELETED,),
    TaskState.DELETED: (),
}


class PushTaskQuerySet(models.QuerySet["PushTask"]):
    def findable(self, app: App | None = None, *, now: datetime | None = None) -> PushTaskQuerySet:
        found = self.filter(pushed_at__gte=(now or clock.now()) - WINDOW)
        return found if app is None else found.filter(app=app)

    def for_rows(self) -> PushTaskQuerySet:
        # Targets and content may be large.
        return self.only(*PushTask.ROW_FIELDS)


class PushTask(models.Model):
    ROW_FIELDS = (
        "id",
        "app_id",
        "push_id",
        "pushed_at",
        "title",
        "state",
        "target_kind",
        "message_type",
        "environment",
    )

    app = models.ForeignKey(App, on_delete=models.CASCADE, db_index=False, related_name="tasks")
    push_id = models.CharField("push ID", max_length=64, db_collation="C")
    created_at = models.DateTimeField("creation time")
    pushed_at = models.DateTimeField("push time", help_text="When it was, or will be, sent.")
    state = models.SmallIntegerField(choices=TaskState.choices, default=TaskState.CREATED)
    target_kind = models.SmallIntegerField("target kind", choices=TargetKind.choices)
    message_type = models.SmallIntegerField(
        "message type", choices=MessageType.choices, default=MessageType.NOTIFICATION
    )
    source = models.SmallIntegerField(choices=TaskSource.choices, default=TaskSource.API)
    environment = models.CharField(
        max_length=20, choices=App.Environment.choices, default=App.Environment.PRODUCTION, db_collation="C"
    )
    title = models.CharField(max_length=500, blank=True, default="", db_collation="C")
    content = models.TextField(blank=True, default="")
    expires_in = models.BigIntegerField(
        "valid for", default=0, help_text="Seconds; 0: only devices that are connected at the time."
    )
    collapse_id = models.BigIntegerField("collapse ID", default=0, help_text="0: none.")
    upload_id = models.BigIntegerField("upload ID", default=0, help_text="Of the file of targets; 0: none.")
    multi_package = models.BooleanField("all packages", default=False, help_text="Sent to all packages of the app.")
    media_url = models.CharField("rich media", max_length=2000, blank=True, default="")
    audio_url = models.CharField("audio", max_length=2000, blank=True, default="")
    group = models.CharField(max_length=64, blank=True, default="")
    targets = models.JSONField(null=True, blank=True, help_text="Devices or accounts, as an array of texts.")
    tag_rule = models.JSONField(
        "tag rule", null=True, blank=True, help_text='{"operator": "and" or "or", "tags": [{"type", "value"}]}'
    )
    android = models.JSONField("Android configuration", null=True, blank=True)
    ios = models.JSONField("iOS configuration", null=True, blank=True)
    iot = models.JSONField("IoT configuration", null=True, blank=True)

    objects = PushTaskQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["app", "push_id"], name="push_task_once")]
        # One for each order of the list, and for filters.
        indexes = [
            models.Index(fields=["app", "pushed_at", "id"], name="push_task_newest"),
            # State and kind filter without fetching rows.
            models.Index(fields=["app", "title", "id", "state", "target_kind"], name="push_task_title"),
            models.Index(fields=["app", "state", "pushed_at", "id"], name="push_task_state"),
            models.Index(fields=["app", "target_kind", "pushed_at", "id"], name="push_task_target_kind"),
            models.Index(fields=["app", "message_type", "pushed_at", "id"], name="push_task_message_type"),
            models.Index(fields=["app", "environment", "pushed_at", "id"], name="push_task_environment"),
            models.Index(
                fields=["app", "message_type", "target_kind", "pushed_at", "id"], name="push_task_type_and_kind"
            ),
        ]

    def __str__(self) -> str:
        return self.push_id


class TaskCount(models.Model):
    """Numbers of tasks by UTC hour and kind: counting a million takes too long."""

    pk = models.CompositePrimaryKey("app", "hour", "message_type", "target_kind")
    app = models.ForeignKey(App, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    hour = models.DateTimeField(help_text="The UTC hour of the push time.")
    message_type = models.SmallIntegerField(choices=MessageType.choices)
    target_kind = models.SmallIntegerField(choices=TargetKind.choices)
    tasks = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.tasks} of app {self.app_id} at {self.hour:%Y-%m-%d %H}h UTC"
