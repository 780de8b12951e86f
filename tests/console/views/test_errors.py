from typing import Any

import pytest
from django.db import ProgrammingError, connection
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django.fixtures import Settings

from console.views import errors
from pushlog.models import App


def test_page_that_is_not_there_is_a_404_in_the_frame(member_client: Client) -> None:
    response = member_client.get("/nothing/")

    assert response.status_code == 404
    assert "<header" in response.content.decode()
    assert "Log out" in response.content.decode()


def test_form_without_its_token_is_a_403_in_the_frame(app: App) -> None:
    client = Client(enforce_csrf_checks=True)

    response = client.post(reverse("search", args=[app.slug]), {"target_id": "personal"})

    assert response.status_code == 403
    assert "This form was not accepted" in response.content.decode()
    assert "personal" not in response.content.decode()


def test_unknown_host_is_a_400_in_the_frame(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["console.example"]

    response = client.get("/", headers={"host": "evil.example"})

    assert response.status_code == 400
    assert "<header" in response.content.decode()


def test_missing_permission_is_a_403_in_the_frame(rf: RequestFactory) -> None:
    request = rf.get("/")
    response = errors.forbidden(request, PermissionError())

    assert response.status_code == 403
    assert "<header" in response.content.decode()


def test_error_of_ours_is_a_500_in_the_frame(member_client: Client, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("personal detail")

    monkeypatch.setattr("console.views.messages.list_state", fail)
    member_client.raise_request_exception = False

    response = member_client.get(reverse("messages", args=[app.slug]))

    assert response.status_code == 500
    assert "<header" in response.content.decode()
    assert "personal detail" not in response.content.decode()


def test_query_over_the_time_limit_is_a_503_that_says_what_to_do(
    member_client: Client, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A query that takes long for certain; the limit itself is real.
    monkeypatch.setattr("console.views.messages.page_asked_for", lambda *args, **kwargs: _slow())

    response = member_client.get(reverse("messages", args=[app.slug]))

    assert response.status_code == 503
    assert "Narrow it" in response.content.decode()


def _slow() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '50ms'")
        cursor.execute("SELECT pg_sleep(5)")
        return list(cursor.fetchall())


@pytest.mark.django_db(transaction=True)
def test_database_that_is_away_is_a_503_that_says_so(
    member_client: Client, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    connection.connection.close()  # as a server that ended does it
    try:
        response = member_client.get(reverse("messages", args=[app.slug]))
    finally:
        connection.close()

    assert response.status_code == 503
    assert "The database does not answer" in response.content.decode()
    assert response.headers["Retry-After"] == "5"
    assert [one.exc_info for one in caplog.records if one.name == "console.middleware"] == [None]


def test_other_errors_of_the_database_are_a_500(
    member_client: Client, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ProgrammingError("personal detail")

    monkeypatch.setattr("console.views.messages.page_asked_for", fail)
    member_client.raise_request_exception = False

    assert member_client.get(reverse("messages", args=[app.slug])).status_code == 500
