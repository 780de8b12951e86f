"""The only place that decides which pages are compressed. See docs/decisions/0029-weight.md."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.gzip import gzip_page

View = Callable[..., HttpResponse]

# Of each only a few values count, or those that we encrypted. Free text may come from an attacker, who learns from the
# length of a compressed page whether it says the same elsewhere.
NOT_FREE = {"sort", "after", "before", "range", "outcome", "mode", "push_type", "target_kind", "state"}


def compressed(view: View) -> View:
    """A page that shows nothing of its request but these parameters."""
    zipped = gzip_page(view)

    @wraps(view)
    def answer(request: HttpRequest, **parts: Any) -> HttpResponse:
        is_safe = request.method == "GET" and request.GET.keys() <= NOT_FREE
        return (zipped if is_safe else view)(request, **parts)

    return answer
