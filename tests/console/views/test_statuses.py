from django.test import Client

from pushlog.statuses import catalogue
from tests import factories


def test_status_codes_shows_every_entry_with_its_anchor(client: Client, db: None) -> None:
    client.force_login(factories.create_user())

    page = client.get("/status-codes/").content.decode()

    for group in catalogue():
        for status in group.statuses:
            assert f'id="{group.word}-{status.code}"' in page


def test_status_codes_needs_a_login(client: Client, db: None) -> None:
    assert client.get("/status-codes/").status_code == 302
