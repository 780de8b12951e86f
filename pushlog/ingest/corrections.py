"""Data fixes by a person: what may be put right in a message that is in the log."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from pushlog.models import Message


@transaction.atomic
def correct(*, message_id: UUID, title: str, content: str, extras: dict[str, Any], expires_at: datetime | None) -> None:
    """Replaces a message's title, content, extras and expiry time (aware, or None). Raises Message.DoesNotExist.

    Nothing else may be corrected: the rest makes up the ID, or is the status, which only receipts change.
    """
    changed = Message.objects.filter(pk=message_id).update(
        title=title, content=content, extras=extras, expires_at=expires_at
    )
    if not changed:
        raise Message.DoesNotExist
