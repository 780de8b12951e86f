"""Single sign-on against a real provider."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
import requests
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django import Settings

from console.group_roles import roles_of_groups
from pushlog.models import App, AuditEntry, AuditKind, InstallationRole, Membership, Role
from tests import factories
from tests.oidc_provider import running_provider

LOGIN = "/accounts/oidc/sso/login/"
PEOPLE: dict[str, list[str] | None] = {
    "ann": ["shop-support", "all"],
    "olga": ["shop-operators", "shop-support"],
    "boss": ["admins", "auditors"],
    "guest": ["all"],
    "none": None,
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with running_provider(PEOPLE) as issuer:
        yield issuer


@pytest.fixture(autouse=True)
def configured(issuer: str, settings: Settings) -> None:
    factories.create_app(slug="shop", name="Shop")
    settings.OIDC_ISSUER = issuer
    configure(settings, issuer)
    settings.OIDC_ROLES = roles_of_groups(
        ["shop-support=shop:support", "shop-operators=shop:operator", "admins=administrator", "auditors=auditor"]
    )


def configure(settings: Settings, issuer: str) -> None:
    one = {
        "provider_id": "sso",
        "name": "Acme",
        "client_id": "pushlog",
        "secret": "s",
        "settings": {"server_url": issuer},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [one]}}


pytestmark = pytest.mark.django_db


def leaves_for(answer: Any) -> str:
    """Where the page leads, by itself and by its link."""
    page = answer.content.decode()
    [refresh], [link] = re.findall(r'content="0; url=([^"]+)"', page), re.findall(r'href="([^"]+)" id="leave"', page)
    assert refresh == link
    return unescape(link)


def sign_on(name: str, client: Client | None = None, **form: str) -> tuple[Client, Any]:
    """As a browser goes: our button, the provider's form, and back."""
    client = client or Client()
    away = leaves_for(client.post(LOGIN))
    back = requests.post(away, data={"sub": name} | form, allow_redirects=False, timeout=10).headers["Location"]
    return client, client.get(back.removeprefix("http://testserver"))


def roles(name: str) -> list[tuple[str, str]]:
    person = User.objects.get(username=name)
    kinds = InstallationRole.objects.filter(user=person).values_list("kind", flat=True)
    return [*Membership.objects.filter(user=person).values_list("app__slug", "role"), *(("", kind) for kind in kinds)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("ann", [("shop", "support")]), ("olga", [("shop", "operator")]), ("boss", [("", "administrator")])],
)
def test_the_first_log_in_makes_an_account_with_roles(name: str, expected: list[tuple[str, str]]) -> None:
    client, answer = sign_on(name)

    assert answer.headers["Location"] == ("/apps/shop/messages/" if expected[0][0] else "/")
    assert client.get("/").status_code == 200  # roles that need a second factor have the provider's
    assert roles(name) == expected
    person = User.objects.get()
    assert (person.has_usable_password(), person.email) == (False, "")
    assert SocialAccount.objects.get().extra_data == {}
    kinds = [*AuditEntry.objects.order_by("pk").values_list("kind", flat=True)]
    assert kinds == [AuditKind.CHANGE] * 2 + [AuditKind.LOG_IN]


@pytest.mark.parametrize("name", ["guest", "none", "somebody else"])
def test_nobody_without_a_group_gets_in(name: str) -> None:
    client, answer = sign_on(name)

    assert answer.status_code == 403
    assert "You have no role here" in answer.content.decode()
    assert not User.objects.exists()
    assert client.get("/").status_code == 302


def test_each_log_in_brings_roles_up_to_date(settings: Settings) -> None:
    other = factories.create_app(slug="other")
    sign_on("olga")
    olga = User.objects.get()
    Membership.objects.create(user=olga, app=other, role=Role.VIEWER)

    settings.OIDC_ROLES = roles_of_groups(["shop-support=shop:viewer"])
    sign_on("olga")
    assert sorted(roles("olga")) == [("other", "viewer"), ("shop", "viewer")]

    settings.OIDC_ROLES = roles_of_groups(["nobody=shop:viewer"])
    _, answer = sign_on("olga")
    assert answer.status_code == 403
    assert roles("olga") == [("other", "viewer")]
    assert User.objects.count() == 1
    assert SocialAccount.objects.get().extra_data == {}


def test_a_local_account_of_the_same_name_stays_its_owners() -> None:
    local = factories.create_user(username="ann", password="right", email="ann@example.com")

    sign_on("ann")

    assert User.objects.count() == 2
    assert SocialAccount.objects.get().user != local
    assert not Membership.objects.filter(user=local).exists()


def test_no_account_is_tied_to_another_person() -> None:
    person = factories.create_user(App.objects.get())
    client = Client()
    client.force_login(person)
    away = leaves_for(client.post(f"{LOGIN}?process=connect"))
    back = requests.post(away, data={"sub": "ann"}, allow_redirects=False, timeout=10).headers["Location"]

    assert client.get(back.removeprefix("http://testserver")).status_code == 403
    assert not SocialAccount.objects.exists()


def test_a_deactivated_person_stays_out() -> None:
    sign_on("ann")
    User.objects.update(is_active=False)

    client, answer = sign_on("ann")

    assert answer.headers["Location"] == "/accounts/inactive/"
    assert client.get("/").status_code == 302


def test_an_answer_of_another_browser_is_refused() -> None:
    away = leaves_for(Client().post(LOGIN))
    back = requests.post(away, data={"sub": "ann"}, allow_redirects=False, timeout=10).headers["Location"]

    answer = Client().get(back.removeprefix("http://testserver"))

    assert answer.status_code == 401
    assert "did not work" in answer.content.decode()
    assert not User.objects.exists()


def test_people_may_cancel() -> None:
    _, answer = sign_on("ann", action="deny")

    assert answer.status_code == 401
    assert "cancelled" in answer.content.decode()
    assert not User.objects.exists()


def test_a_provider_that_does_not_answer_is_no_error_of_ours(settings: Settings) -> None:
    configure(settings, "http://localhost:9")

    answer = Client().post(LOGIN)

    assert answer.status_code == 503
    assert "does not answer" in answer.content.decode()


@pytest.mark.parametrize("name", ["%00", "a%0Ab", "a b", "%ff"])
def test_no_provider_has_such_a_name(name: str) -> None:
    assert Client().get(f"/accounts/oidc/{name}/login/").status_code == 404
    assert Client().get(f"/accounts/oidc/{name}/login/callback/").status_code == 404


def test_no_token_is_kept_while_a_second_step_waits() -> None:
    sign_on("ann")
    ann = User.objects.get()
    Authenticator.objects.create(user=ann, type=Authenticator.Type.TOTP, data={"secret": "x"})

    client, answer = sign_on("ann")

    assert answer.headers["Location"] == "/accounts/mfa/authenticate/"
    assert "token" not in str({**client.session}.get("account_login", ""))
    assert "account_login" in client.session


def test_opening_the_address_asks_first_and_others_are_not_found(settings: Settings) -> None:
    assert "Log in with Acme" in Client().get(LOGIN).content.decode()
    assert Client().get("/accounts/oidc/other/login/").status_code == 404
    assert "Log in with single sign-on" in Client().get("/accounts/login/").content.decode()
    settings.OIDC_ISSUER = ""
    assert "single sign-on" not in Client().get("/accounts/login/").content.decode()


@pytest.mark.parametrize("entry", ["x", "=shop:viewer", "g=shop:administrator", "g=viewer", "g=:viewer", "g=shop:"])
def test_a_mapping_that_means_nothing_is_refused(entry: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="OIDC_ROLES"):
        roles_of_groups([entry])
