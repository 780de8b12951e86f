"""Filters and search forms of the lists."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import django_filters
from django import forms
from django.core.validators import MaxLengthValidator
from django.utils import timezone

from console.local_times import in_current_zone
from pushlog.choices import WordChoices
from pushlog.invisible import strip_invisible
from pushlog.message_pages import Question
from pushlog.models import LISTED_MODES, App, Mode, PushTask, PushType, TargetKind, TaskState
from pushlog.models.task import PushTaskQuerySet
from pushlog.statuses import EXPIRED, TAKEN_BACK, Outcome, Status, named, outcome_of


def words(members: Iterable[WordChoices]) -> list[tuple[str, str]]:
    return [("", "Any"), *((member.word, str(member.label)) for member in members)]


class LocalTimeField(forms.DateTimeField):
    """A local time of the current zone. The stock field refuses some around a clock change."""

    def __init__(self, *, fold: int, **options: Any) -> None:
        super().__init__(
            input_formats=[f"%Y-%m-%d{between}%H:%M{end}" for between in "T " for end in ("", ":%S")],
            widget=forms.TextInput(attrs={"size": "19"}),
            **options,
        )
        self.error_messages["invalid"] = "Type a time such as 2026-11-27 14:00."
        self.fold = fold

    def to_python(self, value: Any) -> datetime | None:
        with timezone.override(UTC):  # makes the stock field take any time
            typed = super().to_python(value)
        try:
            return in_current_zone(timezone.make_naive(typed, UTC), fold=self.fold) if typed else None
        except OverflowError:
            raise forms.ValidationError("There is no such time in the calendar.") from None


class LocalTimeFilter(django_filters.Filter):
    field_class = LocalTimeField


def _number(enum: type[WordChoices]) -> Any:
    return lambda word: enum.by_word()[word].value


class Range(WordChoices):
    """Spans that end now or at a midnight of the current zone. The list itself goes back 30 days."""

    HOUR = 1, "Last hour"
    TODAY = 2, "Today"
    YESTERDAY = 3, "Yesterday"
    WEEK = 4, "7 days"

    def bounds(self, now: datetime) -> tuple[datetime, datetime | None]:
        if self is Range.HOUR:
            return now - timedelta(hours=1), None
        if self is Range.WEEK:
            return now - timedelta(days=7), None
        today = timezone.localdate(now)
        if self is Range.TODAY:
            return _midnight(today), None
        return _midnight(today - timedelta(days=1)), _midnight(today)


def _midnight(day: date) -> datetime:
    return in_current_zone(datetime.combine(day, time.min))


class _StatusField(forms.Field):
    """A status by what people type. templates/lists/_filters.html loads suggestions."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.TextInput(attrs={"list": "statuses", "autocomplete": "off"}), **options)

    def to_python(self, value: Any) -> Status | None:
        typed = strip_invisible(value or "")
        try:
            return named(typed) if typed else None
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


class _WordField(forms.TypedChoiceField):
    """One of these, by its word."""

    def __init__(self, members: Iterable[WordChoices], **options: Any) -> None:
        members = list(members)
        values = {member.word: member.value for member in members}
        super().__init__(choices=words(members), coerce=values.__getitem__, empty_value=None, required=False, **options)


class MessageFilters(forms.Form):
    """Times are of the current zone, the app's."""

    push_type = _WordField(PushType, label="Push type")
    mode = _WordField(LISTED_MODES, label="Mode")
    outcome = forms.ChoiceField(
        label="Outcome", choices=[*words(Outcome), (EXPIRED, "Expired"), (TAKEN_BACK, "Revoked")], required=False
    )
    status = _StatusField(label="Status", required=False)
    range = forms.ChoiceField(
        label="Created", choices=[("", "30 days"), *((one.word, one.label) for one in Range)], required=False
    )
    # From and before hold both turns of an hour that comes twice.
    created_from = LocalTimeField(label="Created from", fold=0, required=False)
    created_to = LocalTimeField(label="Created before", fold=1, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        start, end = cleaned.get("created_from"), cleaned.get("created_to")
        if start and end and start >= end:
            self.add_error("created_to", "This time must be after the other one.")
        if start or end:  # typed after the range was chosen
            cleaned["range"] = ""
        return cleaned

    def question(self, app: App, *, now: datetime, target_id: str = "", customer_message_id: str = "") -> Question:
        """Of valid filters."""
        chosen = self.cleaned_data
        start, end = chosen["created_from"], chosen["created_to"]
        if chosen["range"]:
            start, end = Range.by_word()[chosen["range"]].bounds(now)
        status: Status | None = chosen["status"]
        return Question(
            app,
            now,
            target_id=target_id,
            customer_message_id=customer_message_id,
            push_type=chosen["push_type"],
            mode=chosen["mode"],
            outcome=chosen["outcome"],
            status=(outcome_of(status.channel, status.code), status.channel, status.code)
            if status and status.channel
            else None,
            start=start,
            end=end,
        )


class FoundFilters(MessageFilters):
    """A search finds multiple messages too."""

    mode = _WordField([*LISTED_MODES, Mode.MULTIPLE], label="Mode")


class TaskFilter(django_filters.FilterSet):
    """A day is one of the current zone, the app's."""

    target_kind = django_filters.TypedChoiceFilter(
        choices=words(TargetKind), coerce=_number(TargetKind), empty_value=None
    )
    state = django_filters.TypedChoiceFilter(choices=words(TaskState), coerce=_number(TaskState), empty_value=None)
    day = django_filters.DateFilter(
        label="Day",
        method="filter_day",
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    class Meta:
        model = PushTask
        fields: list[str] = []

    def filter_day(self, queryset: PushTaskQuerySet, name: str, value: date) -> PushTaskQuerySet:
        try:
            start, end = _midnight(value), _midnight(value + timedelta(days=1))
        except OverflowError:  # the first or last day of the calendar
            return queryset.none()
        return queryset.filter(pushed_at__gte=start, pushed_at__lt=end)


class IDField(forms.CharField):
    """Strips an ID as ingestion does. Not max_length: browsers would silently cut a longer one."""

    def __init__(self, *, longest: int, **options: Any) -> None:
        super().__init__(validators=[MaxLengthValidator(longest)], **options)

    def to_python(self, value: Any) -> str:
        return strip_invisible(super().to_python(value) or "")


class TaskSearchForm(forms.Form):
    push_id = IDField(label="Push ID", longest=64, required=False)


class SearchForm(forms.Form):
    """The first field takes an ID of any kind. Both together find one message."""

    target_id = IDField(label="Target ID, or any other ID", longest=512, required=False)
    customer_message_id = IDField(label="Customer message ID", longest=256, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and not any(cleaned.values()):
            self.add_error("target_id", "Type or paste an ID.")
        return cleaned


class ReasonField(forms.CharField):
    """A reason that the audit log keeps: text that can be seen, in one line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_length=3, max_length=200, **options)

    def to_python(self, value: Any) -> str:
        reason = strip_invisible(super().to_python(value) or "")
        if not reason.isprintable():
            raise forms.ValidationError("Write it without invisible characters and line ends.")
        return reason


class RevealForm(forms.Form):
    """Why a person must see what the role does not show."""

    reason = ReasonField(
        label="Ticket number or reason",
        error_messages={
            "required": "Say why: a ticket number, or a reason.",
            "min_length": "Say more: at least three characters.",
        },
    )

    def __init__(self, *given: Any, app: App) -> None:
        super().__init__(*given)
        self.choices = [line.strip() for line in app.reveal_reasons.splitlines() if line.strip()]
