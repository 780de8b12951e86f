"""Corrections of stored messages by a person."""

import json
from typing import Any
from uuid import UUID

from django.db import transaction
from pydantic import AwareDatetime, BaseModel, model_validator

from pushlog import sealing
from pushlog.ingest.fields import Content, Extras, Moment, Title
from pushlog.ingest.rows import check_validity
from pushlog.models import Message


class Correction(BaseModel):
    """The fields that may be corrected, with the bounds of a `MessageRow`. Raises pydantic's ValidationError.

    `created_at` is the message's own, to check `expires_at` against.
    """

    created_at: AwareDatetime
    title: Title = ""
    content: Content = ""
    extras: Extras = "{}"
    expires_at: Moment | None = None

    @model_validator(mode="after")
    def _must_expire_later(self) -> "Correction":
        check_validity(self.created_at, self.expires_at)
        return self


@transaction.atomic
def correct(*, message_id: UUID, correction: Correction) -> dict[str, tuple[Any, Any]]:
    """Writes only what is given, since others may correct other fields. Raises Message.DoesNotExist.

    Returns the old and new value of each field that changed.
    """
    new = correction.model_dump(exclude_unset=True, exclude={"created_at"})
    if "extras" in new:
        new["extras"] = json.loads(new["extras"])
    if not new:
        return {}
    stored = Message.objects.select_for_update(of=["self"]).select_related("app").get(pk=message_id)
    Message.objects.filter(pk=message_id).update(**_as_stored(stored, new))
    return {name: (old, value) for name, value in new.items() if (old := getattr(stored, name)) != value}


def _as_stored(stored: Message, new: dict[str, Any]) -> dict[str, Any]:
    """The columns to write: encrypted if the app encrypts, or if the message is."""
    is_sealed = stored.app.encrypts_content or stored.sealed_title or stored.sealed_content
    if not is_sealed or new.keys() <= {"expires_at"}:
        return new
    text = {name: new.get(name, getattr(stored, name)) for name in ("title", "content", "extras")}
    return {name: value for name, value in new.items() if name not in text} | {
        "title": "",
        "content": "",
        "extras": {},
        "sealed_title": sealing.seal(text["title"]) if text["title"] else None,
        "sealed_content": sealing.seal(text["content"], text["extras"]),
    }
