"""Form fields."""

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget


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
