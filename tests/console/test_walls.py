"""Every address, by every method, for everybody: what the rules below say against what is answered.

`pytest -rP tests/console/test_walls.py` prints the table. A new address needs a line in RULES, and a new name in an
address a value in `World._arguments`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from tests.console.walls import (
    CONTENT,
    CUSTOMER_ID,
    EVERYBODY,
    MEMBERS,
    PROGRAMS,
    TARGET,
    TITLE,
    World,
    ask,
    contents,
    is_for_programs,
    names,
)

pytestmark = pytest.mark.django_db

# Credentials open no page of people, and log-ins no address of programs.
UNKNOWN = {"anonymous", "deactivated", *PROGRAMS}
LOGGED_IN = set(EVERYBODY) - UNKNOWN
CORRECTORS, MANAGERS = {"operator", "manager"}, {"manager"}
ADMINISTRATORS = {"administrator", "superuser"}
# Who may use the admin at all: the stranger manages another app.
STAFF = {*CORRECTORS, *ADMINISTRATORS, "stranger"}
SEE_ALL = {*CORRECTORS, "credential"}
PROBES = {"livez", "readyz", "healthz"}


@dataclass(frozen=True)
class Rule:
    """What those `inside` get by each method, and what the others get. Other methods are a 405."""

    answers: dict[str, str]
    inside: Iterable[str]
    outside: dict[str, str]
    before_405: dict[str, str] = field(default_factory=dict)

    def cell(self, who: str, method: str) -> str:
        if method not in self.answers:
            return self.before_405.get(who, "405")
        return self.answers[method] if who in self.inside else self.outside[who]


def anybody(**answers: str) -> Rule:
    return Rule(answers, EVERYBODY, {})


def logged_in(**answers: str) -> Rule:
    return Rule(answers, LOGGED_IN, dict.fromkeys(UNKNOWN, "login"))


def of_allauth(**answers: str) -> Rule:
    """It asks for the log-in before it looks at the method."""
    return Rule(answers, LOGGED_IN, dict.fromkeys(UNKNOWN, "login"), dict.fromkeys(UNKNOWN, "login"))


def members(only: Iterable[str] = MEMBERS, **answers: str) -> Rule:
    """Others than members do not learn that there is such an app."""
    return Rule(
        answers,
        only,
        dict.fromkeys(UNKNOWN, "login") | dict.fromkeys(LOGGED_IN, "404") | dict.fromkeys(MEMBERS, "403"),
    )


def log_readers(**answers: str) -> Rule:
    refused = dict.fromkeys(UNKNOWN, "login") | dict.fromkeys(LOGGED_IN, "403")
    return Rule(answers, {*ADMINISTRATORS, "auditor"}, refused)


def admin(only: Iterable[str] = STAFF, sent_away: Iterable[str] = (), *, outside: str = "403", **answers: str) -> Rule:
    """Those `sent_away` get the same as for a row that does not exist."""
    login = dict.fromkeys(set(EVERYBODY) - STAFF, "login")
    return Rule(answers, only, login | dict.fromkeys(STAFF, outside) | dict.fromkeys(sent_away, "admin"), login)


def admin_pages(
    model: str, *, lists: set[str], changes: set[str], adds: set[str] | None = None, hides: bool = True
) -> dict[str, Rule]:
    """Of a model. `changes` may see and change the row of World. If it `hides`, others are not told that it exists."""
    form = {"GET": "200", "POST": "200"}  # what is posted here is not valid
    return {
        f"admin:{model}_changelist": admin(lists, **form),
        f"admin:{model}_add": admin(lists if adds is None else adds, **form),
        f"admin:{model}_change": admin(changes, sent_away={"stranger"} & lists, **form),
        f"admin:{model}_history": admin(changes, sent_away=STAFF if hides else (), **form),
        f"admin:{model}_delete": admin((), **form),
        # To the page of the row, which decides.
        f"admin/{model.replace('_', '/')}/<path:object_id>/": admin(GET="302", POST="302"),
    }


def programs(only: Iterable[str] = ("credential", "other credential"), **answers: str) -> Rule:
    return Rule(answers, only, dict.fromkeys(EVERYBODY, "401") | {"other credential": "404"})


def tpns(**answers: str) -> Rule:
    """Always 200, and a code of TPNS."""
    wrong = dict.fromkeys(EVERYBODY, "200 INVALID_PARAMETER")
    refused = dict.fromkeys(EVERYBODY, "200 NOT_AUTHENTICATED") | {"other credential": "200 NO_SUCH_TASK"}
    return Rule(answers, {"credential"}, refused, wrong)


ANY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE")
RULES = {
    "apps": logged_in(GET="200"),
    "messages": members(GET="200"),
    "search": members(GET="302", POST="302"),
    "message": members(GET="200"),
    "target": members(GET="200"),
    "app-status-codes": members(GET="200"),
    "reveal": members({"support"}, POST="302"),
    "erase": members(MANAGERS, GET="200", POST="200"),
    "tasks": members(GET="200"),
    "task": members(GET="200"),
    "status-codes": logged_in(GET="200"),
    "status-options": logged_in(GET="200"),
    "audit-log": log_readers(GET="200"),
    "audit-search": log_readers(POST="302"),
    "audit-export": log_readers(POST="200"),
    # Forms about oneself.
    "account_login": Rule({"GET": "200", "POST": "200"}, UNKNOWN, dict.fromkeys(LOGGED_IN, "302")),
    "account_logout": Rule({"GET": "200", "POST": "302"}, LOGGED_IN, dict.fromkeys(UNKNOWN, "302")),
    "account_change_password": logged_in(GET="200", POST="200"),
    "account_reauthenticate": logged_in(GET="200", POST="200"),
    "account_set_password": anybody(GET="403", POST="403"),
    "account_inactive": anybody(GET="403", POST="403"),
    "letter-keys": logged_in(GET="200", POST="302"),
    "usersessions_list": logged_in(GET="200", POST="302"),
    "first-administrator": anybody(GET="404", POST="404"),
    # No provider is set.
    "openid_connect_login": anybody(GET="404", POST="404"),
    "openid_connect_callback": anybody(GET="404", POST="404"),
    "socialaccount_login_cancelled": anybody(GET="403", POST="403"),
    # Second factors. Nobody here has one.
    "mfa_index": of_allauth(GET="200"),
    "mfa_activate_totp": logged_in(GET="200", POST="200"),
    "mfa_add_webauthn": logged_in(GET="200", POST="200"),
    "mfa_list_webauthn": of_allauth(GET="200"),
    "mfa_generate_recovery_codes": logged_in(GET="200", POST="200"),
    # Only between the password and the end of a log-in.
    "mfa_authenticate": Rule({"GET": "login", "POST": "login"}, UNKNOWN, dict.fromkeys(LOGGED_IN, "302")),
    "mfa_view_recovery_codes": of_allauth(GET="404"),
    "mfa_download_recovery_codes": of_allauth(GET="404", POST="404"),
    **dict.fromkeys(
        ("mfa_deactivate_totp", "mfa_remove_webauthn", "mfa_edit_webauthn"), logged_in(GET="404", POST="404")
    ),
    **dict.fromkeys(("mfa_reauthenticate", "mfa_reauthenticate_webauthn"), logged_in(GET="302", POST="302")),
    # The admin.
    "admin:index": admin(GET="200", POST="200"),
    "admin:app_list": admin(GET="200", POST="200"),
    "admin:jsi18n": admin(GET="200"),
    "admin:login": Rule(
        {"GET": "admin", "POST": "admin"}, STAFF, dict.fromkeys(LOGGED_IN, "403") | dict.fromkeys(UNKNOWN, "login")
    ),
    "admin:logout": Rule({"GET": "200", "POST": "302"}, STAFF, dict.fromkeys(EVERYBODY, "admin")),
    "admin:password_change": anybody(GET="302", POST="302"),
    "admin/password_change/": anybody(GET="302", POST="302"),
    "admin:password_change_done": admin(GET="200"),
    "admin:auth_user_password_change": admin(ADMINISTRATORS, GET="200", POST="200"),
    "admin/(?P<url>.*)$": admin(GET="404", POST="404"),
    **admin_pages("auth_user", lists=ADMINISTRATORS, changes=ADMINISTRATORS, hides=False),
    **admin_pages(
        "pushlog_app",
        lists={*MANAGERS, *ADMINISTRATORS, "stranger"},
        changes={*MANAGERS, *ADMINISTRATORS},
        adds=ADMINISTRATORS,
    ),
    **admin_pages("pushlog_credential", lists={*MANAGERS, "stranger"}, changes=MANAGERS),
    **admin_pages("pushlog_message", lists={*CORRECTORS, "stranger"}, changes=CORRECTORS, adds=set()),
    **admin_pages("pushlog_pushtask", lists={*CORRECTORS, "stranger"}, changes=CORRECTORS),
    "admin:pushlog_credential_step": admin(MANAGERS, outside="404", GET="200", POST="302"),
    "admin:pushlog_membership_end": admin({*MANAGERS, *ADMINISTRATORS}, outside="404", GET="200", POST="302"),
    "admin:pushlog_membership_take_back": admin({*MANAGERS, *ADMINISTRATORS}, outside="404", GET="200", POST="302"),
    # Under an old name.
    "static-file": anybody(GET="302"),
    # For monitoring. Probes say "open": what they find is not their rule.
    **dict.fromkeys(PROBES, anybody(GET="open")),
    "metrics": anybody(GET="403"),
    # Programs.
    "api-docs": anybody(GET="200"),
    "api:openapi-json": anybody(**dict.fromkeys(ANY_METHOD, "200")),
    "api:api-root": anybody(**dict.fromkeys(ANY_METHOD, "404")),
    "api:write_messages": programs(POST="200"),
    "api:write_receipts": programs(POST="200"),
    "api:write_tasks": programs(POST="200"),
    "api:search_messages": programs(POST="200"),
    "api:read_message": programs({"credential"}, GET="200"),
    "tpns:get_push_record": tpns(POST="200 OK"),
    "^[/]*v3/+": tpns(),
    "^[/]*v3$": tpns(),
}


@pytest.fixture
def world(settings: Settings) -> World:
    settings.SECOND_FACTOR_ROLES = []
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick
    return World()


def test_every_address_has_a_rule() -> None:
    assert set(names()) - RULES.keys() == set()
    assert RULES.keys() - set(names()) == set()


@pytest.mark.parametrize("name", names())
def test_everybody_gets_what_the_rule_says(name: str, world: World) -> None:
    path, body, rule = world.path(name), world.body(name), RULES[name]
    clients = {who: world.client(who) for who in EVERYBODY}
    stored, wrong = contents(), []
    for method in ANY_METHOD if is_for_programs(path) else ("GET", "POST"):
        seen = {who: one_cell(client, method, path, body, who) for who, client in clients.items()}
        if name in PROBES and method == "GET":
            seen = {who: "open" if cell in {"200", "503"} else cell for who, cell in seen.items()}
        wrong += [
            f"{method} {path}, {who}: {rule.cell(who, method)} expected, {cell} seen"
            for who, cell in seen.items()
            if cell != rule.cell(who, method)
        ]
        print("|", " | ".join([name, method, *(f"{who}: {cell}" for who, cell in seen.items())]), "|")

    assert wrong == []
    # Of other methods all was taken back.
    assert contents() == stored, f"GET {path} changes the database"


def one_cell(client: Client, method: str, path: str, body: dict[str, Any], who: str) -> str:
    """Takes back what other methods than GET change, so that everybody finds the same."""
    with transaction.atomic():
        cell, content = ask(client, method, path, body)
        transaction.set_rollback(method != "GET")
    assert shown(content, who) == [], f"{method} {path} shows it to {who}"
    return cell


def shown(content: bytes, who: str) -> list[str]:
    """What `content` holds that only others may see."""
    hidden = [TARGET, CONTENT] if who not in SEE_ALL else []
    hidden += [TITLE, CUSTOMER_ID] if who not in {*MEMBERS, "credential"} else []
    return [one for one in hidden if one.encode() in content]


def test_every_form_needs_the_token_of_its_page(world: World) -> None:
    browser = world.client("manager")
    browser.handler.enforce_csrf_checks = True

    taken = {name for name in names() if browser.post(f"http://testserver{world.path(name)}").status_code != 403}

    # They take no log-in for one, or no POST.
    operations = {"write_messages", "write_receipts", "write_tasks", "search_messages", "read_message"}
    api = {f"api:{name}" for name in operations}
    assert taken == {*api, "tpns:get_push_record", "^[/]*v3/+", "^[/]*v3$", "metrics", *PROBES}


@pytest.mark.parametrize("who", ["manager", "administrator", "superuser"])
def test_who_lacks_a_needed_second_factor_gets_no_further_than_to_add_one(
    world: World, settings: Settings, who: str
) -> None:
    settings.SECOND_FACTOR_ROLES = ["manager", "administrator"]
    browser = world.client(who)
    session = browser.session.session_key or ""
    pages = [name for name in names() if not is_for_programs(world.path(name))]
    opened = set()
    for name, method in product(pages, ("GET", "POST")):
        with transaction.atomic():
            browser.cookies[settings.SESSION_COOKIE_NAME] = session
            answer = getattr(browser, method.lower())(world.path(name), world.body(name) if method == "POST" else {})
            transaction.set_rollback(True)
        sent_away = answer.headers.get("Location", "").startswith(reverse("mfa_index"))
        if not sent_away and answer.status_code not in {403, 404, 405}:
            opened.add(name)

    own = {name for name in opened if name.startswith(("account_", "mfa_"))} | {"usersessions_list"}
    assert opened - own == {"admin/password_change/", "admin:password_change", "static-file", *PROBES}
