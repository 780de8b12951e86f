"""The message list, and the page of a target."""

from contextlib import suppress
from dataclasses import replace
from functools import partial

from django.db import OperationalError
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from console import audit, htmx, tokens
from console.access import MemberRequest, Right, member_required, visible_apps
from console.lists.context import in_audit_log, list_context, page_asked_for
from console.lists.empty import explain_miss
from console.lists.filters import FoundFilters, MessageFilters, SearchForm
from console.lists.state import MASKED_MESSAGES, MESSAGES, Listing, list_state
from console.lists.target import summary_of
from console.masking import Sight
from console.tokens import SearchTerms
from pushlog import clock, message_pages, walks
from pushlog.keyset import Page
from pushlog.models import AuditKind, Message


@require_safe
@member_required
def message_list(request: MemberRequest) -> HttpResponse:
    app, token = request.app, request.GET.get("search", "")
    with suppress(tokens.BadToken):
        terms = tokens.terms_of(app, token)
        if terms.target_id and not terms.has_both and not htmx.wants_fragment(request):
            others = {name: value for name, value in request.GET.items() if name != "search"}
            return redirect(reverse("target", args=[app.slug, token], query=others))
    return list_page(request, request.GET)


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
    return list_page(request, request.GET, of_target=(token, terms))


def list_page(
    request: MemberRequest,
    query: QueryDict,
    *,
    refused: SearchForm | None = None,
    of_target: tuple[str, SearchTerms] | None = None,
) -> HttpResponse:
    """The list that `query` asks for. `refused` is a search, and what is wrong with it."""
    if {"channel", "code"} & query.keys():
        return _in_one_field(request, query)
    app, now, listing = request.app, clock.now(), _listing(request)
    if of_target:
        token, terms = of_target
        listing = replace(listing, page="target", others=())
        state = list_state(listing, app, query, address=reverse("target", args=[app.slug, token]))
        state.terms = terms
    else:
        state = list_state(listing, app, query)
    seen = Sight(request, state.terms)
    filters = (FoundFilters if state.terms else MessageFilters)(query)
    page: Page[Message] | None = None
    if not state.problems and filters.is_valid():
        question = filters.question(app, now=now, **state.terms.ids)
        try:
            page = page_asked_for(state, partial(message_pages.page, question))
        except message_pages.TooMany:
            state.too_many = f"{walks.SORTED:,}"
            page = Page([], None, None)
    if page is not None:
        audit.record(request, AuditKind.LIST, **state.terms.ids, **in_audit_log(state, filters, page))
    context = list_context(app, state, filters, page, now) | {
        "search_form": refused or SearchForm(initial=seen.typed(state.terms)),
        "sight": seen,
        "searched_target": seen.term(state.terms),
        "knows_target": seen.knows(state.terms.target_id),
        "search_takes_focus": not (request.GET or of_target),
    }
    is_miss = page is not None and not page.rows and not page.stopped and not state.too_many
    if is_miss and state.terms and not context["active_filters"]:
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


def _in_one_field(request: MemberRequest, query: QueryDict) -> HttpResponse:
    """Links made by version 0.1 give a status in two parameters."""
    new = query.copy()
    new.setdefault("status", " ".join(part for name in ("channel", "code") for part in new.pop(name, [])[-1:]))
    return redirect(f"{request.path}?{new.urlencode()}")


def _listing(request: MemberRequest) -> Listing:
    found = MESSAGES if Right.SEE_ALL in request.rights else MASKED_MESSAGES
    # The database cannot sort what it cannot read.
    return found.without_sort("title") if request.app.encrypts_content else found
