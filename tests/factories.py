"""Small functions with defaults that put real rows in the database, through the project's own writers."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from pushlog import ingest
from pushlog.models import App, InstallationRole, Membership, Message, PushTask, Role

_numbers = count(1)


def create_app(**fields: Any) -> App:
    """An app with a name of its own."""
    number = next(_numbers)
    defaults = {"slug": f"app-{number}", "name": f"App {number}", "time_zone": "UTC"}
    return App.objects.create(**(defaults | fields))


def create_user(*apps: App, role: Role = Role.OPERATOR, kind: str = "", **fields: Any) -> User:
    """A person with this role in these apps, and perhaps a `kind` of role for the installation.

    Without a password: to make one takes half a second.
    """
    user = User.objects.create_user(**({"username": f"user-{next(_numbers)}"} | fields))
    Membership.objects.bulk_create(Membership(user=user, app=app, role=role) for app in apps)
    if kind:
        InstallationRole.objects.create(user=user, kind=kind)
    return user


def message_row(**fields: Any) -> dict[str, Any]:
    """A valid message as it comes in, created ten minutes ago."""
    number = next(_numbers)
    row = {
        "target_id": f"target-{number}",
        "push_type": "user",
        "customer_message_id": f"message-{number}",
        "title": f"Title {number}",
        "content": "Your parcel is on its way.",
        "created_at": datetime.now(UTC) - timedelta(minutes=10),
    } | fields
    if isinstance(row["created_at"], datetime):
        row["created_at"] = row["created_at"].isoformat()
    return row


def create_messages(app: App, rows: list[dict[str, Any]], **options: Any) -> list[UUID]:
    """Stores the rows, all of which must be valid, and gives their IDs."""
    result = ingest.write_messages(app=app, rows=rows, **options)
    assert not result.rejected
    return [identifier for identifier in result.ids if identifier]


def create_message(app: App, **fields: Any) -> Message:
    """One message in the log."""
    [identifier] = create_messages(app, [message_row(**fields)])
    return Message.objects.get(pk=identifier)


def send_receipt(message: Message, **fields: Any) -> ingest.ReceiptsResult:
    """A receipt for a message: received by the device a second after its creation, unless told otherwise."""
    receipt = {
        "message_id": str(message.pk),
        "channel": "own",
        "code": 2,
        "at": (message.created_at + timedelta(seconds=1)).isoformat(),
    } | fields
    given = {name: value for name, value in receipt.items() if value is not None}
    result = ingest.write_receipts(app=message.app, rows=[given])
    assert not result.rejected
    return result


def task_row(**fields: Any) -> dict[str, Any]:
    """A valid push task as it comes in: to everybody, sent ten minutes ago."""
    number = next(_numbers)
    row = {
        "push_id": f"{1_000_000 + number}",
        "target_kind": "all",
        "state": "finished",
        "pushed_at": datetime.now(UTC) - timedelta(minutes=10),
        "title": f"Task {number}",
    } | fields
    if isinstance(row["pushed_at"], datetime):
        row["pushed_at"] = row["pushed_at"].isoformat()
    return row


def create_task(app: App, *, now: datetime | None = None, **fields: Any) -> PushTask:
    """One push task in the log."""
    row = task_row(**fields)
    result = ingest.write_tasks(app=app, rows=[row], now=now)
    assert not result.rejected, result
    return PushTask.objects.get(app=app, push_id=row["push_id"])
