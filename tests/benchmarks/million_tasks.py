"""An app with a million push tasks and not one message, for the lists of tasks: of the console, and TPNS's call."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from pushlog import ingest
from pushlog.models import App, PushTask

APP = "push-tasks"
TASKS = 1_000_000  # for the 400,000 messages of `make bench` and above; fewer for fewer
_DAYS = 29
_ANDROID = {
    "ring": 1,
    "vibrate": 0,
    "lights": 1,
    "clearable": 1,
    "action": {"action_type": 1},
    "custom_content": "{}",
}


def load(rows: int) -> None:
    """Push tasks for a log of so many messages, by the project's own path, unless they are there: all, or none."""
    app, _ = App.objects.get_or_create(slug=APP, defaults={"name": "Push tasks"})
    if PushTask.objects.filter(app=app).exists():
        return
    tasks = min(TASKS, rows * 5 // 2)
    print(f"Loading {tasks:,} push tasks …", flush=True)
    now = datetime.now(UTC)
    with transaction.atomic():
        for first in range(0, tasks, ingest.MAX_ROWS):
            batch = [_row(number, tasks, now) for number in range(first, min(first + ingest.MAX_ROWS, tasks))]
            assert not ingest.write_tasks(app=app, rows=batch, now=now).rejected


def _row(number: int, tasks: int, now: datetime) -> dict[str, Any]:
    """Most go to everybody; one in ten is in one busy hour, and ten of all are data messages to a file of devices."""
    rare = number % (tasks // 10) == 7
    busy = now - timedelta(days=10)
    at = (
        busy.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1) * number / tasks
        if number % 10 == 5
        else now - timedelta(days=_DAYS) * number / tasks
    )
    return {
        "push_id": f"{3_895_624_686 + number}",
        "target_kind": "device_file" if rare else ("tag" if number % 20 == 0 else "all"),
        "message_type": "data" if rare else "notification",
        "state": "finished",
        "pushed_at": at.isoformat(),
        "title": f"Offer {number % 500} is waiting",
        "content": "Only until Sunday: tap to see what we have put aside for you.",
        "expires_in": 86400,
        "android": _ANDROID,
    }
