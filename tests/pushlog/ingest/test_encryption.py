"""Titles, contents and extras of an app that encrypts them."""

import json
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from pushlog import audit, ingest, sealing
from pushlog.models import App, Correction, Message
from tests import factories
from tests.pushlog.api.client import Program

pytestmark = pytest.mark.django_db
TEXTS = {"title": "Your code", "content": "It is 4711 – 验证码", "extras": {"code": ["4711", None]}}
TABLES = ("pushlog_message", "pushlog_correction")


@pytest.fixture
def app(db: None) -> App:
    return factories.create_app(encrypts_content=True)


def stored() -> str:
    """All that the tables hold, as text."""
    with connection.cursor() as cursor:
        found = []
        for table in TABLES:
            cursor.execute(f"SELECT {table}::text FROM {table}")
            found += [row for (row,) in cursor.fetchall()]
    return "\n".join(found)


def test_nothing_of_it_is_stored_in_clear(app: App) -> None:
    message = factories.create_message(app, **TEXTS)

    assert (message.title, message.content, message.extras) == tuple(TEXTS.values())
    assert "4711" not in stored()
    assert "Your code" not in stored()


@pytest.mark.parametrize("texts", [{"title": "", "content": "", "extras": {}}, {"title": "", "content": "x" * 3000}])
def test_empty_and_long_texts(app: App, texts: dict[str, object]) -> None:
    message = factories.create_message(app, **texts)

    assert {name: getattr(message, name) for name in texts} == texts


def test_repeated_message_is_a_duplicate(app: App) -> None:
    row = factories.message_row(**TEXTS)
    factories.create_messages(app, [row])

    assert ingest.write_messages(app=app, rows=[row]).duplicates == 1


def test_messages_in_clear_stay_readable_when_it_is_switched(app: App) -> None:
    sealed = factories.create_message(app, **TEXTS)
    App.objects.update(encrypts_content=False)
    app.refresh_from_db()
    clear = factories.create_message(app, **TEXTS)

    for message in Message.objects.filter(pk__in=[sealed.pk, clear.pk]):
        assert (message.title, message.content, message.extras) == tuple(TEXTS.values())
    assert stored().count("Your code") == 1


def test_pages_and_programs_see_the_texts(app: App, client: Client) -> None:
    message = factories.create_message(app, **TEXTS)
    client.force_login(factories.create_user(app))

    assert "Your code" in client.get(reverse("messages", args=[app.slug])).content.decode()
    assert "验证码" in client.get(reverse("message", args=[app.slug, message.pk])).content.decode()
    program = Program(app)
    assert program.get(f"/api/v1/messages/{message.pk}")[1]["extras"] == TEXTS["extras"]
    found = program.post("messages/search", {"target_id": message.target_id})[1]["messages"]
    assert [one["title"] for one in found] == ["Your code"]


def test_no_sort_by_title(app: App, client: Client) -> None:
    factories.create_message(app, **TEXTS)
    client.force_login(factories.create_user(app))

    page = client.get(reverse("messages", args=[app.slug])).content.decode()
    refused = client.get(reverse("messages", args=[app.slug]), {"sort": "title"})

    assert "sort=title" not in page
    assert "no sort by title" in page
    assert (refused.status_code, "Cannot sort by “title”" in refused.content.decode()) == (400, True)


@pytest.mark.parametrize("was_sealed", [True, False])
def test_corrections_are_encrypted_too(app: App, client: Client, was_sealed: bool) -> None:
    if not was_sealed:
        App.objects.update(encrypts_content=False)
        app.refresh_from_db()
    message = factories.create_message(app, **TEXTS)
    App.objects.update(encrypts_content=True)
    client.force_login(factories.create_user(app, username="olga"))
    form = {"title": "New 4711", "content": TEXTS["content"], "extras": json.dumps(TEXTS["extras"])}

    page = reverse("admin:pushlog_message_change", args=[message.pk])
    assert client.post(page, form | {"channel": 1, "code": -1000}).status_code == 302

    message.refresh_from_db()
    again = Message.objects.get(pk=message.pk)
    assert (again.title, again.content, again.extras) == ("New 4711", TEXTS["content"], TEXTS["extras"])
    assert "4711" not in stored()
    shown = client.get(reverse("message", args=[app.slug, message.pk])).content.decode()
    assert "Title corrected by olga" in shown
    assert "Your code" in shown


def test_corrected_expiry_leaves_the_texts(app: App) -> None:
    message = factories.create_message(app, **TEXTS)
    later = message.created_at + timedelta(hours=1)

    correction = ingest.Correction(created_at=message.created_at, expires_at=later)
    assert [*ingest.correct(message_id=message.pk, correction=correction)] == ["expires_at"]

    again = Message.objects.get(pk=message.pk)
    assert (again.content, again.expires_at) == (TEXTS["content"], later)


def test_new_key_encrypts_and_the_old_one_decrypts(app: App, settings: Settings) -> None:
    old = factories.create_message(app, **TEXTS)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    new = factories.create_message(app, **TEXTS)

    assert {one.content for one in Message.objects.filter(pk__in=[old.pk, new.pk])} == {TEXTS["content"]}
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    assert Message.objects.get(pk=new.pk).content == TEXTS["content"]
    unreadable = Message.objects.get(pk=old.pk)
    assert (unreadable.title, unreadable.content) == (sealing.UNREADABLE, sealing.UNREADABLE)


def test_values_of_corrections_without_their_key_are_empty(app: App, member: User, settings: Settings) -> None:
    message = factories.create_message(app, **TEXTS)
    changes = {"title": ("a", "b")}
    audit.record_correction(audit.Actor(member), changes, app=app, message=message, now=message.created_at)
    kept = Correction.objects.get()
    assert audit.values_of(kept.values) == {"title": ["a", "b"]}

    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    assert audit.values_of(kept.values) == {}
