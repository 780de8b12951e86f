"""Every push ID has an address, and the address leads back to it, through whatever decodes it on the way."""

from urllib.parse import quote, unquote, urlsplit

import pytest
from django.test import Client
from django.urls import resolve, reverse
from hypothesis import given
from hypothesis import strategies as st

from pushlog.models import App
from tests import factories

ODD = [
    *(
        "133703",
        "a b",
        "a/b",
        "/",
        "//",
        "a//b",
        ".",
        "..",
        "...",
        "../..",
        "a/../b",
        "./a",
        "~",
        "~41",
        "~zz",
        "%",
        "%2F",
    ),
    *(
        "%252F",
        "?a=b",
        "#a",
        ";a=b",
        "a\\b",
        "a\nb",
        "a\r\nb",
        "\x7f",
        "题",
        "É",
        "e\u0301",
        "\U0001f680",
        "a\u202eb",
        '"><b>',
    ),
    *("'", "&amp;", "+", "x" * 64, "\U0001f680" * 64, "\ufffd", "messages", "search"),
]


@pytest.mark.parametrize("push_id", ODD)
def test_address_leads_to_the_task(member_client: Client, app: App, push_id: str) -> None:
    task = factories.create_task(app, push_id=push_id)
    address = reverse("task", args=[app.slug, push_id])

    response = member_client.get(address)

    assert response.status_code == 200
    assert response.context["task"] == task


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=64))
def test_every_push_id_goes_there_and_back(push_id: str) -> None:
    address = reverse("task", args=["shop", push_id])

    path = urlsplit(address).path
    assert path == address
    part = path.removeprefix("/apps/shop/tasks/").removesuffix("/")
    assert resolve(unquote(path)).kwargs == {"app": "shop", "push_id": push_id}
    # A proxy that decodes once too often, merges slashes or walks up changes nothing.
    assert unquote(unquote(part)) == unquote(part)
    assert "/" not in unquote(part)
    assert unquote(part) not in {".", ".."}


@pytest.mark.parametrize(
    ("push_id", "part"),
    [
        ("133703", "133703"),
        ("a-b_c.d:e@f", "a-b_c.d:e@f"),
        ("a/b c", "a~2Fb~20c"),
        ("..", "~2E~2E"),
        ("a..b", "a..b"),
        ("~", "~7E"),
        ("题", "%E9%A2%98"),
    ],
)
def test_common_push_ids_stand_as_they_are(push_id: str, part: str) -> None:
    assert reverse("task", args=["shop", push_id]) == f"/apps/shop/tasks/{part}/"


@pytest.mark.parametrize("part", ["~", "a~", "~2", "~2f", "~zz", "~00", "%00", "a~00b", "x" * 65, "x" * 5000, "%FF"])
def test_part_that_is_no_push_id_is_not_found(member_client: Client, app: App, part: str) -> None:
    assert member_client.get(f"/apps/{app.slug}/tasks/{part}/").status_code == 404


def test_push_id_typed_into_the_address_is_understood(member_client: Client, app: App) -> None:
    factories.create_task(app, push_id="a b=c")

    assert member_client.get(f"/apps/{app.slug}/tasks/{quote('a b=c')}/").status_code == 200
