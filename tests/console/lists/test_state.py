import pytest
from django.http import QueryDict

from console import tokens
from console.lists.state import MESSAGES, cursor_purpose, list_state
from console.tokens import SearchTerms, token_of
from pushlog.models import App
from tests import factories


def test_state_of_an_empty_query_string_is_newest_first(app: App) -> None:
    state = list_state(MESSAGES, app, QueryDict(""))

    assert (state.keys, state.descending, state.after, state.before) == (("id",), True, None, None)
    assert not state.terms
    assert state.problems == []


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("sort=content", "Cannot sort by “content”"),
        ("sort=", "Cannot sort by “”"),
        ("sort=--title", "Cannot sort by “--title”"),
        ("sort=title&sort=-title", "“sort” appears more than once"),
        ("push_typ=user", "“push_typ” is not a parameter of this page. Is it “push_type”?"),
        ("created-from=2026-01-01T00:00", "Is it “created_from”?"),
        ("Serch=x", "Is it “search”?"),
        ("push_id=1", "“push_id” is not a parameter of this page."),
        ("after=x", "damaged"),
        ("before=", "damaged"),
        ("after=a&before=b", "not both"),
        ("search=x", "search link is damaged"),
        ("mode=simple&mode=template", "“mode” appears more than once"),
    ],
)
def test_query_string_that_is_not_right_is_a_problem(app: App, query: str, problem: str) -> None:
    state = list_state(MESSAGES, app, QueryDict(query))

    assert len(state.problems) == 1
    assert problem in state.problems[0]


@pytest.mark.parametrize("query", ["utm_source=mail", "fbclid=x", "gclid=1&gclid=2", "per_page=20000", "page=2", "_=1"])
def test_what_others_add_to_addresses_is_ignored(app: App, query: str) -> None:
    assert list_state(MESSAGES, app, QueryDict(query)).problems == []


def test_cursor_fits_its_sort_and_app_only(app: App) -> None:
    cursor = tokens.seal(cursor_purpose(MESSAGES, app, "title"), ["a", "b"])

    assert list_state(MESSAGES, app, QueryDict(f"sort=title&after={cursor}")).after == ["a", "b"]
    assert list_state(MESSAGES, app, QueryDict(f"sort=-title&after={cursor}")).problems
    assert list_state(MESSAGES, app, QueryDict(f"after={cursor}")).problems
    assert list_state(MESSAGES, factories.create_app(), QueryDict(f"sort=title&after={cursor}")).problems


def test_search_link_fits_its_app_only(app: App) -> None:
    token = token_of(app, SearchTerms(target_id="t", customer_message_id="c"))

    assert list_state(MESSAGES, app, QueryDict(f"search={token}")).terms == SearchTerms("t", "c")
    assert list_state(MESSAGES, factories.create_app(), QueryDict(f"search={token}")).problems
