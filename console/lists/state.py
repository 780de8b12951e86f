"""The query string of a list, checked before any query."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import django_tables2 as tables
from django.http import QueryDict
from django.urls import reverse

from console import tokens
from console.lists.filters import MessageFilters, TaskFilter
from console.lists.tables import DEFAULT_SORT, DEFAULT_TASK_SORT, SORTS, TASK_SORTS, MessageTable, TaskTable
from console.parameters import mistakes
from console.tokens import SearchTerms
from pushlog.models import App


@dataclass(frozen=True, slots=True)
class Listing:
    page: str  # name of its URL
    noun: str
    cursor: str  # purpose of its cursors
    table: type[tables.Table]
    sorts: Mapping[str, tuple[str, ...]]  # columns by public name
    default_sort: str  # newest first
    filters: tuple[str, ...] = ()
    others: tuple[str, ...] = ()  # more parameters
    first_filters: tuple[str, ...] = ()  # shown without a click
    linked_filters: tuple[str, ...] = ()  # set by links
    anchor: str = ""  # of a list that is not at the top of its page

    @property
    def time(self) -> str:
        return self.default_sort.removeprefix("-")

    def without_sort(self, name: str) -> "Listing":
        return replace(self, sorts={one: keys for one, keys in self.sorts.items() if one != name})

    @property
    def parameters(self) -> set[str]:
        return {"sort", "after", "before", *self.filters, *self.others}


MESSAGES = Listing(
    page="messages",
    noun="message",
    cursor="cursor",
    table=MessageTable,
    sorts=SORTS,
    default_sort=DEFAULT_SORT,
    filters=tuple(MessageFilters.base_fields),
    others=("search",),
    first_filters=("outcome",),
    linked_filters=("range",),
)
# An order by what a role may not see would tell it.
MASKED_MESSAGES = MESSAGES.without_sort("target_id")
TASKS = Listing(
    page="tasks",
    noun="push task",
    cursor="tasks",
    table=TaskTable,
    sorts=TASK_SORTS,
    default_sort=DEFAULT_TASK_SORT,
    filters=tuple(TaskFilter.base_filters),
    others=("push_id",),
)
# An index has a task's messages only in the order of their creation.
TASK_MESSAGES = Listing(
    page="task",
    noun="message",
    cursor="messages of a task",
    table=MessageTable,
    sorts={"created_at": SORTS["created_at"]},
    default_sort=DEFAULT_SORT,
    anchor="messages",
)


@dataclass(slots=True)
class ListState:
    listing: Listing
    sort: str
    address: str  # of the list without parameters
    terms: SearchTerms = field(default_factory=SearchTerms)
    after: list[Any] | None = None
    before: list[Any] | None = None
    problems: list[str] = field(default_factory=list)
    too_many: str = ""  # more than so many were found, so they are not sorted

    @property
    def keys(self) -> tuple[str, ...]:
        return self.listing.sorts[self.sort.removeprefix("-")]

    @property
    def descending(self) -> bool:
        return self.sort.startswith("-")

    @property
    def is_by_time(self) -> bool:
        return self.sort.removeprefix("-") == self.listing.time


def list_state(listing: Listing, app: App, query: QueryDict, *, address: str = "") -> ListState:
    """Reads a query string. Lists within another page give their address."""
    state = ListState(listing, listing.default_sort, address or reverse(listing.page, args=[app.slug]))
    state.problems += mistakes(query, listing.parameters)
    for name, values in query.lists():
        if name in listing.parameters and len(values) > 1:
            state.problems.append(f"“{name}” appears more than once.")
    if state.problems:
        return state
    if "search" in query:
        try:
            state.terms = tokens.terms_of(app, str(query["search"]))
        except tokens.BadToken:
            state.problems.append(
                "This search link is damaged, belongs to another app, or was made with a key that is no longer in"
                " use. Please search again."
            )
    sort = query.get("sort", listing.default_sort)
    if sort.removeprefix("-") in listing.sorts:
        state.sort = sort
    else:
        state.problems.append(f"Cannot sort by “{sort[:40]}”. Choose one of {', '.join(listing.sorts)}.")
    if "after" in query and "before" in query:
        state.problems.append("Give either “after” or “before”, not both.")
    elif not state.problems:
        for name in {"after", "before"} & query.keys():
            try:
                setattr(state, name, tokens.unseal(cursor_purpose(listing, app, state.sort), str(query[name])))
            except tokens.BadToken:
                state.problems.append(
                    "The link to this page of the list is damaged, or belongs to another sort. Start at the first page."
                )
    return state


def cursor_purpose(listing: Listing, app: App, sort: str) -> list[Any]:
    return [listing.cursor, app.pk, sort]
