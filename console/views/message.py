"""The page of a message."""

from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.http import require_POST, require_safe

from console import audit, htmx, tokens
from console.access import MemberRequest, Right, member_required, right_required
from console.compression import NOT_FREE
from console.lists.filters import RevealForm, SearchForm
from console.lists.search import address_of
from console.masking import Sight, masked, reveal
from console.templatetags.console import shared_offset
from console.ticket import as_text
from console.timeline import Entry, timeline
from console.tokens import SearchTerms
from console.views.errors import over_limit
from pushlog import clock
from pushlog.audit import values_of
from pushlog.forecast import forecast, verdict
from pushlog.models import AuditKind, Correction, Message, PushTask, StatusChange

_LISTS = {"messages", "target", "task"}
# A gateway may report on one message for ever.
HISTORY_SIZE = 200
_COUNTED = 10_000
# A corrected status is in the history.
_CORRECTED = {"title": "Title", "content": "Content", "extras": "Extras", "expires_at": "Expiry time"}
_SHOWN_TO_ALL = {"title", "expires_at"}


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
        "search_form": SearchForm(initial=seen.typed(terms)),
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
