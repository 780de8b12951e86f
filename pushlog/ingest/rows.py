"""Valid rows of messages and receipts: fields, bounds and times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID, uuid4

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from pushlog import clock, message_ids, statuses
from pushlog.ingest.fields import (
    NO_NUL,
    NOT_BOOL,
    STRIPPED,
    Content,
    CustomerID,
    Extras,
    Moment,
    TargetID,
    Text,
    Title,
    word_of,
)
from pushlog.models import WINDOW, App, Mode, PushType

MAX_ROWS = 10_000
CLOCK_SKEW = timedelta(minutes=10)
MAX_VALIDITY = timedelta(days=366)

ChannelNumber = Annotated[int, word_of(statuses.Channel)]


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why the row at `index` was not stored: "field: reason", without values, which may be personal."""

    index: int
    error: str
    field: str = ""  # empty if the row as a whole is wrong


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a row that is no JSON object. `error` says why, without values."""

    error: str


def check_validity(created_at: datetime, expires_at: datetime | None) -> None:
    if expires_at is not None and not timedelta(0) <= expires_at - created_at <= MAX_VALIDITY:
        raise ValueError(f"must be within {MAX_VALIDITY.days} days after created_at")


class MessageRow(BaseModel):
    """A message as senders give it; words are converted to the numbers that are stored."""

    model_config = ConfigDict(extra="forbid")

    target_id: TargetID
    push_type: Annotated[int, word_of(PushType)]
    mode: Annotated[int, word_of(Mode)] = Mode.SIMPLE.value
    customer_message_id: CustomerID = Field(default_factory=lambda: uuid4().hex)
    title: Title = ""
    content: Content = ""
    extras: Extras = "{}"
    channel: ChannelNumber = statuses.Channel.OWN.value
    created_at: Moment = Field(default_factory=lambda: clock.now())
    expires_in: Annotated[int, Field(ge=0, le=int(MAX_VALIDITY.total_seconds())), NOT_BOOL] | None = None
    # After the two fields that its validator reads.
    expires_at: Moment | None = None
    # Stripped as the task's own push ID is, or the two would not meet. Empty: none.
    task: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL), STRIPPED] = ""
    app: str | None = None

    @field_validator("expires_at")
    @classmethod
    def _must_be_the_only_expiry_and_later(cls, expires_at: datetime | None, info: ValidationInfo) -> datetime | None:
        if expires_at is not None and info.data.get("expires_in") is not None:
            raise ValueError("must not be given beside expires_in")
        if created_at := info.data.get("created_at"):
            check_validity(created_at, expires_at)
        return expires_at

    @property
    def expiry(self) -> datetime | None:
        """The expiry time. Raises OverflowError for a row far outside the window."""
        if self.expires_in is None:
            return self.expires_at
        return self.created_at + timedelta(seconds=self.expires_in)

    @property
    def moment(self) -> datetime:
        return self.created_at


class ReceiptRow(BaseModel):
    """A receipt as senders give it: with a message ID, or with target ID and customer message ID."""

    model_config = ConfigDict(extra="forbid")

    message_id: UUID | None = None
    target_id: TargetID | None = None
    customer_message_id: CustomerID | None = None
    channel: ChannelNumber = statuses.Channel.OWN.value
    code: Annotated[int, Field(ge=-(2**31), lt=2**31), NOT_BOOL] = statuses.REVOKED
    at: Moment
    detail: Annotated[Text, Field(max_length=1000)] = ""
    revoked: bool = False
    app: str | None = None

    @model_validator(mode="after")
    def _must_name_one_message(self) -> "ReceiptRow":
        if (self.message_id is None) == (self.target_id is None and self.customer_message_id is None):
            raise ValueError("give message_id, or target_id and customer_message_id")
        if self.message_id is None and (self.target_id is None or self.customer_message_id is None):
            raise ValueError("target_id and customer_message_id go together")
        if ("code" in (given := self.model_fields_set)) != ("channel" in given):
            raise ValueError("code and channel go together: a code alone is ambiguous")
        if "code" in given:
            if self.code in (statuses.NO_RECEIPT, statuses.REVOKED):
                raise ValueError("code is reserved")
        elif not self.revoked:
            raise ValueError("code: is required")
        return self

    @property
    def moment(self) -> datetime:
        return self.at


MESSAGE, RECEIPT = TypeAdapter(MessageRow), TypeAdapter(ReceiptRow)

Row = TypeVar("Row", MessageRow, ReceiptRow)


def valid(
    adapter: TypeAdapter[Row], rows: Sequence[object], *, app: App, now: datetime, rejected: list[Rejection]
) -> Iterator[tuple[int, Row]]:
    """Yields the valid rows with their indexes, and adds the others to `rejected`.

    Rows are JSON values or `Unreadable`. Raises ValueError for more than MAX_ROWS.
    """
    if len(rows) > MAX_ROWS:
        raise ValueError(f"at most {MAX_ROWS:,} rows at once")
    return _valid(adapter, rows, app, now, rejected)


def _valid(
    adapter: TypeAdapter[Row], rows: Sequence[object], app: App, now: datetime, rejected: list[Rejection]
) -> Iterator[tuple[int, Row]]:
    oldest, newest = now - WINDOW, now + CLOCK_SKEW
    first, end = message_ids.first_id(oldest).int, message_ids.first_id(newest + message_ids.MILLISECOND).int
    validate = adapter.validator.validate_python
    for index, given in enumerate(rows):
        if isinstance(given, Unreadable):
            rejected.append(Rejection(index, given.error))
            continue
        try:
            row = validate(given)
        except ValidationError as error:
            rejected.append(Rejection(index, *reason(error)))
            continue
        if not oldest <= row.moment <= newest:
            field = "created_at" if isinstance(row, MessageRow) else "at"
            rejected.append(Rejection(index, f"{field}: is outside the last {WINDOW.days} days", field))
        elif isinstance(row, ReceiptRow) and row.message_id is not None and not first <= row.message_id.int < end:
            rejected.append(Rejection(index, f"message_id: is older than {WINDOW.days} days, or ahead", "message_id"))
        elif row.app is not None and row.app != app.slug:
            rejected.append(Rejection(index, "app: unknown app", "app"))
        else:
            yield index, row


def reason(error: ValidationError) -> tuple[str, str]:
    """Returns a row's first error as "field: reason", and the field. Without the value, which may be personal."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    why = first["msg"].removeprefix("Value error, ")
    why = why[:1].lower() + why[1:]
    if first["type"] == "string_pattern_mismatch":
        why = "must not contain NUL, nor in an ID U+001C to U+001F"
    field = str(first["loc"][0])[:64] if first["loc"] else ""
    return (f"{field}: {why}" if field else why), field
