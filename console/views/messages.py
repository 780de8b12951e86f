"""The messages."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.contrib.postgres.expressions import ArraySubquery
from django.db import OperationalError, transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console import audit, htmx, tokens
from console.access import MemberRequest, Right, member_required, right_required, visible_apps
from console.lists.context import in_audit_log, list_context, page_asked_for
from console.lists.empty import explain_miss
from console.lists.filters import FoundFilter, MessageFilter, RevealForm, SearchForm
from console.lists.search import Found, find
from console.lists.state import MASKED_MESSAGES, MESSAGES, Listing, ListState, list_state
from console.masking import Sight, reveal
from console.tokens import SearchTerms
from console.views.errors import over_limit
from pushlog import clock, message_ids
from pushlog.audit import values_of
from pushlog.forecast import forecast, verdict
from pushlog.keyset import Page
from pushlog.models import App, AuditKind, Correction, Message, PushTask, StatusChange
from pushlog.postgres.statements import generic_plans_cached

# Characters of a search that a log-in interrupted, and for how many seconds.
_LONGEST_KEPT, _KEPT_FOR = 1000, 3600
_AGAIN = ["search again"]
# A gateway may report on one message for ever.
HISTORY_SIZE = 200
# A corrected status is in the history.
_CORRECTED = {"title": "Title", "content": "Content", "extras": "Extras", "expires_at": "Expiry time"}
_SHOWN_TO_ALL = {"title", "expires_at"}


@require_safe
@member_required
def message_list(request: MemberRequest) -> HttpResponse:
    return _list(request, request.GET)


def _list(request: MemberRequest, query: QueryDict, refused: SearchForm | None = None) -> HttpResponse:
    """The list that `query` asks for, and what is wrong with a search."""
    app, now = request.app, clock.now()
    state = list_state(_listing(request), app, query)
    seen = Sight(request, state.terms)
    filter_set = FoundFilter if state.terms else MessageFilter
    filters = filter_set(query, queryset=_messages(app, state.terms, now))
    page: Page[Message] | None = None
    if not state.problems and filters.is_valid():
        with generic_plans_cached(when=_has_one_plan(state, filters)):
            page = page_asked_for(state, filters.qs.for_rows())
    if page is not None:
        audit.record(request, AuditKind.LIST, **_ids(state.terms), **in_audit_log(state, filters, page))
    context = list_context(app, state, filters, page, now) | {
        "search_form": refused or SearchForm(initial=_typed(state.terms, seen)),
        "sight": seen,
        "searched_target": seen.term(state.terms),
    }
    if page is not None and not page.rows and state.terms and not context["active_filters"]:
        # Without hints on a time-out: the page has its answer.
        with suppress(OperationalError):
            others, shows_ids = visible_apps(request.user), seen.knows(state.terms.target_id)
            context["hints"] = explain_miss(app, state.terms, others=others, now=now, shows_ids=shows_ids)
    context["is_fragment"] = htmx.wants_fragment(request)
    template = "messages/_results.html" if context["is_fragment"] else "messages/list.html"
    return TemplateResponse(request, template, context, status=400 if page is None or refused else 200)


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
        return _list(request, QueryDict(), form)
    query = request.GET.urlencode()
    return redirect(f"{reverse('messages', args=[request.app.slug])}{f'?{query}' if query else ''}")


def _typed_before_login(request: MemberRequest) -> dict[str, str]:
    with suppress(tokens.BadToken):
        typed = tokens.unseal([*_AGAIN, request.app.slug], request.GET.get("again", ""), max_age=_KEPT_FOR)
        return dict(zip(SearchForm.base_fields, typed, strict=False))
    return {}


@require_safe
@member_required
def message_detail(request: MemberRequest, message_id: UUID) -> HttpResponse:
    now = clock.now()
    return _detail(request, _message(request, message_id, now), RevealForm(app=request.app), now)


def _search_of(request: MemberRequest) -> SearchTerms:
    """The search that led to the page of a message."""
    with suppress(tokens.BadToken):
        return tokens.terms_of(request.app, request.GET.get("search", ""))
    return SearchTerms()


@require_POST
@member_required
@right_required(Right.REVEAL)
def reveal_message(request: MemberRequest, message_id: UUID) -> HttpResponse:
    """Shows a message, or all to its target, to this person for a quarter of an hour."""
    now = clock.now()
    message = _message(request, message_id, now)
    form = RevealForm(request.POST, app=request.app)
    if not form.is_valid():
        return _detail(request, message, form, now, status=400)
    if audit.has_reached(settings.REVEALS_PER_HOUR, request, AuditKind.REVEAL):
        return over_limit(request, "reveals", settings.REVEALS_PER_HOUR)
    with transaction.atomic():
        made = reveal(request, message, reason=form.cleaned_data["reason"], whole_target="target" in request.POST)
        whole = {"whole_target": bool(made.target), "until": made.until}
        audit.record(request, AuditKind.REVEAL, message=message, reason=made.reason, **whole)
    request.reveals = [*request.reveals, made.as_json()]
    if htmx.wants_fragment(request):
        return _detail(request, message, form, now)
    return redirect("message", request.app.slug, message.pk)


def _message(request: MemberRequest, message_id: UUID, now: datetime) -> Any:
    """With what its page shows from other tables, in one query."""
    task = PushTask.objects.findable(request.app, now=now).filter(push_id=OuterRef("task"))
    corrections = Correction.objects.filter(message_id=OuterRef("pk")).order_by("pk")
    found = Message.objects.findable(request.app, now=now).annotate(
        has_task_page=Exists(task), corrections=ArraySubquery(corrections.as_json())
    )
    return get_object_or_404(found, pk=message_id)


def _detail(
    request: MemberRequest, message: Any, form: RevealForm, now: datetime, *, status: int = 200
) -> HttpResponse:
    newest = StatusChange.objects.filter(message_id=message.pk).order_by("-at", "-code")[: HISTORY_SIZE + 1]
    history = list(reversed(newest))
    terms = _search_of(request)
    seen = Sight(request, terms)
    audit.record(request, AuditKind.MESSAGE, message=message, whole=seen.shows_content(message))
    context = {
        "app": request.app,
        "message": message,
        "sight": seen,
        "search_form": SearchForm(initial=_typed(terms, seen)),
        "terms": terms,
        "corrections": _corrections(message, shows_content=seen.shows_content(message)),
        "reveal_form": form,
        "has_task_page": message.has_task_page,
        "history": _with_previous(message.created_at, history)[-HISTORY_SIZE:],
        "history_is_cut": len(history) > HISTORY_SIZE,
        "forecast": forecast(message, now).value,
        "verdict": verdict(message, now),
        "now": now,
    }
    template = "messages/_detail.html" if htmx.wants_fragment(request) else "messages/detail.html"
    return TemplateResponse(request, template, context, status=status)


def _corrections(message: Any, *, shows_content: bool) -> list[dict[str, Any]]:
    """Each corrected field with who did it, when, and what was there before, if the person may see it."""
    return [
        {
            "label": _CORRECTED[name],
            "by": one["by"],
            "at": datetime.fromisoformat(one["at"]),
            "old": old if shows_content or name in _SHOWN_TO_ALL else None,
        }
        for one in message.corrections
        for name, (old, _) in values_of(one["values"]).items()
        if name in _CORRECTED
    ]


def _listing(request: MemberRequest) -> Listing:
    found = MESSAGES if Right.SEE_ALL in request.rights else MASKED_MESSAGES
    # The database cannot sort what it cannot read.
    return found.without_sort("title") if request.app.encrypts_content else found


def _ids(terms: SearchTerms) -> dict[str, str]:
    return {"target_id": terms.target_id, "customer_message_id": terms.customer_message_id}


def _typed(terms: SearchTerms, seen: Sight) -> dict[str, str]:
    target_id = terms.target_id if seen.knows(terms.target_id) else ""
    return {"target_id": target_id, "customer_message_id": terms.customer_message_id}


def _target_of(request: MemberRequest) -> str:
    message_id = message_ids.parsed(request.POST["message"])
    return get_object_or_404(Message.objects.findable(request.app, now=clock.now()), pk=message_id).target_id


def _found(request: MemberRequest, found: Found) -> HttpResponse:
    if audit.has_reached(settings.SEARCHES_PER_HOUR, request, AuditKind.SEARCH):
        return over_limit(request, "searches", settings.SEARCHES_PER_HOUR)
    audit.record(request, AuditKind.SEARCH, **_ids(found.terms))
    if found.task:
        return redirect("task", request.app.slug, found.task)
    token = tokens.token_of(request.app, found.terms)
    page = reverse("message", args=[request.app.slug, found.message]) if found.message else None
    return redirect(f"{page or reverse('messages', args=[request.app.slug])}?{urlencode({'search': token})}")


def _messages(app: App, terms: SearchTerms, now: datetime) -> Any:
    if not terms:
        return Message.objects.listed(app, now=now)
    return Message.objects.matching(
        app, target_id=terms.target_id, customer_message_id=terms.customer_message_id, now=now
    )


def _has_one_plan(state: ListState, filters: MessageFilter) -> bool:
    # One ID may match nothing, or 100,000 messages. Those need different plans.
    return not filters.form.has_changed() and (not state.terms or state.terms.has_both)


def _with_previous(created_at: datetime, history: list[StatusChange]) -> list[tuple[StatusChange, datetime]]:
    return list(zip(history, [created_at, *(entry.at for entry in history)], strict=False))
