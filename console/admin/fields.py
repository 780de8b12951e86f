"""Form fields."""

import json
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.auth.models import User
from django.forms.fields import InvalidJSONInput
from django.utils import timezone

# Ingestion takes a little less. So nothing stored is refused here.
_DEEPEST = 255
_DIGITS = 19  # of the first numbers that no bigint holds


class StoredText(forms.CharField):
    """A text that is changed only by a person, not by a browser."""

    widget = AdminTextInputWidget

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, strip=False, **options)

    def to_python(self, value: Any) -> str:
        return _with_line_feeds(super().to_python(value) or "")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self._as_browsers_send(initial), self._as_browsers_send(data))

    def _as_browsers_send(self, text: str | None) -> str:
        # Text areas send CR LF. Other fields drop line ends.
        text = _with_line_feeds(text or "")
        return text if isinstance(self.widget, forms.Textarea) else text.replace("\n", "")


def _with_line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


class BoundedJSON(forms.JSONField):
    """JSON that Python can read and write without an error."""

    def to_python(self, value: Any) -> Any:
        if not isinstance(value, str):
            return super().to_python(value)
        try:
            read = super().to_python(value)
            json.dumps(read, ensure_ascii=False).encode()
        except (RecursionError, ValueError):  # ValueError: a number of over 4,300 digits, or a lone surrogate
            raise forms.ValidationError(
                "This JSON is nested too deep, or holds a number or character that cannot be stored."
            ) from None
        if _is_deeper_than(_DEEPEST, read):
            raise forms.ValidationError(f"This JSON is nested more than {_DEEPEST} levels deep.")
        return read

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What the form shows again: unreadable text as it is."""
        try:
            self.to_python(data)
        except forms.ValidationError:
            return InvalidJSONInput(data)
        return super().bound_data(data, initial)


def _is_deeper_than(levels: int, value: Any) -> bool:
    level = [value]
    for _ in range(levels + 1):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return bool(level)


class MomentInput(AdminTextInputWidget):
    """A time in ISO 8601 with its offset, so that what is typed as shown means what is shown."""

    supports_microseconds = True

    def format_value(self, value: Any) -> Any:
        return timezone.localtime(value).isoformat(" ") if isinstance(value, datetime) else value


class MomentField(forms.DateTimeField):
    """A time with or without an offset. Without one, it is in the current zone, which the page names."""

    widget = MomentInput

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.error_messages["invalid"] = "Type a time such as 2026-11-26 06:29 or 2026-11-26 06:29:00+08:00."

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> forms.BoundField:
        # The zone is that of the request.
        zone = f"ISO 8601. Without an offset: {timezone.get_current_timezone_name()}."
        self.help_text = " ".join(filter(None, [str(self.help_text).partition("ISO 8601.")[0].strip(), zone]))
        return super().get_bound_field(form, field_name)

    def prepare_value(self, value: Any) -> Any:
        return value


class PersonField(forms.ModelChoiceField):
    """An active person, by username: a list of thousands would be no help."""

    widget = AdminTextInputWidget

    def __init__(self, **options: Any) -> None:
        people = User.objects.filter(is_active=True)
        super().__init__(queryset=people, to_field_name="username", **options)
        self.error_messages["invalid_choice"] = "There is nobody with this username, or they are deactivated."


class LabelledForm(forms.ModelForm):
    """A row of a table: the table's head is no label."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        for field in self.fields.values():
            # The admin wraps the widget of a relation.
            widget: Any = getattr(field.widget, "widget", field.widget)
            widget.attrs["aria-label"] = field.label


class LabelledFormSet(forms.BaseInlineFormSet):
    """Rows that can be removed by a check box."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if "DELETE" in form.fields:
            form.fields["DELETE"].widget.attrs["aria-label"] = "Remove this row"


def is_number(text: str) -> bool:
    """Whether this may be the key of a row."""
    return len(text) < _DIGITS and text.isascii() and text.isdigit()
