"""A form field that both admin forms of stored rows share."""

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget


class StoredText(forms.CharField):
    """A text that counts as changed only if a person changed it. Outer blanks belong to it."""

    widget = AdminTextInputWidget

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, strip=False, **options)

    def to_python(self, value: Any) -> str:
        return _with_line_feeds(super().to_python(value) or "")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self._as_browsers_send(initial), self._as_browsers_send(data))

    def _as_browsers_send(self, text: str | None) -> str:
        # Browsers end the lines of a text area with CR LF, and drop line ends from all other fields.
        text = _with_line_feeds(text or "")
        return text if isinstance(self.widget, forms.Textarea) else text.replace("\n", "")


def _with_line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
