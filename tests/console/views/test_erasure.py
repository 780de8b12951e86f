import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from console.views import erasure
from pushlog.models import App, AuditEntry, AuditKind, Message, Role
from tests import factories
from tests.console.browsers import browser_of

pytestmark = pytest.mark.django_db
TARGET = "+8613800000781"


@pytest.fixture
def manager(app: App) -> Client:
    return browser_of(factories.create_user(app, role=Role.MANAGER))


@pytest.fixture
def page(app: App) -> str:
    return reverse("erase", args=[app.slug])


def test_it_says_first_what_there_is_and_asks_for_the_id_again(manager: Client, app: App, page: str) -> None:
    message = factories.create_message(app, target_id=TARGET)
    form = {"target_id": f" {TARGET}", "reason": "request 7"}

    assert TARGET in manager.get(page, {"message": str(message.pk)}).content.decode()
    found = manager.post(page, form).content.decode()
    assert "<strong>1 message</strong>" in found
    assert "Erase it for good" in found
    differs = manager.post(page, form | {"again": "another"})
    assert (differs.status_code, "The two IDs differ." in differs.content.decode()) == (400, True)
    assert Message.objects.exists()

    done = manager.post(page, form | {"again": TARGET}).content.decode()

    assert "Erased." in done
    assert "Backups still hold it" in done
    assert not Message.objects.exists()


def test_page_that_runs_out_of_time_says_so(
    manager: Client, app: App, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.create_message(app, target_id=TARGET)
    monkeypatch.setattr(erasure, "_SECONDS", 0)

    shown = manager.post(page, {"target_id": TARGET, "reason": "request 7", "again": TARGET}).content.decode()

    assert "Send the form again" in shown
    assert f'value="{TARGET}"' in shown


@pytest.mark.parametrize(
    "form", [{}, {"target_id": TARGET}, {"target_id": "\0", "reason": "abc"}, {"target_id": " ", "reason": "abc"}]
)
def test_incomplete_form(manager: Client, page: str, form: dict[str, str]) -> None:
    response = manager.post(page, form)

    assert response.status_code == 400
    assert 'role="alert"' in response.content.decode()


def test_what_the_page_shows_and_finds_is_recorded(manager: Client, app: App, page: str, settings: Settings) -> None:
    message = factories.create_message(app, target_id=TARGET)
    settings.SEARCHES_PER_HOUR = 1
    form = {"target_id": TARGET, "reason": "request 7"}

    manager.get(page, {"message": str(message.pk)})
    assert [manager.post(page, form).status_code for _ in range(2)] == [200, 429]

    looked, searched = AuditEntry.objects.order_by("pk")
    assert (looked.kind, looked.message_id, searched.kind) == (AuditKind.MESSAGE, message.pk, AuditKind.SEARCH)


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.OPERATOR, 403), (Role.MANAGER, 200)])
def test_only_managers_erase(app: App, page: str, role: Role, status: int) -> None:
    message = factories.create_message(app, target_id=TARGET)
    person = browser_of(factories.create_user(app, role=role))

    assert person.get(page).status_code == status
    assert person.post(page, {"target_id": TARGET, "reason": "request 7"}).status_code == status
    shown = person.get(reverse("message", args=[app.slug, message.pk])).content.decode()
    assert ("Erase this target" in shown) == (status == 200)


@pytest.mark.parametrize("message", ["x", "00000000-0000-7000-8000-000000000000"])
def test_bad_message_in_the_address(manager: Client, page: str, message: str) -> None:
    assert manager.get(page, {"message": message}).status_code == (200 if message == "x" else 404)
