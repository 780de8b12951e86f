"""Data fixes by a person: what may be put right in a message that is in the log."""

import json
from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from pushlog.ingest.rows import Correction
from pushlog.models import Message


@transaction.atomic
def correct(*, message_id: UUID, correction: Correction, fields: Collection[str]) -> None:
    """Replaces those of a message's title, content, extras and expires_at that are named in `fields`.

    The others stay, whatever somebody else has made of them meanwhile. Nothing else may be corrected: the rest makes
    up the ID, or is the status, which only receipts change. Raises Message.DoesNotExist.
    """
    new = {
        "title": correction.title,
        "content": correction.content,
        "extras": json.loads(correction.extras),
        "expires_at": correction.expires_at,
    }
    found = Message.objects.filter(pk=message_id)
    if not found.update(**{name: value for name, value in new.items() if name in fields}):
        raise Message.DoesNotExist
