"""The switch for keys of one letter."""

import pytest
from django.test import Client
from django.urls import reverse

from pushlog.models import App, Preferences
from tests import factories

CHECKED = 'id="keys-on" checked'


def addresses(app: App) -> list[str]:
    """With an app, whose person is read with the membership, and without."""
    return [reverse("tasks", args=[app.slug]), reverse("status-codes")]


def test_keys_are_on_until_somebody_turns_them_off(member_client: Client, app: App) -> None:
    for address in addresses(app):
        assert CHECKED in member_client.get(address).content.decode()


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_switch_holds_in_every_browser_of_this_person_alone(client: Client, app: App, headers: dict[str, str]) -> None:
    person, other = factories.create_user(app), factories.create_user(app)
    client.force_login(person)
    client.post(reverse("letter-keys"), {}, headers=headers)

    for one, is_on in ((person, False), (other, True)):
        browser = Client()
        browser.force_login(one)
        for address in addresses(app):
            assert (CHECKED in browser.get(address).content.decode()) == is_on

    client.post(reverse("letter-keys"), {"letter_keys": "on"}, headers=headers)
    assert CHECKED in client.get(addresses(app)[0]).content.decode()
    assert Preferences.objects.count() == 1


def test_form_says_what_is_kept(member_client: Client) -> None:
    page = member_client.post(reverse("letter-keys"), {}, follow=True).content.decode()

    for words in ("Keys of one letter are off.", "Turn them on", "copy the open message for a ticket"):
        assert words in page


def test_scripts_get_no_page(member_client: Client) -> None:
    answer = member_client.post(reverse("letter-keys"), {}, headers={"HX-Request": "true"})

    assert (answer.status_code, answer.content) == (204, b"")
