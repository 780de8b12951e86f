"""What the query string of the message list says: checked as a whole, before anything is looked up."""

from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from console import search_links, tokens
from console.filters import MessageFilter
from console.search_links import SearchTerms
from console.tables import DEFAULT_SORT, SORTS
from pushlog.models import App

FILTERS = tuple(MessageFilter.base_filters)
PARAMETERS = {"search", "sort", "after", "before", *FILTERS}


@dataclass(slots=True)
class ListState:
    """A search, a sort and a place in its order; and `problems`, in words, if the query string is not right."""

    terms: SearchTerms = field(default_factory=SearchTerms)
    sort: str = DEFAULT_SORT
    after: list[Any] | None = None
    before: list[Any] | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns to order by."""
        return SORTS[self.sort.removeprefix("-")]

    @property
    def descending(self) -> bool:
        """Whether all of them fall."""
        return self.sort.startswith("-")


def list_state(app: App, query: QueryDict) -> ListState:
    """Reads a query string. Nothing is guessed or left out: what is not understood is a problem."""
    state = ListState()
    for name, values in query.lists():
        if name not in PARAMETERS:
            state.problems.append(f"“{name[:40]}” is not a parameter of this page.")
        elif len(values) > 1:
            state.problems.append(f"“{name}” is there {len(values)} times.")
    if state.problems:
        return state
    if "search" in query:
        try:
            state.terms = search_links.terms_of(app, str(query["search"]))
        except tokens.BadToken:
            state.problems.append(
                "This search link is damaged, belongs to another app, or was made with a key that is no longer in"
                " use. Please search again."
            )
    sort = query.get("sort", DEFAULT_SORT)
    if sort.removeprefix("-") in SORTS:
        state.sort = sort
    else:
        state.problems.append(f"There is no sort by “{sort[:40]}”. Choose one of {', '.join(SORTS)}.")
    if "after" in query and "before" in query:
        state.problems.append("A page is after a row or before one, not both.")
    elif not state.problems:
        for name in {"after", "before"} & query.keys():
            try:
                setattr(state, name, tokens.unseal(cursor_purpose(app, state.sort), str(query[name])))
            except tokens.BadToken:
                state.problems.append(
                    "The link to this page of the list is damaged, or is of another sort. Start at the first page."
                )
    return state


def cursor_purpose(app: App, sort: str) -> list[Any]:
    """What a cursor is sealed for: it holds IDs and titles, and fits one sort of one app's list."""
    return ["cursor", app.pk, sort]
