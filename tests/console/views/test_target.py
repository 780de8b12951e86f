"""The page of one target: what became of its messages, and the list."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from console.lists.target import COUNTED, summary_of
from console.tokens import SearchTerms, token_of
from pushlog.models import App, Message
from tests import factories
from tests.console.views.pages import titles

NOW = datetime.now(UTC)


def page_of(client: Client, app: App, target: str = "t", **query: str) -> Any:
    return client.get(reverse("target", args=[app.slug, token_of(app, SearchTerms(target))]), query)


def create(app: App, *, days: int, code: int | None = None, **fields: Any) -> None:
    now = NOW - timedelta(days=days)
    row = factories.message_row(target_id="t", created_at=now - timedelta(minutes=2), **fields)
    [identifier] = factories.create_messages(app, [row], now=now)
    if code is not None:
        factories.send_receipt(Message.objects.get(pk=identifier), channel="own" if code == 2 else "apns", code=code)


def test_the_page_sums_up_and_lists(member_client: Client, app: App) -> None:
    for days, code in ((9, 2), (4, 2), (3, 2009), (1, 2009), (0, None)):
        create(app, days=days, code=code, title=f"{days}")
    factories.create_message(app, target_id="other")

    response = page_of(member_client, app)

    assert titles(response) == ["0", "1", "3", "4", "9"]
    found = response.context["summary"]
    assert (found.total, found.received, found.failed, found.is_cut) == (5, 2, 2, False)
    assert (found.streak.count, found.streak.reasons) == (2, ["device token not valid"])
    page = response.content.decode()
    assert "2 failures since <time" in page
    assert "last received <time" in page
    kinds = {one.kind for one in found.days}
    assert kinds == {"received", "failed", "other", "nothing"}
    assert len(found.days) == 30
    for one in found.days:
        assert page.count(f"?{one.query}".replace("&", "&amp;")) == 2  # the square, and the table


def test_a_day_leads_to_its_messages(member_client: Client, app: App) -> None:
    for days in (0, 3):
        create(app, days=days, title=f"{days}")
    [_, day] = [one for one in reversed(page_of(member_client, app).context["summary"].days) if one.total]

    response = member_client.get(f"{page_of(member_client, app).request['PATH_INFO']}?{day.query}")

    assert titles(response) == ["3"]
    assert response.context["summary"].total == 2


def test_a_message_that_arrived_ends_the_failures(app: App) -> None:
    create(app, days=2, code=2009)
    create(app, days=1, code=2)
    create(app, days=0, code=2009)

    assert summary_of(app, "t", now=NOW).streak is None


def test_very_many_messages_are_not_all_counted(member_client: Client, app: App) -> None:
    rows = [factories.message_row(target_id="t") for _ in range(COUNTED + 1)]
    factories.create_messages(app, rows)

    assert f"The newest {COUNTED} messages" in page_of(member_client, app).content.decode()


def test_searches_by_target_alone_lead_here_and_others_do_not(member_client: Client, app: App) -> None:
    lists, token = reverse("messages", args=[app.slug]), token_of(app, SearchTerms("t"))
    target = reverse("target", args=[app.slug, token])

    assert member_client.get(lists, {"search": token, "sort": "title"}).headers["Location"] == f"{target}?sort=title"
    for terms in (SearchTerms("t", "c"), SearchTerms("", "c")):
        other = token_of(app, terms)
        answer = member_client.get(reverse("target", args=[app.slug, other]))
        assert answer.headers["Location"] == f"{lists}?search={other}"
    damaged = member_client.get(reverse("target", args=[app.slug, "x"]), follow=True)
    assert (damaged.status_code, "search link is damaged" in damaged.content.decode()) == (400, True)


@pytest.mark.parametrize("query", [{"outcome": "failed"}, {"sort": "title"}, {"outcme": "x"}])
def test_filters_and_sorts_stay_on_the_page(member_client: Client, app: App, query: dict[str, str]) -> None:
    create(app, days=0)

    response = page_of(member_client, app, **query)

    assert response.status_code == (400 if "outcme" in query else 200)
    assert f'action="{response.request["PATH_INFO"]}"' in response.content.decode()
