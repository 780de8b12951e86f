"""Data fixes by a person: what may be put right in a message that is in the log."""

import json
from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from pydantic import AwareDatetime, BaseModel, model_validator

from pushlog.ingest.fields import Content, Extras, Moment, Title
from pushlog.ingest.rows import check_validity
from pushlog.models import Message


class Correction(BaseModel):
    """What a person may put right in a message, within the bounds of a message that comes in.

    `created_at` is the message's, which stays. Raises pydantic's ValidationError for what is out of bounds.
    """

    created_at: AwareDatetime
    title: Title
    content: Content
    extras: Extras
    expires_at: Moment | None

    @model_validator(mode="after")
    def _must_expire_later(self) -> "Correction":
        check_validity(self.created_at, self.expires_at)
        return self


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
