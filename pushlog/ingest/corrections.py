"""Corrections of stored messages by a person."""

import json
from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from pydantic import AwareDatetime, BaseModel, model_validator

from pushlog.ingest.fields import Content, Extras, Moment, Title
from pushlog.ingest.rows import check_validity
from pushlog.models import Message


class Correction(BaseModel):
    """The fields that may be corrected, with the bounds of a `MessageRow`. Raises pydantic's ValidationError.

    `created_at` is the message's own, to check `expires_at` against.
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
    """Replaces only the named `fields`, since somebody else may be correcting others. Raises Message.DoesNotExist."""
    new = {
        "title": correction.title,
        "content": correction.content,
        "extras": json.loads(correction.extras),
        "expires_at": correction.expires_at,
    }
    found = Message.objects.filter(pk=message_id)
    if not found.update(**{name: value for name, value in new.items() if name in fields}):
        raise Message.DoesNotExist
