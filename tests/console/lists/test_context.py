from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from console.lists.state import MESSAGES, TASKS, Listing
from console.tokens import SearchTerms, token_of
from pushlog.models import App
from tests import factories

# A value for every filter of every list.
VALUES = {
    "messages": {
        "push_type": "user",
        "mode": "simple",
        "outcome": "waiting",
        "status": "own 0",
        "created_from": "2026-11-01T00:00",
        "created_to": "2026-11-02T00:00",
    },
    "tasks": {"target_kind": "tag", "state": "failed", "day": "2026-11-01"},
}
LISTS = pytest.mark.parametrize("listing", [MESSAGES, TASKS], ids=lambda listing: listing.page)


def get(client: Client, app: App, listing: Listing, **query: str) -> Any:
    response = client.get(reverse(listing.page, args=[app.slug]), query)
    assert response.status_code == 200
    return response


@LISTS
def test_clearing_the_filters_clears_every_one_and_nothing_else(
    member_client: Client, app: App, listing: Listing
) -> None:
    values = VALUES[listing.page]
    # Times that are typed replace a range.
    assert list(values) == [name for name in listing.filters if name not in listing.linked_filters]
    kept = {"sort": "title"}
    if "search" in listing.others:
        kept["search"] = token_of(app, SearchTerms(customer_message_id="t"))
    response = get(member_client, app, listing, **values, **kept)
    assert [name for name, _, _ in response.context["active_filters"]] == list(values)

    address = response.context["without_filters"]

    assert f'<a href="{address.replace("&", "&amp;")}">Clear filters</a>' in response.content.decode()
    cleared = member_client.get(address)
    assert cleared.context["active_filters"] == []
    assert cleared.request["PATH_INFO"] == response.request["PATH_INFO"]
    assert dict(cleared.wsgi_request.GET.items()) == kept


@LISTS
def test_clearing_the_filters_starts_at_the_first_page(member_client: Client, app: App, listing: Listing) -> None:
    for _ in range(51):
        factories.create_message(app)
        factories.create_task(app, target_kind="tag")
    wanted = {"messages": {"outcome": "waiting"}, "tasks": {"target_kind": "tag"}}[listing.page]
    after = get(member_client, app, listing, **wanted).context["older"]

    response = get(member_client, app, listing, **wanted, after=after)

    assert response.context["without_filters"] == reverse(listing.page, args=[app.slug])


def test_query_strings_leave_nothing_in_the_cache(member_client: Client, app: App) -> None:
    for day in range(1, 29):
        get(member_client, app, MESSAGES, created_from=f"2026-11-{day:02}T00:00", sort="title")
        get(member_client, app, TASKS, day=f"2026-11-{day:02}")

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pushlog_cache")
        assert cursor.fetchone() == (0,)


@LISTS
def test_fields_show_what_is_set_and_only_to_whom_set_it(member_client: Client, app: App, listing: Listing) -> None:
    chosen = {"messages": {"push_type": "ios"}, "tasks": {"state": "failed"}}[listing.page]
    [word] = chosen.values()
    option = f'<option value="{word}" selected>'

    assert option in get(member_client, app, listing, **chosen).content.decode()
    assert option not in get(member_client, app, listing).content.decode()
