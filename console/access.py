"""Who may see which app. The only place that decides it."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlsplit, urlunsplit

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from console import htmx
from pushlog.models import App


class MemberRequest(HttpRequest):
    """A request of a member of `app`."""

    user: User
    app: App


def visible_apps(user: User | AnonymousUser) -> QuerySet[App]:
    """The apps that a person is a member of. Superusers are no exception."""
    return App.objects.filter(memberships__user=user.pk)


P = ParamSpec("P")


def member_required(
    view: Callable[Concatenate[MemberRequest, P], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Sets `request.app` and its time zone. Others than members get a 404."""

    @wraps(view)
    def guarded(request: HttpRequest, app: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        request = cast(MemberRequest, request)
        if not request.user.is_authenticated:
            return _to_login(request, app)
        request.app = get_object_or_404(visible_apps(request.user), slug=app)
        timezone.activate(request.app.time_zone)  # until console.middleware.own_time_zone
        return view(request, *args, **kwargs)

    return guarded


def _to_login(request: HttpRequest, app: str) -> HttpResponse:
    messages = reverse("messages", args=[app])
    if request.method == "POST":
        # A form cannot be sent again after the login.
        return redirect_to_login(messages)
    if not htmx.wants_fragment(request):
        return redirect_to_login(request.get_full_path())
    # A redirect would put the login page into the fragment's place.
    try:
        page = urlsplit(request.headers["HX-Current-URL"])
        here = urlunsplit(("", "", page.path, page.query, ""))
    except (KeyError, ValueError):
        here = messages
    return HttpResponse(status=204, headers={"HX-Redirect": redirect_to_login(here).headers["Location"]})
