"""Forms and addresses of the admin that were made by hand get an error, never a 500, and hold no thread for long."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from pushlog.models import App, Membership, PushTask, Role
from tests import factories
from tests.console.admin.forms import untouched
from tests.console.admin.test_tasks import filled

LISTS = [
    "/admin/pushlog/app/",
    "/admin/pushlog/credential/",
    "/admin/pushlog/pushtask/",
    "/admin/auth/user/",
]
TOO_DEEP = [
    "[" * 900 + "]" * 900,
    '{"a":' * 900 + "1" + "}" * 900,
    "[" * 100_000,
    '{"a":' * 40_000,
    "[" * 300 + "]" * 300,
]
UNSTORABLE = [
    '{"a": NaN}',
    '{"a": 1e999}',
    '{"a": "\\u0000"}',
    '{"\\u0000": 1}',
    '{"a": "\\ud800"}',
    f'{{"a": {"1" * 5000}}}',
]


@pytest.fixture
def address(app: App) -> str:
    return f"/admin/pushlog/app/{app.pk}/change/"


def members(app: App, **fields: Any) -> dict[str, Any]:
    """The form of an app with one new member."""
    return {
        "name": app.name,
        "environment": app.environment,
        "time_zone": "UTC",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
    } | {f"memberships-{name}": value for name, value in fields.items()}


@pytest.mark.parametrize("text", [*TOO_DEEP, *UNSTORABLE])
def test_json_that_cannot_be_read_or_stored_is_refused_with_words(browser: Client, app: App, text: str) -> None:
    message = factories.create_message(app)
    address = f"/admin/pushlog/message/{message.pk}/change/"

    response = browser.post(address, untouched(browser, address) | {"extras": f'{{"a": {text}}}'})

    assert response.status_code == 200
    assert "extras" in response.context["adminform"].form.errors
    for field in ("android", "ios", "targets", "tag_rule"):
        response = browser.post("/admin/pushlog/pushtask/add/", filled(app, **{field: text}))
        assert response.status_code == 200
        assert field in response.context["adminform"].form.errors
    assert not PushTask.objects.exists()


def test_all_that_ingestion_takes_may_stay(browser: Client, app: App) -> None:
    value: Any = 1
    for _ in range(200):
        value = [value]
    message = factories.create_message(app, extras={"a": value})
    address = f"/admin/pushlog/message/{message.pk}/change/"

    response = browser.post(address, untouched(browser, address) | {"title": "Fixed"})

    assert response.status_code == 302


@pytest.mark.parametrize("user", ["abc", "9" * 20, "1.5", "-1", "\0", "１"])
def test_a_member_that_is_nobody_is_refused(browser: Client, app: App, address: str, user: str) -> None:
    before = Membership.objects.count()

    response = browser.post(address, members(app, **{"0-user": user}))

    assert response.status_code == 200
    assert Membership.objects.count() == before


def test_a_member_is_added(browser: Client, app: App, address: str) -> None:
    person = factories.create_user()

    assert browser.post(address, members(app, **{"0-user": person.username, "0-role": "support"})).status_code == 302

    assert Membership.objects.filter(app=app, user=person, role=Role.SUPPORT).exists()


def test_at_most_a_hundred_new_members_are_taken_at_once(browser: Client, app: App, address: str) -> None:
    response = browser.post(address, members(app, TOTAL_FORMS="2000"))

    assert response.status_code == 200
    [formset] = [one.formset for one in response.context["inline_admin_formsets"]]
    assert len(formset.forms) == 100 + app.memberships.count()


@pytest.mark.parametrize(
    "query",
    [
        "id_key__gt=",
        "slug__regex=(",
        "name__regex=(",
        "username__regex=(",
        "password__startswith=pbkdf2",
        "user_permissions__codename__regex=(",
        "app__slug__regex=(",
        "id__exact=abc",
        "id__in=a,b",
        "id=99999999999999999999",
        "is_staff__exact=abc",
        "groups__id__exact=abc",
        "groups__id__exact=99999999999999999999",
    ],
)
def test_a_list_takes_no_lookup_but_those_of_its_filters(browser: Client, query: str) -> None:
    for address in LISTS:
        assert browser.get(f"{address}?{query}").status_code in (302, 400), address


def test_the_filters_of_people_work(browser: Client, admin: User) -> None:
    for query in ("is_superuser__exact=1", "is_active__exact=1"):
        response = browser.get(f"/admin/auth/user/?{query}")
        assert admin in response.context["cl"].result_list


def test_an_address_fills_no_form(browser: Client) -> None:
    query = "app=abc&created_at=x&pushed_at=abc&groups=abc&user_permissions=abc&name=%00&date_joined=x"

    for address in LISTS:
        assert browser.get(f"{address}add/?{query}").status_code == 200, address


@pytest.mark.parametrize("page", ["change", "delete", "history"])
def test_an_empty_field_in_the_address_is_left_out(browser: Client, app: App, page: str) -> None:
    pages = [f"/admin/pushlog/app/{app.pk}/", f"/admin/auth/user/{User.objects.get().pk}/"]

    answers = [browser.get(f"{one}{page}/?_to_field=").status_code for one in pages]

    assert answers == ([403, 403] if page == "delete" else [200, 200])


@pytest.mark.parametrize("page", ["auth/user/add/", "pushlog/app/add/"])
@pytest.mark.parametrize("field", ["user", "memberships", "slug", "x"])
def test_only_numbers_name_rows_in_the_address(browser: Client, page: str, field: str) -> None:
    assert browser.get(f"/admin/{page}?_to_field={field}").status_code == 400
    assert browser.get(f"/admin/{page}?_to_field=id&_popup=1").status_code == 200
