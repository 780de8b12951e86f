"""Members are removed after a question, at once, and taken back within an hour."""

from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db.models import F

from pushlog.models import App, AuditEntry, AuditKind, EndedMembership, Membership, Reveal, Role
from tests import factories
from tests.console.admin.forms import untouched
from tests.console.browsers import browser_of
from tests.pushlog.threads import run_together


@pytest.fixture
def manager(app: App) -> User:
    return factories.create_user(app, role=Role.MANAGER)


@pytest.fixture
def support(app: App) -> User:
    return factories.create_user(app, role=Role.SUPPORT, username="Sue")


def page_of(person: User, app: App) -> str:
    return f"/admin/pushlog/app/members/{Membership.objects.get(user=person, app=app).pk}/remove/"


def test_a_member_is_removed_at_once_after_a_question(app: App, manager: User, support: User) -> None:
    client, open_tab = browser_of(manager), browser_of(support)
    message = factories.create_message(app)
    shown = f"/apps/{app.slug}/messages/{message.pk}/"
    open_tab.post(f"{shown}reveal/", {"reason": "T-1", "ticket": "T-1"})
    where = page_of(support, app)

    assert where in client.get(f"/admin/pushlog/app/{app.pk}/change/").content.decode()
    assert "at once" in client.get(where).content.decode()
    assert open_tab.get(shown).status_code == 200
    assert client.post(where).status_code == 302

    assert open_tab.get(shown).status_code == 404
    assert not Reveal.objects.filter(user=support).exists()
    [entry] = AuditEntry.objects.filter(kind=AuditKind.CHANGE, app=app.pk, person=manager.pk)
    assert entry.details["changes"] == [{"removed": f"Sue, support in {app}"}]


def test_a_removal_is_taken_back_within_an_hour(app: App, manager: User, support: User) -> None:
    client = browser_of(manager)
    client.post(page_of(support, app))
    where = f"/admin/pushlog/app/members/removed/{EndedMembership.objects.get().pk}/take-back/"
    assert where in client.get(f"/admin/pushlog/app/{app.pk}/change/").content.decode()

    EndedMembership.objects.update(ended_at=F("ended_at") - timedelta(minutes=61))
    assert client.post(where).status_code == 404
    EndedMembership.objects.update(ended_at=F("ended_at") + timedelta(minutes=5))
    assert client.get(where).status_code == 200
    assert client.post(where).status_code == 302

    assert Membership.objects.get(user=support, app=app).role == Role.SUPPORT
    assert client.post(where).status_code == 404


def test_an_app_keeps_a_manager(app: App, manager: User) -> None:
    client, where = browser_of(manager), page_of(manager, app)

    assert "would have no manager" in client.get(where).content.decode()
    assert client.post(where).status_code == 200
    change = f"/admin/pushlog/app/{app.pk}/change/"
    answer = client.post(change, untouched(client, change) | {"memberships-0-role": "operator"})
    assert "would have no manager" in answer.content.decode()

    assert Membership.objects.get(user=manager).role == Role.MANAGER
    other = factories.create_user(app, role=Role.MANAGER)
    assert browser_of(other).post(where).status_code == 302


def test_one_form_does_not_take_all_managers_away(app: App, manager: User) -> None:
    other = factories.create_user(app, role=Role.MANAGER)
    client, address = browser_of(manager), f"/admin/pushlog/app/{app.pk}/change/"
    both = {"memberships-0-role": "operator", "memberships-1-role": "viewer"}

    page = client.post(address, untouched(client, address) | both).content.decode()
    assert page.count("would have no manager") == 2
    assert Membership.objects.filter(role=Role.MANAGER).count() == 2

    third = factories.create_user(username="Third")
    new = {"memberships-2-user": "Third", "memberships-2-role": "manager"}
    assert client.post(address, untouched(client, address) | both | new).status_code == 302
    assert Membership.objects.get(role=Role.MANAGER).user == third
    # On a person's page.
    administrator, address = browser_of(factories.create_user(kind="administrator")), "/admin/auth/user/{}/change/"
    form = untouched(administrator, address.format(third.pk)) | {"memberships-0-role": "viewer"}
    assert "would have no manager" in administrator.post(address.format(third.pk), form).content.decode()
    form = untouched(administrator, address.format(other.pk)) | {"memberships-0-role": "manager"}
    assert administrator.post(address.format(other.pk), form).status_code == 302


def test_deactivating_the_only_manager_says_what_is_missing(app: App, manager: User) -> None:
    client = browser_of(factories.create_user(kind="administrator"))
    address = f"/admin/auth/user/{manager.pk}/change/"
    form = untouched(client, address)
    form.pop("is_active")

    page = client.post(address, form, follow=True).content.decode()

    assert f"{app} has no active manager now" in page
    assert not User.objects.get(pk=manager.pk).is_active


def test_only_who_decides_about_members_removes_them(app: App, support: User, manager: User) -> None:
    where = page_of(support, app)
    strangers = [
        factories.create_user(app, role=Role.OPERATOR),
        factories.create_user(factories.create_app(), role=Role.MANAGER),
        factories.create_user(kind="auditor"),
    ]

    assert [browser_of(one).post(where).status_code for one in strangers] == [404, 404, 302]
    assert Membership.objects.filter(user=support).exists()
    assert browser_of(factories.create_user(kind="administrator")).post(where).status_code == 302
    assert not Membership.objects.filter(user=support).exists()


def test_a_stored_row_changes_its_role_alone(app: App, manager: User, support: User) -> None:
    other = factories.create_user(username="other")
    User.objects.filter(pk=support.pk).update(is_active=False)
    client, address = browser_of(manager), f"/admin/pushlog/app/{app.pk}/change/"
    form = untouched(client, address)
    number = next(name.split("-")[1] for name, value in form.items() if value == "Sue")

    changed = {f"memberships-{number}-user": "other", f"memberships-{number}-role": "viewer"}
    assert client.post(address, form | changed).status_code == 302

    assert Membership.objects.get(user=support).role == Role.VIEWER
    assert not Membership.objects.filter(user=other).exists()


def test_a_person_s_page_gives_roles_too(app: App, support: User) -> None:
    client = browser_of(factories.create_user(kind="administrator"))
    other, address = factories.create_app(), f"/admin/auth/user/{support.pk}/change/"
    form = untouched(client, address) | {"memberships-TOTAL_FORMS": "2", "memberships-0-app": other.pk}

    added = {"memberships-1-app": other.pk, "memberships-1-role": "operator"}
    assert client.post(address, form | added).status_code == 302

    roles = Membership.objects.filter(user=support).values_list("app", "role")
    assert sorted(roles) == sorted([(app.pk, "support"), (other.pk, "operator")])


@pytest.mark.django_db(transaction=True)
def test_two_managers_who_remove_each_other_leave_one(app: App) -> None:
    first, second = (factories.create_user(app, role=Role.MANAGER) for _ in range(2))
    pages = {browser_of(one): page_of(other, app) for one, other in ((first, second), (second, first))}

    run_together(*(partial(client.post, page) for client, page in pages.items()))

    assert Membership.objects.filter(app=app, role=Role.MANAGER).count() == 1
    assert EndedMembership.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_removal_is_taken_back_once(app: App, manager: User, support: User) -> None:
    browser_of(manager).post(page_of(support, app))
    where = f"/admin/pushlog/app/members/removed/{EndedMembership.objects.get().pk}/take-back/"
    clients = [browser_of(manager) for _ in range(2)]

    run_together(*(partial(client.post, where) for client in clients))

    entries = AuditEntry.objects.filter(kind=AuditKind.CHANGE).values_list("details__changes", flat=True)
    assert sorted(next(iter(changes[0])) for changes in entries) == ["removed", "taken back"]


@pytest.mark.django_db(transaction=True)
def test_a_member_is_removed_once(app: App, manager: User, support: User) -> None:
    page = page_of(support, app)
    clients = [browser_of(manager) for _ in range(2)]

    run_together(*(partial(client.post, page) for client in clients))

    assert EndedMembership.objects.count() == 1
