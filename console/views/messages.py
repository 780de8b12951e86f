"""The messages."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import wraps
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.contrib.postgres.expressions import ArraySubquery
from django.db import OperationalError, transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import Resolver404, resolve, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console import audit, htmx, tokens
from console.access import MemberRequest, Right, member_required, right_required, visible_apps
from console.compression import NOT_FREE
from console.lists.context import in_audit_log, list_context, page_asked_for
from console.lists.empty import explain_miss
from console.lists.filters import FoundFilter, MessageFilter, RevealForm, SearchForm
from console.lists.search import Found, address_of, find
from console.lists.state import MASKED_MESSAGES, MESSAGES, Listing, ListState, list_state
from console.lists.target import summary_of
from console.masking import Sight, masked, reveal
from console.templatetags.console import shared_offset
from console.ticket import as_text
from console.timeline import Entry, timeline
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
_LISTS = {"messages", "target", "task"}
# A gateway may report on one message for ever.
HISTORY_SIZE = 200
_COUNTED = 10_000
# A corrected status is in the history.
_CORRECTED = {"title": "Title", "content": "Content", "extras": "Extras", "expires_at": "Expiry time"}
_SHOWN_TO_ALL = {"title", "expires_at"}


@require_safe
@member_required
def message_list(request: MemberRequest) -> HttpResponse:
    app, token = request.app, request.GET.get("search", "")
    with suppress(tokens.BadToken):
        terms = tokens.terms_of(app, token)
        if terms.target_id and not terms.has_both and not htmx.wants_fragment(request):
            others = {name: value for name, value in request.GET.items() if name != "search"}
            return redirect(reverse("target", args=[app.slug, token], query=others))
    return _list(request, request.GET)


@require_safe
@member_required
def target(request: MemberRequest, token: str) -> HttpResponse:
    """All to one target. The address holds it encrypted."""
    try:
        terms = tokens.terms_of(request.app, token)
    except tokens.BadToken:
        terms = SearchTerms()
    if not terms.target_id or terms.has_both:
        # The list shows it, or says what is wrong with it.
        return redirect(reverse("messages", args=[request.app.slug], query={"search": token}))
    return _list(request, request.GET, of_target=(token, terms))


def _list(
    request: MemberRequest,
    query: QueryDict,
    *,
    refused: SearchForm | None = None,
    of_target: tuple[str, SearchTerms] | None = None,
) -> HttpResponse:
    """The list that `query` asks for. `refused` is a search, and what is wrong with it."""
    app, now, listing = request.app, clock.now(), _listing(request)
    if of_target:
        token, terms = of_target
        listing = replace(listing, page="target", others=())
        state = list_state(listing, app, query, address=reverse("target", args=[app.slug, token]))
        state.terms = terms
    else:
        state = list_state(listing, app, query)
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
        "knows_target": seen.knows(state.terms.target_id),
        "search_takes_focus": not (request.GET or of_target),
    }
    if page is not None and not page.rows and state.terms and not context["active_filters"]:
        # Without hints on a time-out: the page has its answer.
        with suppress(OperationalError):
            others, shows_ids = visible_apps(request.user), seen.knows(state.terms.target_id)
            context["hints"] = explain_miss(app, state.terms, others=others, now=now, shows_ids=shows_ids)
    context["is_fragment"] = htmx.wants_fragment(request)
    if of_target and not context["is_fragment"] and (context["active_filters"] or (page and page.rows)):
        # On a time-out, the page has its list.
        with suppress(OperationalError):
            context["summary"] = summary_of(app, state.terms.target_id, now=now)
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
        return _list(request, QueryDict(), refused=form)
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
    newest = StatusChange.objects.filter(message_id=message.pk).order_by("-at", "-code")
    history = list(reversed(newest[: HISTORY_SIZE + 1]))
    older = newest[:_COUNTED].count() - HISTORY_SIZE if len(history) > HISTORY_SIZE else 0
    terms = _search_of(request)
    seen = Sight(request, terms)
    shows_content = seen.shows_content(message)
    audit.record(request, AuditKind.MESSAGE, message=message, whole=shows_content)
    before = history[-HISTORY_SIZE - 1].at if older else message.created_at
    entries = timeline(before, history[-HISTORY_SIZE:], shows_detail=shows_content)
    if request.GET.get("as") == "text":
        return _as_text(request, message, seen, entries, older, now)
    whole = seen.target_id(message)
    context = {
        "app": request.app,
        "message": message,
        "sight": seen,
        "search_form": SearchForm(initial=_typed(terms, seen)),
        "back": _back(request, terms),
        "corrections": _corrections(message, shows_content=shows_content),
        "corrects": Right.CORRECT in request.rights,
        "reveal_form": form,
        "has_task_page": message.has_task_page,
        "knows_target": whole == message.target_id,
        "timeline": entries,
        "older": older,
        "older_is_cut": older == _COUNTED - HISTORY_SIZE,
        "offset": shared_offset(_moments(message, entries)),
        "forecast": forecast(message, now).value,
        "verdict": verdict(message, now),
        "now": now,
    }
    template = "messages/_detail.html" if htmx.wants_fragment(request) else "messages/detail.html"
    return TemplateResponse(request, template, context, status=status)


def _as_text(
    request: MemberRequest, message: Any, seen: Sight, entries: list[Entry], older: int, now: datetime
) -> HttpResponse:
    """For a ticket: with the target masked, unless the person asks for it and may see it."""
    whole = seen.target_id(message)
    text = as_text(
        request.app,
        message,
        target_id=whole if "target" in request.GET else masked(message.target_id),
        verdict=verdict(message, now),
        entries=entries,
        older=older,
        link=request.build_absolute_uri(request.path),
        by=request.user.get_username(),
        now=now,
    )
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def _moments(message: Message, entries: list[Entry]) -> list[datetime]:
    """All that the page shows."""
    others = [one for one in (message.expires_at, message.revoked_at) if one]
    return [message.created_at, message.modified_at, *others, *(one.at for one in entries)]


def _back(request: MemberRequest, terms: SearchTerms) -> tuple[str, str]:
    """The list that the person came from, with its search and filters: its address and its name."""
    lists = reverse("messages", args=[request.app.slug])
    if terms:
        return address_of(request.app, terms), "Back to the search"
    with suppress(Resolver404, ValueError):  # what no browser sends
        came = urlsplit(request.headers.get("Referer", ""))
        if came.netloc == request.get_host():
            found = resolve(came.path)
            if found.view_name in _LISTS and found.kwargs["app"] == request.app.slug:
                # The page is compressed, so no text of a stranger may stand in it: console/compression.py.
                kept = QueryDict(came.query)
                query = f"?{kept.urlencode()}" if kept and kept.keys() <= NOT_FREE else ""
                return f"{came.path}{query}", "All messages" if came.path == lists and not query else "Back to the list"
    return lists, "All messages"


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
    if found.message:
        token = tokens.token_of(request.app, found.terms)
        return redirect(reverse("message", args=[request.app.slug, found.message], query={"search": token}))
    return redirect(address_of(request.app, found.terms))


def _messages(app: App, terms: SearchTerms, now: datetime) -> Any:
    if not terms:
        return Message.objects.listed(app, now=now)
    return Message.objects.matching(
        app, target_id=terms.target_id, customer_message_id=terms.customer_message_id, now=now
    )


def _has_one_plan(state: ListState, filters: MessageFilter) -> bool:
    # One ID may match nothing, or 100,000 messages. Those need different plans.
    return not filters.form.has_changed() and (not state.terms or state.terms.has_both)
