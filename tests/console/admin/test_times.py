"""Times in the admin: in the app's zone, in ISO 8601, and what is typed as shown means what is shown."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User

from pushlog import clock, credentials
from pushlog.models import App, Credential, Message, Role
from tests import factories
from tests.console.admin.forms import untouched
from tests.console.browsers import browser_of


@pytest.fixture
def app(db: None) -> App:
    return factories.create_app(time_zone="Asia/Shanghai")


@pytest.fixture
def manager(app: App) -> User:
    return factories.create_user(app, role=Role.MANAGER)


def test_a_time_is_shown_with_its_offset_and_stays(app: App, manager: User) -> None:
    created = clock.now().replace(microsecond=123456) - timedelta(hours=1)
    end = created + timedelta(days=1)
    message = factories.create_message(app, created_at=created, expires_in=86400)
    Message.objects.filter(pk=message.pk).update(expires_at=end)
    client, address = browser_of(manager), f"/admin/pushlog/message/{message.pk}/change/"

    form = untouched(client, address)
    assert form["expires_at"] == f"{end + timedelta(hours=8):%Y-%m-%d %H:%M:%S}.123456+08:00"
    assert client.post(address, form | {"title": "New"}).status_code == 302

    assert Message.objects.get().expires_at == end
    page = client.get(address).content.decode()
    assert f"{created + timedelta(hours=8):%Y-%m-%d %H:%M:%S} UTC+0800" in page
    assert "Without an offset: Asia/Shanghai." in page


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2027-01-31 08:00", datetime(2027, 1, 31, 0, tzinfo=UTC)),
        ("2027-01-31 08:00:00+00:00", datetime(2027, 1, 31, 8, tzinfo=UTC)),
        ("2027-01-31T08:00+01:00", datetime(2027, 1, 31, 7, tzinfo=UTC)),
    ],
)
def test_a_typed_time_is_of_the_zone_of_the_page(app: App, manager: User, typed: str, meant: datetime) -> None:
    one, _ = credentials.create(app=app, name="gateway")
    client, address = browser_of(manager), f"/admin/pushlog/credential/{one.pk}/change/"

    assert client.post(address, untouched(client, address) | {"expires_at": typed}).status_code == 302

    assert Credential.objects.get().expires_at == meant


def test_what_is_no_time_is_explained(app: App, manager: User) -> None:
    one, _ = credentials.create(app=app, name="gateway")
    client, address = browser_of(manager), f"/admin/pushlog/credential/{one.pk}/change/"

    page = client.post(address, untouched(client, address) | {"expires_at": "tomorrow"}).content.decode()

    assert "Type a time such as" in page


def test_lists_are_in_the_zone_of_the_only_app_and_else_in_utc(app: App, manager: User) -> None:
    one, _ = credentials.create(app=app, name="gateway")
    local = one.created_at + timedelta(hours=8)
    assert (
        f"{local:%Y-%m-%d %H:%M:%S} UTC+0800" in browser_of(manager).get("/admin/pushlog/credential/").content.decode()
    )

    both = factories.create_user(app, factories.create_app(), role=Role.MANAGER)
    page = browser_of(both).get("/admin/pushlog/credential/").content.decode()
    assert f"{one.created_at:%Y-%m-%d %H:%M:%S} UTC+0000" in page


def test_the_messages_of_an_app_are_in_its_zone(app: App, manager: User) -> None:
    message = factories.create_message(app)
    page = browser_of(manager).get("/admin/pushlog/message/").content.decode()

    assert "Times are in Asia/Shanghai" in page
    assert f"{message.created_at + timedelta(hours=8):%Y-%m-%d %H:%M:%S}" in page


def test_a_slug_is_made_from_the_name_and_the_page_says_what_comes_next(db: None) -> None:
    client = browser_of(factories.create_user(kind="administrator"))
    form = {"name": "My Shop", "slug": "", "environment": "production", "time_zone": "Europe/Berlin"}
    form |= {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}

    page = client.post("/admin/pushlog/app/add/", form, follow=True).content.decode()

    assert App.objects.get().slug == "my-shop"
    assert "makes a credential" in page
    assert "/admin/pushlog/credential/add/" in page
    refused = client.post("/admin/pushlog/app/add/", form | {"name": "商店"}).content.decode()
    assert "in Latin letters" in refused


def test_the_admin_offers_no_pages_of_the_libraries(db: None) -> None:
    client = browser_of(factories.create_user(is_superuser=True))

    page = client.get("/admin/").content.decode()

    for model in ("emailaddress", "authenticator", "usersession", "socialaccount", "socialapp", "group"):
        assert model not in page
    for path in ("mfa/authenticator", "socialaccount/socialapp", "usersessions/usersession", "account/emailaddress"):
        assert client.get(f"/admin/{path}/").status_code == 404
