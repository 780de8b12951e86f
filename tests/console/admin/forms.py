"""The form of an admin page as a browser sends it back when nobody touched it."""

from html.parser import HTMLParser
from typing import Any

from django.test import Client


class _Form(HTMLParser):
    """Collects what the fields of a page send."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}
        self._text_area = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "input" and name and given.get("type") not in ("submit", "checkbox"):
            self.values[name] = (given.get("value") or "").replace("\r", "").replace("\n", "")
        elif tag == "input" and name and "checked" in given:
            # Boxes of one name send all their values.
            value = given.get("value") or "on"
            self.values[name] = [*self.values[name], value] if name in self.values else [value]
        elif tag == "textarea":
            self._text_area = name
            self.values[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given:
            self.values[self._select] = given.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self._text_area:
            self.values[self._text_area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            # A line end right behind the tag is none of the text.
            text = self.values[self._text_area].replace("\r\n", "\n").replace("\r", "\n").removeprefix("\n")
            self.values[self._text_area] = text.replace("\n", "\r\n")
            self._text_area = ""


def untouched(client: Client, address: str) -> dict[str, Any]:
    """What the form at this address sends."""
    form = _Form()
    form.feed(client.get(address).content.decode())
    return form.values
