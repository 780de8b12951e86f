"""What the query string of a list says: checked as a whole, before anything is looked up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import django_tables2 as tables
from django.http import QueryDict

from console import tokens
from console.lists.filters import MessageFilter, TaskFilter
from console.lists.tables import DEFAULT_SORT, DEFAULT_TASK_SORT, SORTS, TASK_SORTS, MessageTable, TaskTable
from console.tokens import SearchTerms
from pushlog.models import App


@dataclass(frozen=True, slots=True)
class Listing:
    """What sets one list apart from the others.

    `page` is the name of its address, `noun` what a row is, `cursor` what its cursors are sealed for. `sorts` are the
    columns to order by, by the public name of the sort; the default one is by time, newest first. `filters` and
    `others` are the parameters beside sort and place. `anchor` is where it stands on a page that begins otherwise.
    """

    page: str
    noun: str
    cursor: str
    table: type[tables.Table]
    sorts: Mapping[str, tuple[str, ...]]
    default_sort: str
    filters: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    anchor: str = ""

    @property
    def time(self) -> str:
        """The column of the default sort."""
        return self.default_sort.removeprefix("-")

    @property
    def parameters(self) -> set[str]:
        """All that its query string may have."""
        return {"sort", "after", "before", *self.filters, *self.others}


MESSAGES = Listing(
    page="messages",
    noun="message",
    cursor="cursor",
    table=MessageTable,
    sorts=SORTS,
    default_sort=DEFAULT_SORT,
    filters=tuple(MessageFilter.base_filters),
    others=("search",),
)
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
# On the page of the task. No index has them in another order than that of their creation.
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
    """A search, a sort and a place in its order; and `problems`, in words, if the query string is not right."""

    listing: Listing
    sort: str
    terms: SearchTerms = field(default_factory=SearchTerms)
    after: list[Any] | None = None
    before: list[Any] | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns to order by."""
        return self.listing.sorts[self.sort.removeprefix("-")]

    @property
    def descending(self) -> bool:
        """Whether all of them fall."""
        return self.sort.startswith("-")

    @property
    def is_by_time(self) -> bool:
        """Whether the order is the one of the default sort, or its reverse."""
        return self.sort.removeprefix("-") == self.listing.time


def list_state(listing: Listing, app: App, query: QueryDict) -> ListState:
    """Reads a query string. Nothing is guessed or left out: what is not understood is a problem."""
    state = ListState(listing, listing.default_sort)
    for name, values in query.lists():
        if name not in listing.parameters:
            state.problems.append(f"“{name[:40]}” is not a parameter of this page.")
        elif len(values) > 1:
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
    """What a cursor is sealed for: it holds IDs and titles, and fits one sort of one list of one app."""
    return [listing.cursor, app.pk, sort]
