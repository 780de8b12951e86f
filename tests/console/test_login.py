"""Log-in: wrong passwords delay further tries, by account and address, and nobody is locked out by others."""

import re
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier
from unittest.mock import Mock

import pytest
from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.models import F
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from pushlog import clock, throttle
from pushlog.models import App, FailedTry
from tests import factories
from tests.pushlog.threads import run_together

PAGE = "/accounts/login/"


@pytest.fixture
def person(db: None) -> User:
    return factories.create_user(username="Jane_Doe", password="right")


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were hashed, without the effort."""
    hashed: list[str] = []

    def encode(hasher: PBKDF2PasswordHasher, password: str, salt: str, iterations: int | None = None) -> str:
        hashed.append(password)
        return f"{hasher.algorithm}${iterations or hasher.iterations}${salt}${password}"

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", encode)
    return hashed


pytestmark = pytest.mark.usefixtures("hashes")


def log_in(client: Client, name: str = "Jane_Doe", password: str = "right", address: str = "192.0.2.1") -> int:
    return client.post(PAGE, {"login": name, "password": password}, REMOTE_ADDR=address).status_code


def fail(times: int, name: str = "Jane_Doe", address: str = "192.0.2.1") -> list[int]:
    return [log_in(Client(), name, "wrong", address) for _ in range(times)]


def pass_time(**by: int) -> None:
    FailedTry.objects.update(last_at=F("last_at") - timedelta(**by), wait_until=F("wait_until") - timedelta(**by))


def test_after_five_wrong_passwords_the_wait_doubles(client: Client, person: User, hashes: list[str]) -> None:
    assert fail(5) == [200] * 5
    hashes.clear()

    waits = []
    for _ in range(12):
        response = client.post(PAGE, {"login": "Jane_Doe", "password": "right"}, REMOTE_ADDR="192.0.2.1")
        assert response.status_code == 429
        assert hashes == []
        waits.append(int(response.headers["Retry-After"]))
        pass_time(seconds=waits[-1])
        assert fail(1) == [200]
        hashes.clear()

    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_tries_within_the_wait_are_not_counted(person: User) -> None:
    fail(20)
    pass_time(seconds=1)

    assert log_in(Client()) == 302


def test_a_log_in_ends_the_count_of_its_account(person: User) -> None:
    fail(4)
    assert log_in(Client()) == 302
    assert fail(5) == [200] * 5


def test_failures_are_forgotten_after_an_hour(person: User) -> None:
    fail(5)
    pass_time(minutes=61)

    assert fail(5) == [200] * 5


@pytest.mark.parametrize("name", ["jane_doe", " JANE_DOE ", "ｊane_doe"])
def test_other_spellings_of_a_name_count_together(person: User, name: str) -> None:
    fail(5, name)

    assert log_in(Client()) == 429


def test_nobody_is_locked_out_from_elsewhere(person: User) -> None:
    fail(10)

    assert log_in(Client(), address="192.0.2.2") == 302


def test_an_address_that_tries_many_names_waits_for_all(person: User) -> None:
    for number in range(30):
        fail(1, f"name-{number}")

    assert log_in(Client()) == 429
    assert log_in(Client(), address="192.0.2.2") == 302


def test_a_log_in_does_not_end_the_count_of_its_address(person: User) -> None:
    for number in range(29):
        fail(1, f"name-{number}")
    assert log_in(Client()) == 302

    fail(1, "another")

    assert log_in(Client()) == 429


def test_a_network_of_ipv6_counts_as_one_address(person: User) -> None:
    for number in range(5):
        fail(1, address=f"2001:db8::{number}")

    assert log_in(Client(), address="2001:db8::ffff:1") == 429
    assert log_in(Client(), address="2001:db8:0:1::1") == 302


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Host", "X-Real-IP", "Forwarded"])
def test_no_header_of_a_client_makes_a_new_count(person: User, header: str, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    values = {"Host": "testserver:{}", "Forwarded": "for=192.0.2.{}"}
    statuses = [
        Client()
        .post(
            PAGE,
            {"login": "Jane_Doe", "password": "wrong"},
            REMOTE_ADDR="192.0.2.1",
            headers={header: values.get(header, "198.51.100.{}").format(number)},
        )
        .status_code
        for number in range(6)
    ]

    assert statuses == [200] * 5 + [429]


def test_a_browser_that_logged_in_before_is_not_delayed_by_others(person: User) -> None:
    browser = Client()
    assert log_in(browser) == 302
    browser.post("/accounts/logout/")

    fail(10)
    for number in range(30):
        fail(1, f"name-{number}")

    assert log_in(Client()) == 429
    assert log_in(browser) == 302


def test_a_known_browser_has_a_count_of_its_own(person: User) -> None:
    browser = Client()
    log_in(browser)
    browser.post("/accounts/logout/")

    assert [log_in(browser, password="wrong") for _ in range(6)] == [200] * 5 + [429]
    assert log_in(Client()) == 302


def test_a_known_browser_is_known_for_its_account_alone(person: User) -> None:
    factories.create_user(username="other", password="right")
    browser = Client()
    log_in(browser, "other")
    browser.post("/accounts/logout/")
    fail(5)

    assert log_in(browser) == 429


def test_a_new_password_makes_a_browser_unknown(person: User) -> None:
    browser = Client()
    log_in(browser)
    browser.post("/accounts/logout/")
    person.set_password("right")
    person.save()
    fail(5)

    assert log_in(browser) == 429


@pytest.mark.parametrize("value", ["x", "1:a:b", "1:a:b:c:d", "::::"])
def test_a_cookie_that_was_made_up_makes_no_browser_known(person: User, value: str) -> None:
    browser = Client()
    browser.cookies["browser"] = value
    fail(5)

    assert log_in(browser) == 429


def test_all_failures_look_alike(person: User, hashes: list[str]) -> None:
    factories.create_user(username="gone", password="right", is_active=False)
    factories.create_user(username="nobody")  # without a password
    pages = set()

    for name, password in [("gone", "right"), ("gone", "wrong"), ("Jane_Doe", "wrong"), ("unknown", "wrong")]:
        client = Client()
        hashes.clear()
        response = client.post(PAGE, {"login": name, "password": password})
        assert len(hashes) == 1
        pages.add((response.status_code, response.content.decode().replace(name, "")))
        assert not client.cookies.keys() & {"sessionid", "browser"}

    assert len({status for status, _ in pages}) == 1
    assert len({re.sub('value="[^"]*"', "", page.split("<main")[1]) for _, page in pages}) == 1


def test_a_deactivated_person_is_counted(person: User) -> None:
    factories.create_user(username="gone", password="right", is_active=False)

    assert [log_in(Client(), "gone") for _ in range(6)] == [200] * 5 + [429]


def test_the_password_page_and_the_confirmation_count_too(person: User) -> None:
    client = Client()
    client.force_login(person)
    change = {"oldpassword": "wrong", "password1": "a new and long one", "password2": "a new and long one"}

    assert client.post("/accounts/password/change/", change).status_code == 200
    assert client.post("/accounts/password/change/", change).status_code == 200
    assert client.post("/accounts/reauthenticate/", {"password": "wrong"}).status_code == 200
    assert [client.post("/accounts/reauthenticate/", {"password": "wrong"}).status_code for _ in range(3)] == [
        200,
        200,
        429,
    ]
    assert client.post("/accounts/password/change/", change | {"oldpassword": "right"}).status_code == 429
    pass_time(seconds=1)
    assert client.post("/accounts/password/change/", change | {"oldpassword": "right"}).status_code == 302
    person.refresh_from_db()
    assert person.check_password("a new and long one")


def test_a_new_password_has_twelve_characters(person: User) -> None:
    client = Client()
    client.force_login(person)

    response = client.post(
        "/accounts/password/change/", {"oldpassword": "right", "password1": "elevenchars", "password2": "elevenchars"}
    )

    assert "at least 12 characters" in response.content.decode()


def test_the_admin_has_no_page_of_its_own_that_checks_passwords(
    person: User, hashes: list[str], settings: Settings
) -> None:
    settings.SECOND_FACTOR_ROLES = []
    person.is_superuser = True
    person.save()
    client = Client()
    client.force_login(person)
    hashes.clear()

    response = client.post("/admin/password_change/", {"old_password": "wrong"})
    assert (response.status_code, response.headers["Location"]) == (302, "/accounts/password/change/")
    response = client.post("/admin/login/", {"username": "other", "password": "wrong"})
    assert (response.status_code, response.headers["Location"]) == (302, "/admin/")
    assert Client().post("/admin/login/", {"username": "other", "password": "wrong"}).status_code == 302
    assert hashes == []


@pytest.mark.parametrize("who", ["jane_DOE", "192.0.2.1"])
def test_an_administrator_ends_the_wait(person: User, who: str, capsys: pytest.CaptureFixture[str]) -> None:
    fail(6)
    assert log_in(Client()) == 429

    call_command("unlock", who)
    assert log_in(Client()) == 302
    call_command("unlock", "2001:db8::1")

    assert capsys.readouterr().out.splitlines()[0] == "Unlocked."


def test_the_database_holds_no_names(person: User) -> None:
    fail(1)

    for row in FailedTry.objects.all():
        assert len(row.who) == len(row.place) == 32


@pytest.mark.django_db(transaction=True)
def test_tries_at_once_are_no_more_than_one_after_another() -> None:
    keys = throttle.Key("person:x", "192.0.2.1", 5), throttle.Key("persons", "192.0.2.1", 30)
    start, waits = Barrier(8), list[int]()

    def attempt() -> None:
        start.wait(30)
        waits.append(throttle.begin(*keys))

    run_together(*[attempt] * 8)

    assert sorted(waits) == [0] * 5 + [1] * 3


def test_a_page_asks_nothing_about_failures(person: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    client = Client()
    log_in(client)

    with django_assert_num_queries(3) as queries:
        client.get("/")

    assert "failedtry" not in str(queries.captured_queries)


def test_log_ins_that_the_database_does_not_answer_are_not_counted(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(raise_request_exception=False)
    with monkeypatch.context() as without_database:
        without_database.setattr(AuthenticationBackend, "authenticate", Mock(side_effect=OperationalError))
        assert [log_in(client) for _ in range(6)] == [503] * 6

    assert log_in(client) == 302


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_account_without_a_password_has_none_to_change(client: Client, db: None, method: str) -> None:
    client.force_login(factories.create_user())

    answer = getattr(client, method)("/accounts/password/change/", follow=True)

    assert answer.status_code == 403
    assert "Your account has no password" in answer.content.decode()


@pytest.mark.parametrize("next_page", ["http://[", "http://\u200b[x", "//[", "https://evil.example/"])
def test_an_address_that_cannot_be_read_is_not_gone_to(client: Client, person: User, next_page: str) -> None:
    shown = client.get(PAGE, {"next": next_page})
    answer = client.post(PAGE, {"login": "Jane_Doe", "password": "right", "next": next_page})

    assert shown.status_code == 200
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert client.get("/accounts/logout/", {"next": next_page}).status_code == 200


def test_a_new_key_logs_nobody_out(person: User, settings: Settings) -> None:
    client, logged_out = Client(), Client()
    assert log_in(client) == log_in(logged_out) == 302
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another key" * 5, [settings.SECRET_KEY]
    assert client.get("/").status_code == 200

    settings.SECRET_KEY_FALLBACKS = []

    assert logged_out.get("/").status_code == 302


def logged_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def test_a_session_ends_when_nobody_uses_it(person: User, pass_seconds: Callable[[int], None]) -> None:
    client = Client()
    log_in(client)
    for _ in range(3):
        pass_seconds(29 * 60)
        assert logged_in(client)

    pass_seconds(31 * 60)

    assert not logged_in(client)
    assert not Session.objects.exists()


def test_a_session_ends_after_twelve_hours_of_use(person: User, pass_seconds: Callable[[int], None]) -> None:
    client = Client()
    log_in(client)
    for _ in range(28):
        pass_seconds(25 * 60)
        assert logged_in(client)

    pass_seconds(25 * 60)

    assert not logged_in(client)


def test_a_session_is_written_once_a_minute(
    person: User, pass_seconds: Callable[[int], None], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = Client()
    log_in(client)
    pass_seconds(61)
    logged_in(client)

    with django_assert_num_queries(3) as queries:
        logged_in(client)

    assert "UPDATE" not in str(queries.captured_queries)


@pytest.mark.django_db(transaction=True)
def test_a_session_that_cannot_be_written_still_counts(
    client: Client, pass_seconds: Callable[[int], None], member: User, app: App
) -> None:
    client.force_login(member)
    session = client.session
    session["started"] = session["seen"] = clock.now().timestamp()
    session.save()
    pass_seconds(61)
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        assert client.get("/").status_code == 200
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")


@pytest.fixture
def pass_seconds(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the clock forward."""
    real, passed = clock.now, [0]
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(seconds=passed[0]))

    def forward(seconds: int) -> None:
        passed[0] += seconds

    return forward
