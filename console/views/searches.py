"""The search in the header of an app's pages."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from console import audit, tokens
from console.access import MemberRequest, member_required
from console.lists.filters import SearchForm
from console.lists.search import Found, address_of, find
from console.tokens import SearchTerms
from console.views.errors import over_limit
from console.views.messages import list_page
from pushlog import clock, message_ids
from pushlog.models import AuditKind, Message

# Characters of a search that a log-in interrupted, and for how many seconds.
_LONGEST_KEPT, _KEPT_FOR = 1000, 3600
_AGAIN = ["search again"]


def _kept_through_login(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A search that comes after the end of the session goes through the log-in, encrypted."""

    @wraps(view)
    def kept(request: HttpRequest, app: str) -> HttpResponse:
        response = view(request, app)
        typed = [request.POST.get(name, "") for name in SearchForm.base_fields]
        if request.user.is_authenticated or not any(typed) or len("".join(typed)) > _LONGEST_KEPT:
            return response
        token = tokens.seal([*_AGAIN, app], typed)
        return redirect_to_login(f"{reverse('search', args=[app])}?{urlencode({'again': token})}")

    return kept


@require_http_methods(["GET", "HEAD", "POST"])
@_kept_through_login
@member_required
def search(request: MemberRequest) -> HttpResponse:
    """Opens the one message or task, or redirects to an address that holds the terms encrypted.

    `message` asks for all to the target of a message, which the page may not show.
    """
    if "message" in request.POST:
        return _found(request, Found(SearchTerms(target_id=_target_of(request))))
    form = SearchForm(request.POST if request.method == "POST" else _typed_before_login(request))
    if form.is_valid():
        terms = SearchTerms(**form.cleaned_data, typed_by=request.user.pk)
        return _found(request, find(request.app, terms, now=clock.now()))
    if request.method == "POST":
        return list_page(request, QueryDict(), refused=form)
    query = request.GET.urlencode()
    return redirect(f"{reverse('messages', args=[request.app.slug])}{f'?{query}' if query else ''}")


def _typed_before_login(request: MemberRequest) -> dict[str, str]:
    with suppress(tokens.BadToken):
        typed = tokens.unseal([*_AGAIN, request.app.slug], request.GET.get("again", ""), max_age=_KEPT_FOR)
        return dict(zip(SearchForm.base_fields, typed, strict=False))
    return {}


def _target_of(request: MemberRequest) -> str:
    message_id = message_ids.parsed(request.POST["message"])
    return get_object_or_404(Message.objects.findable(request.app, now=clock.now()), pk=message_id).target_id


def _found(request: MemberRequest, found: Found) -> HttpResponse:
    if audit.has_reached(settings.SEARCHES_PER_HOUR, request, AuditKind.SEARCH):
        return over_limit(request, "searches", settings.SEARCHES_PER_HOUR)
    audit.record(request, AuditKind.SEARCH, **found.terms.ids)
    if found.task:
        return redirect("task", request.app.slug, found.task)
    if found.message:
        token = tokens.token_of(request.app, found.terms)
        return redirect(reverse("message", args=[request.app.slug, found.message], query={"search": token}))
    return redirect(address_of(request.app, found.terms))
