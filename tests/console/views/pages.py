"""What tests read off the pages of the message list."""

from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from django.test import Client


def titles(response: Any) -> list[str]:
    """The titles of the messages on a page, in their order; of the one that a search opened."""
    if "message" in response.context:
        return [response.context["message"].title]
    return [message.title for message in response.context["page"].rows]


def addresses(client: Client, start: str | dict[str, Any], link: Literal["newer", "older"]) -> Iterator[Any]:
    """The answers from `start` (an address, or the request of an answer) along one link, to the end."""
    if isinstance(start, str):
        path, _, query = start.partition("?")
    else:
        path, query = start["PATH_INFO"], start["QUERY_STRING"]
    parameters = dict(parse_qsl(query))
    for _ in range(100):
        response = client.get(f"{path}?{urlencode(parameters)}")
        assert response.status_code == 200
        yield response
        cursor = response.context[link]
        if cursor is None:
            return
        parameters = {name: value for name, value in parameters.items() if name not in ("after", "before")}
        parameters["before" if link == "newer" else "after"] = cursor
    raise AssertionError("the pages do not end")
