"""Valid rows of push tasks."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pushlog.ingest.fields import Content, Extras, Moment, PushID, TargetID, Text, Title, Whole, word_of
from pushlog.models import MessageType, TargetKind, TaskSource, TaskState
from pushlog.models.task import UINT32

MAX_TARGETS = 1000  # per task, as in TPNS
MAX_TAGS = 500
MAX_AHEAD = timedelta(days=90)  # for scheduled tasks

_Number32 = Annotated[Whole, Field(ge=0, le=UINT32)]
_URL = Annotated[Text, Field(max_length=2000)]
_Object = Extras | None


def _left_out() -> Any:
    return None


def _only_web(url: str) -> str:
    if url and not url.startswith(("https://", "http://")):
        raise ValueError("must begin with https:// or http://")
    return url


class Tag(BaseModel):
    """A tag that targets must have; `type` is for example xg_user_define."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[Text, Field(min_length=1, max_length=64)]
    value: Annotated[Text, Field(max_length=512)]


class TagRule(BaseModel):
    """Selects targets with one of the tags (or), or with all of them (and)."""

    model_config = ConfigDict(extra="forbid")

    operator: Literal["and", "or"]
    tags: Annotated[list[Tag], Field(min_length=1, max_length=MAX_TAGS)]


class TaskRow(BaseModel):
    """A push task as senders give it. A new task needs `target_kind`; an update changes only the given fields."""

    model_config = ConfigDict(extra="forbid")

    push_id: PushID
    target_kind: Annotated[int, word_of(TargetKind)] = 0
    state: Annotated[int, word_of(TaskState)] = TaskState.CREATED.value
    message_type: Annotated[int, word_of(MessageType)] = MessageType.NOTIFICATION.value
    source: Annotated[int, word_of(TaskSource)] = TaskSource.API.value
    environment: Literal["production", "development"] = "production"
    # Null is rejected. `write_tasks` fills in times that were left out.
    created_at: Moment = Field(default_factory=_left_out)
    pushed_at: Moment = Field(default_factory=_left_out)
    title: Title = ""
    content: Content = ""
    expires_in: _Number32 = 0
    collapse_id: _Number32 = 0
    upload_id: _Number32 = 0
    multi_package: bool = False
    media_url: Annotated[_URL, AfterValidator(_only_web)] = ""
    audio_url: Annotated[_URL, AfterValidator(_only_web)] = ""
    group: Annotated[Text, Field(max_length=64)] = ""
    targets: Annotated[list[TargetID], Field(max_length=MAX_TARGETS)] | None = None
    tag_rule: TagRule | None = None
    android: _Object = None
    ios: _Object = None
    iot: _Object = None
    app: str | None = None
