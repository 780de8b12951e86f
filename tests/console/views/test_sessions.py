"""People see their sessions, and end them one by one."""

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.test import Client

from pushlog.models import AuditEntry, AuditKind
from tests import factories

PAGE = "/accounts/sessions/"


@pytest.fixture
def person(db: None) -> User:
    return factories.create_user(username="jane", password="right")


def log_in(person: User, address: str, program: str = "Firefox") -> Client:
    client = Client(REMOTE_ADDR=address, headers={"User-Agent": program})
    assert client.post("/accounts/login/", {"login": person.username, "password": "right"}).status_code == 302
    return client


def number_of(address: str) -> int:
    return int(UserSession.objects.get(ip=address).pk)


def test_a_person_sees_where_they_are_logged_in(person: User) -> None:
    here = log_in(person, "192.0.2.1")
    log_in(person, "192.0.2.2", "Safari on a phone")
    log_in(factories.create_user(username="other", password="right"), "192.0.2.3")

    page = here.get(PAGE).content.decode()

    assert "This browser" in page
    assert "192.0.2.2" in page
    assert "Safari on a phone" in page
    assert "192.0.2.3" not in page


def test_one_session_ends_and_the_others_go_on(person: User) -> None:
    here, there, elsewhere = (log_in(person, f"192.0.2.{number}") for number in (1, 2, 3))

    assert here.post(PAGE, {"session": number_of("192.0.2.2")}).status_code == 302

    assert [one.get("/").status_code for one in (here, there, elsewhere)] == [200, 302, 200]
    assert AuditEntry.objects.filter(kind=AuditKind.CHANGE, subject__startswith="session since").count() == 1


def test_all_others_end_together(person: User) -> None:
    here, there, elsewhere = (log_in(person, f"192.0.2.{number}") for number in (1, 2, 3))

    here.post(PAGE)

    assert [one.get("/").status_code for one in (here, there, elsewhere)] == [200, 302, 302]


@pytest.mark.parametrize("number", ["0", "x", "-1", str(2**63)])
def test_no_made_up_number_ends_anything(person: User, number: str) -> None:
    here, there = (log_in(person, f"192.0.2.{number}") for number in (1, 2))

    assert here.post(PAGE, {"session": number}).status_code == 200
    assert there.get("/").status_code == 200


def test_nobody_ends_the_sessions_of_others(person: User) -> None:
    there = log_in(person, "192.0.2.2")
    other = log_in(factories.create_user(username="other", password="right"), "192.0.2.3")

    other.post(PAGE, {"session": number_of("192.0.2.2")})

    assert there.get("/").status_code == 200


def test_a_network_of_ipv6_is_shown(person: User) -> None:
    log_in(person, "2001:db8::1")

    assert UserSession.objects.get().ip == "2001:db8::"


def test_without_an_address_people_get_in_too(person: User) -> None:
    log_in(person, "not an address")

    assert UserSession.objects.get().ip == "::"


def test_strangers_are_asked_to_log_in(client: Client, db: None) -> None:
    assert client.get(PAGE).headers["Location"].startswith("/accounts/login/")
    assert client.post(PAGE).headers["Location"].startswith("/accounts/login/")


def test_ended_sessions_are_not_listed(person: User) -> None:
    here, there = log_in(person, "192.0.2.1"), log_in(person, "192.0.2.2")
    there.post("/accounts/logout/")

    assert "192.0.2.2" not in here.get(PAGE).content.decode()
