"""Requests of htmx."""

from django.http import HttpRequest


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page."""
    headers = request.headers
    # To restore history, htmx asks for a whole page.
    return headers.get("HX-Request") == "true" and headers.get("HX-History-Restore-Request") != "true"
