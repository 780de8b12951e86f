"""An app with push tasks of every kind, put into a running console beside its demo."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.browser.console_server import ROOT, Console

TASKS = "/apps/travel/tasks/"
MESSAGES = "/apps/travel/messages/"
SALE = "sale/2026-11"
SALE_PAGE = f"{TASKS}sale~2F2026-11/"
# Of the sale: so many messages, of which every fifth failed.
COUNT = 120
TARGETS = [f"traveller-{number:03d}" for number in range(40)]
HOSTILE = "<script>alert(1)</script>"

_ANDROID = {
    "ring": 1,
    "vibrate": 0,
    "clearable": 1,
    "custom_content": '{"trip": "T-1207"}',
    "icon_res": "",
    "action": {"action_type": 1, "activity": "com.example.travel.TripActivity", "browser": None},
}
_IOS = {"aps": {"alert": {"subtitle": "Until Sunday night"}, "badge_type": -2, "sound": "default"}}


def add_travel(console: Console) -> None:
    """Puts the app into the console's log, as another process. The operator is its member, and nobody else."""
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "HTTPS"}}
    environment |= {"PUSHLOG_VAR": str(console.var), "DJANGO_SETTINGS_MODULE": "console.settings"}
    command = [sys.executable, "-m", "tests.browser.travel"]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _tasks(now: datetime) -> list[dict[str, Any]]:
    common = {"content": "All trips are a fifth off until Sunday night.", "android": _ANDROID, "ios": _IOS}
    kinds = ("all", "tag", "devices", "accounts", "account_file", "device_file")
    states = ("finished", "finished", "failed", "started", "revoked", "cancelled", "waiting")
    some = [
        {
            "push_id": f"{41_000_000 + number}",
            "target_kind": kinds[number % 6],
            "state": states[number % 7],
            "message_type": "data" if number % 9 == 0 else "notification",
            "environment": "development" if number % 11 == 0 else "production",
            "pushed_at": (now - timedelta(hours=5 * number + 1)).isoformat(),
            "title": ("Trips to the sea", "去海边", "رحلة إلى البحر", "")[number % 4],
            "upload_id": 900 + number if number % 6 > 3 else 0,
        }
        for number in range(COUNT)
    ]
    tags = [{"type": "xg_user_define", "value": f"city-{number}"} for number in range(3)]
    return [
        *(common | one for one in some),
        common
        | {
            "push_id": SALE,
            "target_kind": "accounts",
            "state": "finished",
            "pushed_at": (now - timedelta(minutes=40)).isoformat(),
            "title": "Weekend sale",
            "expires_in": 86_400,
            "collapse_id": 7,
            "media_url": "https://media.example.com/sale.png",
            "targets": TARGETS,
        },
        common
        | {
            "push_id": HOSTILE,
            "target_kind": "tag",
            "pushed_at": (now + timedelta(days=2)).isoformat(),
            "title": HOSTILE,
            "tag_rule": {"operator": "or", "tags": tags},
            "android": {HOSTILE: {HOSTILE: HOSTILE}},
        },
        {"push_id": "to-all", "target_kind": "all", "state": "finished", "title": "Good morning", "expires_in": 0},
    ]


def main() -> None:
    """Writes all of it through the project's own writers."""
    import django

    django.setup()

    from django.contrib.auth.models import User

    from pushlog import ingest
    from pushlog.maintenance import database
    from pushlog.models import App

    database.start()
    app = App.objects.create(slug="travel", name="Travel", environment="production", time_zone="Asia/Shanghai")
    app.members.add(User.objects.get(username="operator"), through_defaults={"role": "operator"})
    now = datetime.now(UTC)
    assert not ingest.write_tasks(app=app, rows=_tasks(now)).rejected
    rows = [
        {
            "target_id": TARGETS[number % len(TARGETS)],
            "push_type": "user",
            "customer_message_id": f"sale-{number:03d}",
            "created_at": (now - timedelta(minutes=30, seconds=number)).isoformat(),
            "expires_in": 86_400,
            "title": "Weekend sale",
            "content": "All trips are a fifth off.",
            "task": SALE,
        }
        for number in range(COUNT)
    ]
    other = {"task": "never-reported", "customer_message_id": "alone", "created_at": now.isoformat()}
    to_all = {"task": "to-all", "mode": "broadcast", "customer_message_id": "secret"}
    stored = ingest.write_messages(app=app, rows=[*rows, rows[0] | other, rows[0] | to_all])
    assert not stored.rejected
    receipts = [
        {"message_id": str(identifier), "at": now.isoformat()}
        | ({"channel": "apns", "code": 2009} if number % 5 == 0 else {"channel": "own", "code": 2})
        for number, identifier in enumerate(stored.ids[:COUNT])
    ]
    assert not ingest.write_receipts(app=app, rows=receipts).rejected


if __name__ == "__main__":
    main()
