"""What each role finds in Django's admin."""

import pytest
from django.contrib.auth.models import User

from pushlog import credentials
from pushlog.models import App, Credential, InstallationRole, Membership, Role
from tests import factories
from tests.console.admin.forms import untouched
from tests.console.browsers import browser_of


@pytest.fixture
def administrator(db: None) -> User:
    return factories.create_user(kind="administrator")


MODELS = ["pushlog/app", "pushlog/credential", "pushlog/message", "pushlog/pushtask", "auth/user"]
FORBIDDEN = (302, 302, 302, 302, 302)


@pytest.mark.parametrize(
    ("who", "lists"),
    [
        ("viewer", FORBIDDEN),
        ("support", FORBIDDEN),
        ("operator", (403, 403, 200, 200, 403)),
        ("manager", (200, 200, 200, 200, 403)),
        ("administrator", (200, 403, 403, 403, 200)),
        ("auditor", FORBIDDEN),
        ("staff", FORBIDDEN),
        ("nobody", FORBIDDEN),
    ],
)
def test_each_role_finds_its_own_pages(app: App, who: str, lists: tuple[int, ...]) -> None:
    if who in Role.values:
        person = factories.create_user(app, role=Role(who))
    elif who in InstallationRole.Kind.values:
        person = factories.create_user(kind=who)
    else:
        person = factories.create_user(is_staff=who == "staff")
    client = browser_of(person)

    assert tuple(client.get(f"/admin/{model}/").status_code for model in MODELS) == lists
    assert ("/admin/" in client.get("/").content.decode()) == (lists != FORBIDDEN)


def test_managers_see_and_make_credentials_of_their_own_apps_alone(app: App) -> None:
    other, _ = credentials.create(app=factories.create_app(), name="secret program")
    client = browser_of(factories.create_user(app, role=Role.MANAGER))

    assert "secret program" not in client.get("/admin/pushlog/credential/").content.decode()
    assert client.get(f"/admin/pushlog/credential/{other.pk}/change/").status_code == 302
    form = {"app": other.app.pk, "name": "mine", "scopes": ["read"], "own_access_id": "", "own_secret": ""}
    assert client.post("/admin/pushlog/credential/add/", form).status_code == 200
    assert client.post(f"/admin/pushlog/credential/{other.pk}/step/revoke/").status_code == 404

    [left] = Credential.objects.all()
    assert left.revoked_at is None


def test_managers_change_their_own_apps_alone(app: App, administrator: User) -> None:
    other, manager = factories.create_app(), factories.create_user(app, role=Role.MANAGER)
    client = browser_of(manager)

    assert other.name not in client.get("/admin/pushlog/app/").content.decode()
    assert client.get(f"/admin/pushlog/app/{other.pk}/change/").status_code == 302
    assert client.get("/admin/pushlog/app/add/").status_code == 403
    address = f"/admin/pushlog/app/{app.pk}/change/"
    form = untouched(client, address) | {"memberships-1-user": administrator.username, "memberships-1-role": "viewer"}
    assert client.post(address, form | {"memberships-TOTAL_FORMS": "2"}).status_code == 302
    assert Membership.objects.get(user=administrator).app == app


def test_managers_name_people_and_read_nothing_of_them(app: App) -> None:
    client, other = browser_of(factories.create_user(app, role=Role.MANAGER)), factories.create_user(username="findme")
    factories.create_user(username="gone", is_active=False)
    address = f"/admin/pushlog/app/{app.pk}/change/"
    form = untouched(client, address) | {"memberships-TOTAL_FORMS": "2", "memberships-1-role": "viewer"}

    assert client.get(f"/admin/auth/user/{other.pk}/change/").status_code == 403
    for name in ("gone", "nobody"):
        assert "nobody with this username" in client.post(address, form | {"memberships-1-user": name}).content.decode()
    assert "findme" not in client.get(address).content.decode()
    assert client.post(address, form | {"memberships-1-user": "findme"}).status_code == 302
    assert Membership.objects.filter(app=app, user=other).exists()


def test_administrators_do_not_touch_superusers(administrator: User) -> None:
    mighty, client = factories.create_user(is_superuser=True), browser_of(administrator)
    address = f"/admin/auth/user/{mighty.pk}"

    page = client.get(f"{address}/change/")
    assert page.status_code == 200
    assert 'name="username"' not in page.content.decode()
    assert client.post(f"{address}/change/", {"username": "taken"}).status_code == 403
    assert client.post(f"{address}/password/", {"password1": "x" * 12, "password2": "x" * 12}).status_code == 403
    own = f"/admin/auth/user/{administrator.pk}/change/"
    assert client.post(own, untouched(client, own) | {"is_superuser": "on", "is_staff": "on"}).status_code == 302

    administrator.refresh_from_db()
    mighty.refresh_from_db()
    assert not administrator.is_superuser
    assert mighty.username != "taken"


def test_administrators_give_roles_on_the_person_s_page(administrator: User, app: App) -> None:
    person, client = factories.create_user(), browser_of(administrator)
    address = f"/admin/auth/user/{person.pk}/change/"
    given = {
        "installation_role-TOTAL_FORMS": "1",
        "installation_role-0-kind": "auditor",
        "installation_role-0-user": person.pk,
        "memberships-0-app": app.pk,
        "memberships-0-role": "support",
    }

    assert client.post(address, untouched(client, address) | given).status_code == 302

    assert InstallationRole.objects.get(user=person).kind == "auditor"
    assert Membership.objects.get(user=person).role == "support"


def test_people_are_deactivated_and_never_deleted(administrator: User, app: App) -> None:
    person, client = factories.create_user(app, username="leaving"), browser_of(administrator)
    own = browser_of(person)
    assert own.get(f"/apps/{app.slug}/messages/").status_code == 200

    assert client.post(f"/admin/auth/user/{person.pk}/delete/", {"post": "yes"}).status_code == 403
    address = f"/admin/auth/user/{person.pk}/change/"
    form = untouched(client, address)
    del form["is_active"]
    assert client.post(address, form).status_code == 302

    assert not User.objects.get(pk=person.pk).is_active
    assert own.get(f"/apps/{app.slug}/messages/").status_code == 302


def test_name_of_another_person_in_other_letters_is_refused(administrator: User) -> None:
    factories.create_user(username="boss", is_superuser=True)
    other = factories.create_user(username="other")
    page = f"/admin/auth/user/{other.pk}/change/"
    client = browser_of(administrator)

    response = client.post(page, untouched(client, page) | {"username": "BOSS"})

    assert "There is somebody with this name already." in response.content.decode()
    other.refresh_from_db()
    assert other.username == "other"


@pytest.mark.parametrize(
    "address",
    [
        "/admin/r/1/%00/",
        "/admin/r/7/[1,%22a%22]/",
        "/admin/autocomplete/?app_label=pushlog&model_name=app&field_name=tasks&term=",
    ],
)
def test_addresses_of_the_admin_that_we_do_not_use(app: App, address: str) -> None:
    manager = factories.create_user(app, role=Role.MANAGER, kind="administrator")

    assert browser_of(manager).get(address).status_code in {403, 404}
