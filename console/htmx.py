"""Whether a request wants a page, or the part of it that htmx swaps in."""

from django.http import HttpRequest


def wants_fragment(request: HttpRequest) -> bool:
    """True if htmx asks for a fragment.

    Not when it restores a page of the browser's history: then it asks under the same header for a whole page.
    """
    headers = request.headers
    return headers.get("HX-Request") == "true" and headers.get("HX-History-Restore-Request") != "true"
