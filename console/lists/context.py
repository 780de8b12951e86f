"""What the templates of all lists need."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.forms import Form
from django.utils.http import urlencode

from console import tokens
from console.lists.filters import Range
from console.lists.state import ListState, cursor_purpose
from console.lists.tables import PageData
from console.templatetags.console import local_text, offset, shared_offset
from pushlog import walks
from pushlog.invisible import drawn_text
from pushlog.keyset import BadCursor, Page, Row
from pushlog.models import WINDOW, App
from pushlog.statuses import Status


def page_asked_for(state: ListState, read: Callable[..., Page[Row]]) -> Page[Row] | None:
    """None, and a problem, if the cursor is bad. `read` takes the order and the cursors."""
    try:
        return read(keys=state.keys, descending=state.descending, after=state.after, before=state.before)
    except BadCursor:
        state.problems.append("The link to this page of the list is damaged. Start at the first page.")
        return None


def list_context(
    app: App, state: ListState, filters: Form | None, page: Page[Any] | None, now: datetime
) -> dict[str, Any]:
    def cursor(values: list[Any] | None) -> str | None:
        return tokens.seal(cursor_purpose(state.listing, app, state.sort), values) if values else None

    rows = page.rows if page else []
    return {
        "app": app,
        "now": now,
        "window_start": now - WINDOW,
        "state": state,
        "filters": filters,
        "active_filters": (active := _in_words(state, filters) if filters else []),
        "more_filters": sum(
            name not in {*state.listing.first_filters, *state.listing.linked_filters} for name, *_ in active
        ),
        "ranges": [*((one.word, one.label) for one in Range), ("", "30 days")] if state.listing.linked_filters else [],
        "without_filters": _without_filters(state, filters) if filters else "",
        "page": page,
        "walked": f"{walks.WALKED:,}",
        "stopped_at": _in_order(state, page.stopped) if page and page.stopped else "",
        "offset": shared_offset(getattr(row, state.listing.time) for row in rows),
        "newer": cursor(page.newer) if page else None,
        "older": cursor(page.older) if page else None,
        "table": state.listing.table(PageData(rows), order_by=state.sort),
        # For browsers without scripts.
        "anchor": f"#{state.listing.anchor}" if state.listing.anchor else "",
        "sort_label": _sort_label(state),
        "pager_labels": _pager_labels(state),
    }


def in_audit_log(state: ListState, filters: Form | None, page: Page[Any]) -> dict[str, Any]:
    """What the audit log says about a page of a list."""
    chosen = {name: str(filters.data[name]) for name, *_ in _in_words(state, filters)} if filters else {}
    return {"rows": len(page.rows), "sort": state.sort} | ({"filters": chosen} if chosen else {})


def _without_filters(state: ListState, filters: Form) -> str:
    # The search and the sort stay.
    cleared = {*state.listing.filters, "after", "before"}
    kept = {name: value for name, value in filters.data.items() if name not in cleared}
    return f"{state.address}?{urlencode(kept)}" if kept else state.address


def _in_words(state: ListState, filters: Form) -> list[tuple[str, str, str]]:
    cleaned = filters.cleaned_data if filters.is_valid() else {}
    words = []
    for name in state.listing.filters:
        if cleaned.get(name) not in (None, ""):
            field = filters.fields[name]
            given = filters.data[name]
            if isinstance(value := cleaned[name], datetime):
                given = f"{local_text(value)} {offset(value)}"
            if isinstance(value, Status):
                given = value.in_words
            words.append((name, str(field.label), str(dict(getattr(field, "choices", [])).get(given, given))))
    return words


def _in_order(state: ListState, row: Any) -> str:
    """Where a row stands in the order."""
    match state.sort.removeprefix("-"):
        case "status":
            return str(row.status.title)
        case "push_type":
            return str(row.get_push_type_display())
        case name:
            value = getattr(row, name)
            return f"{local_text(value)} {offset(value)}" if isinstance(value, datetime) else f"“{drawn_text(value)}”"


def _sort_label(state: ListState) -> str:
    if state.is_by_time:
        return "newest first" if state.descending else "oldest first"
    label = str(state.listing.table.base_columns[state.sort.removeprefix("-")].verbose_name)
    return f"by {label.lower().replace(' id', ' ID')}, {'descending' if state.descending else 'ascending'}"


def _pager_labels(state: ListState) -> tuple[str, str]:
    if not state.is_by_time:
        return "Previous", "Next"
    return ("Newer", "Older") if state.descending else ("Older", "Newer")
