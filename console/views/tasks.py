"""The push tasks."""

from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import OperationalError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from console import audit, htmx
from console.access import MemberRequest, member_required, visible_apps
from console.lists.context import in_audit_log, list_context, page_asked_for
from console.lists.empty import explain_task_miss
from console.lists.filters import TaskFilter, TaskSearchForm
from console.lists.state import TASK_MESSAGES, TASKS, list_state
from console.masking import Sight
from console.task_settings import as_row, configurations, unset
from pushlog import clock, message_pages
from pushlog.keyset import Page, page_of
from pushlog.models import AuditKind, Message, PushTask

# Counting millions of messages would take too long.
COUNTED = 100_000
_BEST_FIRST = ("received", "accepted", "waiting", "expired", "failed", "unknown")


@require_safe
@member_required
def task_list(request: MemberRequest) -> HttpResponse:
    """A page of the list; for a complete push ID, a redirect to its task."""
    app, now = request.app, clock.now()
    state = list_state(TASKS, app, request.GET)
    filters = TaskFilter(request.GET, queryset=PushTask.objects.findable(app, now=now))
    search = TaskSearchForm(request.GET)
    state.problems += [str(error) for errors in search.errors.values() for error in errors]
    missed = search.cleaned_data.get("push_id", "")
    if missed and len(request.GET) > 1:
        state.problems.append("Search for a push ID alone, without a sort or filters.")
    page: Page[PushTask] | None = None
    if not state.problems and missed:
        if PushTask.objects.findable(app, now=now).filter(push_id=missed).exists():
            return redirect("task", app.slug, missed)
        page = Page([], None, None)
    elif not state.problems and filters.is_valid():
        page = page_asked_for(state, partial(page_of, filters.qs.for_rows()))
    if page is not None:
        audit.record(request, AuditKind.LIST, subject="push tasks", **in_audit_log(state, filters.form, page))
    context = list_context(app, state, filters.form, page, now) | {"missed": missed}
    if page is not None and missed:
        # Without hints on a time-out: the page has its answer.
        with suppress(OperationalError):
            others = visible_apps(request.user)
            context["elsewhere"], context["has_messages"] = explain_task_miss(app, missed, others=others, now=now)
    context["is_fragment"] = htmx.wants_fragment(request)
    template = "tasks/_results.html" if context["is_fragment"] else "tasks/list.html"
    return TemplateResponse(request, template, context, status=200 if page is not None else 400)


@require_safe
@member_required
def task_detail(request: MemberRequest, push_id: str) -> HttpResponse:
    app, now = request.app, clock.now()
    task = get_object_or_404(PushTask.objects.findable(app, now=now), push_id=push_id)
    produced = Message.objects.of_task(app, push_id, now=now)
    asked = message_pages.Question(app, now, task=push_id)
    state = list_state(TASK_MESSAGES, app, request.GET, address=request.path)
    page = page_asked_for(state, partial(message_pages.page, asked)) if not state.problems else None
    audit.record(request, AuditKind.TASK, subject=push_id, rows=len(page.rows) if page else 0)
    context = list_context(app, state, None, page, now) | {
        "task": task,
        "sight": Sight(request),
        "is_fragment": htmx.wants_fragment(request),
    }
    status = 200 if page is not None else 400
    if context["is_fragment"]:
        return TemplateResponse(request, "tasks/_messages.html", context, status=status)
    # On a time-out the page says that there are no counts.
    with suppress(OperationalError):
        context["outcomes"] = _outcomes(produced.count_outcomes(now=now, limit=COUNTED))
    context |= {
        "expires_at": task.pushed_at + timedelta(seconds=task.expires_in),
        "configurations": configurations(task),
        "unset": unset(task, sees_all=context["sight"].sees_all),
        "row": as_row(task),
    }
    return TemplateResponse(request, "tasks/detail.html", context, status=status)


def _outcomes(counts: dict[str, int]) -> dict[str, Any]:
    total = sum(counts.values())
    return {
        "numbers": [(word, word.capitalize(), counts[word]) for word in _BEST_FIRST],
        "total": total,
        "is_cut": total == COUNTED,
    }
