from django.test import Client

from pushlog import __version__
from pushlog.models import App
from tests import factories


def test_front_page_lists_my_apps_and_no_others(member_client: Client, app: App) -> None:
    factories.create_app(name="Not mine")

    page = member_client.get("/").content.decode()

    assert app.name in page
    assert f"/apps/{app.slug}/messages/" in page
    assert "Not mine" not in page


def test_front_page_of_a_person_without_apps_says_what_to_do(client: Client, db: None) -> None:
    client.force_login(factories.create_user())

    assert "Ask an administrator" in client.get("/").content.decode()


def test_front_page_needs_a_login(client: Client, db: None) -> None:
    assert client.get("/").headers["Location"] == "/accounts/login/?next=/"


def test_login_with_a_wrong_password_says_so(client: Client, db: None) -> None:
    factories.create_user(username="jo", password="right")

    response = client.post("/accounts/login/", {"login": "jo", "password": "wrong"})

    assert response.status_code == 200
    assert "not correct" in response.content.decode()


def test_login_leads_to_my_apps(client: Client, db: None) -> None:
    factories.create_user(username="jo", password="right")

    response = client.post("/accounts/login/", {"login": "jo", "password": "right"})

    assert response.headers["Location"] == "/"


def test_pages_tell_the_version_to_those_who_are_logged_in(member_client: Client) -> None:
    footer = f">Pushlog {__version__}<"

    assert footer in member_client.get("/").content.decode()
    assert footer in member_client.get("/nothing/").content.decode()
    login = Client().get("/accounts/login/").content.decode()
    assert "Log in" in login
    assert __version__ not in login
