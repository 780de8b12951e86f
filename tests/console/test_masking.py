"""What each role finds in the bytes of the pages: nothing of what it may not see."""

import base64
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from console.masking import masked
from console.tokens import SearchTerms, token_of
from pushlog.models import App, Message, Reveal, Role
from tests import factories
from tests.console.browsers import browser_of

pytestmark = pytest.mark.django_db
TARGET, CONTENT, EXTRA, DETAIL = "+8613800000781", "Your code is 4711", "voucher-0815", "token 0d78aa rejected"
MASKED_ROLES, OPEN_ROLES = [Role.VIEWER, Role.SUPPORT], [Role.OPERATOR, Role.MANAGER]


@pytest.mark.parametrize(
    ("target_id", "shown"),
    [
        ("+8610000000781", "+86•••0781"),
        ("8610000000781", "861•••0781"),
        ("+1 (555) 010-7788", "+1 •••7788"),
        ("5550107", "•••07"),
        ("13812345678", "•••5678"),
        ("138-1234-5678", "•••5678"),
        ("123456-7890", "•••7890"),
        ("anna.smith@example.com", "a•••@example.com"),
        ("a@example.com", "a•••@example.com"),
        ("0d78" + "e5" * 28 + "bf28", "0d78…bf28"),
        ("user-8812", "u•••"),
        ("用户一二三四", "用•••"),
        ("abcd", "•••"),
        ("7", "•••"),
        ("+8610000000781 ", "+•••"),
        ("a" * 19, "a•••"),
    ],
)
def test_a_mask_goes_by_the_kind(target_id: str, shown: str) -> None:
    assert masked(target_id) == shown


class World:
    def __init__(self) -> None:
        self.app = factories.create_app(reveal_reasons="complaint\ncourt order")
        self.message = factories.create_message(
            self.app,
            target_id=TARGET,
            content=CONTENT,
            extras={"code": EXTRA},
            customer_message_id="order-1",
            task="77",
        )
        self.other = factories.create_message(
            self.app, target_id=TARGET, content=CONTENT, customer_message_id="order-2"
        )
        factories.send_receipt(self.message, channel="apns", code=2009, detail=DETAIL)
        factories.create_task(
            self.app,
            push_id="77",
            target_kind="devices",
            targets=[TARGET],
            content=CONTENT,
            android={"note": EXTRA},
            media_url=f"https://example.com/{EXTRA}",
        )
        factories.create_task(
            self.app,
            push_id="78",
            target_kind="tag",
            tag_rule={"operator": "or", "tags": [{"type": "uid", "value": TARGET}]},
        )

    def person(self, role: Role) -> User:
        return factories.create_user(self.app, role=role)

    def pages(self, by: User | None = None) -> list[str]:
        """All that show messages; `by` typed what is searched for."""
        slug, lists = self.app.slug, reverse("messages", args=[self.app.slug])
        typed_by = by.pk if by else None
        of_target = token_of(self.app, SearchTerms(target_id=TARGET, typed_by=typed_by))
        of_order = token_of(self.app, SearchTerms(customer_message_id="order-1", typed_by=typed_by))
        missed = token_of(self.app, SearchTerms(target_id=TARGET, customer_message_id="x", typed_by=typed_by))
        return [
            lists,
            reverse("target", args=[slug, of_target]),
            f"{lists}?search={of_order}",
            f"{lists}?search={missed}",
            f"{lists}?sort=title",
            f"{reverse('target', args=[slug, of_target])}?outcome=failed&mode=multiple",
            reverse("message", args=[slug, self.message.pk]),
            f"{reverse('message', args=[slug, self.message.pk])}?search={of_target}",
            f"{reverse('message', args=[slug, self.message.pk])}?as=text&target",
            reverse("tasks", args=[slug]),
            reverse("task", args=[slug, "77"]),
            reverse("task", args=[slug, "78"]),
        ]


@pytest.fixture
def world(db: None) -> World:
    return World()


def forms_of(secret: str) -> list[str]:
    """How it could stand in a page: as it is, escaped, quoted, encoded."""
    coded = base64.b64encode(secret.encode()).decode()
    return [secret, secret.lstrip("+"), escape(secret), quote(secret), coded.rstrip("="), secret.encode().hex()]


def found(secret: str, page: bytes) -> list[str]:
    text = page.decode()
    # Nor what tokens hold, as far as base64 can be read.
    text += "".join(_decoded(one) for one in re.findall(r"[\w-]{40,}", text))
    return [form for form in forms_of(secret) if form in text]


def _decoded(token: str) -> str:
    return base64.urlsafe_b64decode(token[: len(token) // 4 * 4]).decode("latin-1")


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
@pytest.mark.parametrize("role", MASKED_ROLES)
def test_nothing_hidden_is_in_the_bytes(world: World, role: Role, headers: dict[str, str]) -> None:
    client = browser_of(world.person(role))

    for address in world.pages(by=factories.create_user()):
        response = client.get(address, headers=headers)
        assert response.status_code == 200, address
        for secret in (TARGET, CONTENT, EXTRA, DETAIL):
            assert not found(secret, response.content), address


@pytest.mark.parametrize("role", OPEN_ROLES)
def test_operators_and_managers_see_it(world: World, role: Role) -> None:
    client = browser_of(world.person(role))
    listed, message, task = (client.get(world.pages()[place]).content.decode() for place in (0, 6, 10))

    assert TARGET in listed
    assert all(one in message for one in (TARGET, CONTENT, EXTRA, DETAIL))
    assert all(one in task for one in (TARGET, CONTENT, EXTRA))


@pytest.mark.parametrize("role", MASKED_ROLES)
def test_people_see_what_they_typed(world: World, role: Role) -> None:
    client = browser_of(world.person(role))

    response = client.post(reverse("search", args=[world.app.slug]), {"target_id": TARGET}, follow=True)

    page = response.content.decode()
    assert page.count(TARGET) > 3
    assert 'value="+8613800000781"' in page
    assert CONTENT not in page


@pytest.mark.parametrize("role", MASKED_ROLES)
def test_a_link_shows_nothing_that_another_person_typed(world: World, role: Role) -> None:
    sender, receiver = browser_of(world.person(Role.OPERATOR)), browser_of(world.person(role))
    link = sender.post(reverse("search", args=[world.app.slug]), {"target_id": TARGET}).headers["Location"]

    page = receiver.get(link)

    assert not found(TARGET, page.content)
    assert "+86•••0781" in page.content.decode()
    assert page.content.decode().count("message-row") == 2


@pytest.mark.parametrize("role", MASKED_ROLES)
def test_all_to_a_target_are_found_without_its_id(world: World, role: Role) -> None:
    client = browser_of(world.person(role))

    page = client.post(reverse("search", args=[world.app.slug]), {"message": world.message.pk}, follow=True)

    assert page.content.decode().count("message-row") == 2
    assert not found(TARGET, page.content)
    for key in ("x", "", "00000000-0000-0000-0000-000000000000"):
        assert client.post(reverse("search", args=[world.app.slug]), {"message": key}).status_code == 404


@pytest.mark.parametrize("role", MASKED_ROLES)
@pytest.mark.parametrize("sort", ["target_id", "-target_id"])
def test_no_order_tells_what_is_hidden(world: World, role: Role, sort: str) -> None:
    client, address = browser_of(world.person(role)), reverse("messages", args=[world.app.slug])

    assert client.get(f"{address}?sort={sort}").status_code == 400
    assert "sort=target_id" not in client.get(address).content.decode()


@pytest.fixture
def support(world: World) -> Client:
    return browser_of(world.person(Role.SUPPORT))


def reveal(client: Client, message: Message, button: str = "message", reason: str = "ticket 12") -> Any:
    address = reverse("reveal", args=[message.app.slug, message.pk])
    return client.post(address, {"reason": reason, button: ""}, follow=True)


def test_support_reveals_one_message_with_a_reason(world: World, support: Client) -> None:
    page = reveal(support, world.message).content.decode()

    assert all(one in page for one in (TARGET, CONTENT, EXTRA, DETAIL))
    [stored] = Reveal.objects.all()
    assert f'Revealed by you until <time datetime="{stored.until:%Y-%m-%dT%H:%M}' in page
    assert (stored.reason, stored.message_id, stored.target) == ("ticket 12", world.message.pk, None)
    assert stored.until - stored.at == timedelta(minutes=15)
    other = support.get(reverse("message", args=[world.app.slug, world.other.pk]))
    assert not found(CONTENT, other.content)
    assert not found(TARGET, other.content)


def test_support_reveals_all_to_a_target(world: World, support: Client) -> None:
    stranger = factories.create_message(world.app, target_id="+8613800000999", content="private")
    reveal(support, world.message, "target")

    other = support.get(reverse("message", args=[world.app.slug, world.other.pk])).content.decode()
    listed = support.get(reverse("messages", args=[world.app.slug])).content.decode()
    assert CONTENT in other
    assert TARGET in listed
    assert stranger.target_id not in listed
    assert TARGET.encode() not in bytes(Reveal.objects.get().target or b"")


def test_a_reveal_ends_and_is_one_person_s(world: World, support: Client) -> None:
    reveal(support, world.message, "target")
    address = reverse("message", args=[world.app.slug, world.message.pk])
    assert not found(CONTENT, browser_of(world.person(Role.SUPPORT)).get(address).content)

    Reveal.objects.update(until=Reveal.objects.get().at)

    page = support.get(address)
    assert not found(CONTENT, page.content)
    assert "Revealed by you" not in page.content.decode()


@pytest.mark.parametrize("reason", ["", "  ", "x", "\0\0\0\0", "a" * 201])
def test_a_reveal_needs_a_reason(world: World, support: Client, reason: str) -> None:
    response = reveal(support, world.message, reason=reason)

    assert response.status_code == 400
    assert 'role="alert"' in response.content.decode()
    assert not found(CONTENT, response.content)
    assert not Reveal.objects.exists()


def test_a_reason_may_be_chosen(world: World, support: Client) -> None:
    page = support.get(reverse("message", args=[world.app.slug, world.message.pk])).content.decode()

    assert '<option value="court order">' in page


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.OPERATOR, 403), (Role.MANAGER, 403)])
def test_nobody_else_reveals(world: World, role: Role, status: int) -> None:
    assert reveal(browser_of(world.person(role)), world.message).status_code == status
    assert reveal(browser_of(factories.create_user()), world.message).status_code == 404
    assert not Reveal.objects.exists()


def test_a_changed_role_ends_what_was_revealed(world: World, support: Client) -> None:
    reveal(support, world.message)
    world.app.memberships.update(role=Role.VIEWER)

    page = support.get(reverse("message", args=[world.app.slug, world.message.pk]))

    assert not found(CONTENT, page.content)


def test_a_row_reveals_in_place(world: World, support: Client) -> None:
    address = reverse("reveal", args=[world.app.slug, world.message.pk])

    answer = support.post(address, {"reason": "ticket 12", "message": ""}, headers={"HX-Request": "true"})

    assert CONTENT in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_broadcasts_are_not_revealed(support: Client, world: World) -> None:
    broadcast = factories.create_message(world.app, mode="broadcast")

    assert reveal(support, broadcast).status_code == 404


def test_message_of_another_app_is_not_revealed(support: Client, app: App, world: World) -> None:
    other = factories.create_message(app)

    address = reverse("reveal", args=[world.app.slug, other.pk])
    assert support.post(address, {"reason": "ticket 12"}).status_code == 404


@pytest.mark.parametrize(
    "reason", ["\u200b\u200b\u200b", "\x07\x07\x07", "\u202e abc", "abc\u202e def", "a line\nand more"]
)
def test_reason_is_text_that_can_be_seen(reason: str) -> None:
    world = World()
    support = browser_of(world.person(Role.SUPPORT))

    response = support.post(
        reverse("reveal", args=[world.app.slug, world.message.pk]), {"reason": reason, "message": ""}
    )

    # Invisible characters around a text are cut off.
    assert (response.status_code, Reveal.objects.count()) == ((302, 1) if reason == "\u202e abc" else (400, 0))
    assert not Reveal.objects.exclude(reason="abc").exists()
