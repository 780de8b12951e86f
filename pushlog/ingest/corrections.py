"""Data fixes by a person: what may be put right in a message that is in the log."""

import json
from uuid import UUID

from django.db import transaction

from pushlog.ingest.rows import Correction
from pushlog.models import Message


@transaction.atomic
def correct(*, message_id: UUID, correction: Correction) -> None:
    """Replaces a message's title, content, extras and expiry time. Raises Message.DoesNotExist.

    Nothing else may be corrected: the rest makes up the ID, or is the status, which only receipts change.
    """
    changed = Message.objects.filter(pk=message_id).update(
        title=correction.title,
        content=correction.content,
        extras=json.loads(correction.extras),
        expires_at=correction.expires_at,
    )
    if not changed:
        raise Message.DoesNotExist
