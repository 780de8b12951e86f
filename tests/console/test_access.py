import pytest
from django.test import Client
from django.urls import reverse

from pushlog.models import App
from tests import factories


@pytest.mark.parametrize("page", ["messages/", "tasks/", "tasks/133703/"])
def test_pages_of_an_app_need_a_login(client: Client, app: App, page: str) -> None:
    response = client.get(f"/apps/{app.slug}/{page}")

    assert response.status_code == 302
    assert response.headers["Location"] == f"/accounts/login/?next=/apps/{app.slug}/{page}"


def test_fragment_without_a_login_sends_the_whole_page_to_the_login(client: Client, app: App) -> None:
    response = client.get(
        reverse("messages", args=[app.slug]) + "?sort=title",
        headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver/apps/{app.slug}/messages/?sort=-title"},
    )

    assert response.status_code == 204
    assert response.headers["HX-Redirect"] == f"/accounts/login/?next=/apps/{app.slug}/messages/%3Fsort%3D-title"


@pytest.mark.parametrize("headers", [{}, {"HX-Current-URL": "http://["}, {"HX-Current-URL": "http://a\u2100b/"}])
def test_fragment_of_an_unreadable_page_leads_back_to_the_list(
    client: Client, app: App, headers: dict[str, str]
) -> None:
    response = client.get(f"/apps/{app.slug}/tasks/", headers={"HX-Request": "true", **headers})

    assert response.status_code == 204
    assert response.headers["HX-Redirect"] == f"/accounts/login/?next=/apps/{app.slug}/messages/"


def test_other_apps_are_not_found(member_client: Client) -> None:
    other = factories.create_app()
    message, task = factories.create_message(other), factories.create_task(other)

    for address in (
        reverse("messages", args=[other.slug]),
        reverse("message", args=[other.slug, message.pk]),
        reverse("messages", args=["no-such-app"]),
        reverse("tasks", args=[other.slug]),
        reverse("task", args=[other.slug, task.push_id]),
    ):
        assert member_client.get(address).status_code == 404
    assert member_client.post(reverse("search", args=[other.slug]), {"target_id": "x"}).status_code == 404


def test_message_of_another_app_is_not_found_under_my_app(member_client: Client, app: App) -> None:
    other = factories.create_message(factories.create_app())

    assert member_client.get(reverse("message", args=[app.slug, other.pk])).status_code == 404


def test_superuser_sees_only_the_apps_he_is_a_member_of(client: Client, app: App) -> None:
    client.force_login(factories.create_user(is_superuser=True))

    assert client.get(reverse("messages", args=[app.slug])).status_code == 404
    assert app.name not in client.get("/").content.decode()


def test_nobody_can_sign_up(client: Client, db: None) -> None:
    assert client.get("/accounts/signup/").status_code == 404
