"""What the console puts into the audit log, and who reads it there."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from console.tokens import SearchTerms, token_of
from pushlog import audit, credentials
from pushlog.models import App, AuditEntry, AuditKind, Correction, Credential, Message, Reveal, Role
from tests import factories
from tests.console.browsers import browser_of
from tests.pushlog.api.client import Program
from tests.pushlog.sent import sent
from tests.pushlog.tpns.client import Program as ReportProgram

pytestmark = pytest.mark.django_db
TARGET = "+8613800000781"


def last(kind: AuditKind) -> AuditEntry:
    return AuditEntry.objects.filter(kind=kind).latest("pk")


def kinds() -> list[str]:
    return [AuditKind(one.kind).word for one in AuditEntry.objects.order_by("pk")]


@pytest.fixture
def message(app: App) -> Message:
    return factories.create_message(app, target_id=TARGET, customer_message_id="order-1", content="secret", task="77")


@pytest.fixture
def auditor(db: None) -> Client:
    return browser_of(factories.create_user(username="audrey", kind="auditor"))


def test_looks_are_recorded_with_what_was_asked(
    member_client: Client, member: User, app: App, message: Message
) -> None:
    factories.create_task(app, push_id="77")
    pages = {
        AuditKind.LIST: reverse("messages", args=[app.slug]) + "?push_type=user&sort=title",
        AuditKind.MESSAGE: reverse("message", args=[app.slug, message.pk]),
        AuditKind.TASK: reverse("task", args=[app.slug, "77"]),
    }

    for kind, page in pages.items():
        assert member_client.get(page, REMOTE_ADDR="192.0.2.7").status_code == 200
        one = last(kind)
        assert (one.person, one.app, one.address) == (member, app, "192.0.2.7")

    assert last(AuditKind.LIST).details == {"rows": 1, "sort": "title", "filters": {"push_type": "user"}}
    assert (last(AuditKind.MESSAGE).message_id, last(AuditKind.MESSAGE).details) == (message.pk, {"whole": True})
    assert last(AuditKind.TASK).subject == "77"


def test_masked_look_says_so(app: App, message: Message) -> None:
    browser_of(factories.create_user(app, role=Role.VIEWER)).get(reverse("message", args=[app.slug, message.pk]))

    assert last(AuditKind.MESSAGE).details == {"whole": False}


@pytest.mark.parametrize("found", [True, False])
def test_searches_are_recorded_by_hash(member_client: Client, app: App, message: Message, found: bool) -> None:
    target = TARGET if found else "nobody"

    member_client.post(reverse("search", args=[app.slug]), {"target_id": target}, follow=True)

    assert kinds() == ["search", "message" if found else "list"]
    for one in AuditEntry.objects.all():
        assert bytes(one.target or b"") == audit.target_hash(app, target)
        assert one.customer_message is None or one.message_id == message.pk
        assert target not in str(vars(one))


def test_search_by_a_link_of_somebody_else_is_recorded(member_client: Client, app: App, member: User) -> None:
    token = token_of(app, SearchTerms("", "order-1", typed_by=member.pk + 1))

    member_client.get(reverse("messages", args=[app.slug]), {"search": token})

    assert bytes(last(AuditKind.LIST).customer_message or b"") == audit.customer_message_hash(app, "order-1")


def test_search_for_all_to_a_hidden_target_is_recorded(app: App, message: Message) -> None:
    viewer = browser_of(factories.create_user(app, role=Role.VIEWER))

    viewer.post(reverse("search", args=[app.slug]), {"message": message.pk})

    assert bytes(last(AuditKind.SEARCH).target or b"") == audit.target_hash(app, TARGET)


def test_reveal_is_recorded_with_its_reason(app: App, message: Message) -> None:
    support = browser_of(factories.create_user(app, role=Role.SUPPORT))

    support.post(reverse("reveal", args=[app.slug, message.pk]), {"reason": "ticket 4711", "target": ""})

    one = last(AuditKind.REVEAL)
    assert (one.message_id, one.details["reason"], one.details["whole_target"]) == (message.pk, "ticket 4711", True)


@pytest.mark.parametrize(
    ("setting", "page", "data", "word"),
    [
        ("SEARCHES_PER_HOUR", "search", {"target_id": "a"}, "searches"),
        ("REVEALS_PER_HOUR", "reveal", {"reason": "ticket"}, "reveals"),
    ],
)
def test_searches_and_reveals_of_a_person_have_a_limit(
    app: App, message: Message, settings: Settings, setting: str, page: str, data: dict[str, str], word: str
) -> None:
    setattr(settings, setting, 2)
    person, other = (browser_of(factories.create_user(app, role=Role.SUPPORT)) for _ in range(2))
    address = reverse(page, args=[app.slug, *([message.pk] if page == "reveal" else [])])

    answers = [person.post(address, data) for _ in range(4)]

    assert [one.status_code for one in answers] == [302, 302, 429, 429]
    assert f"2 {word} within an hour" in answers[-1].content.decode()
    assert answers[-1].headers["Retry-After"] == "300"
    assert other.post(address, data).status_code == 302
    assert Reveal.objects.count() == (3 if page == "reveal" else 0)


@pytest.fixture
def full() -> Iterator[None]:
    """No entry fits into the table, as after the last month that has a partition."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE pushlog_auditentry DROP CONSTRAINT full_now")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("name", ["messages", "message", "search", "reveal", "task", "admin", "api", "tpns", "login"])
def test_what_cannot_be_recorded_is_neither_shown_nor_done(app: App, message: Message, name: str) -> None:
    factories.create_task(app, push_id="77", content="secret")
    operator = browser_of(factories.create_user(app, role=Role.OPERATOR))
    support = browser_of(factories.create_user(app, role=Role.SUPPORT))
    factories.create_user(username="pat", password="right")
    program, reports = Program(app), ReportProgram(app)
    reports.ask(pushId="notes the first use")
    asks: dict[str, Callable[[], Any]] = {
        "messages": lambda: operator.get(reverse("messages", args=[app.slug])),
        "message": lambda: operator.get(reverse("message", args=[app.slug, message.pk])),
        "search": lambda: operator.post(reverse("search", args=[app.slug]), {"target_id": TARGET}),
        "reveal": lambda: support.post(reverse("reveal", args=[app.slug, message.pk]), {"reason": "ticket"}),
        "task": lambda: operator.get(reverse("task", args=[app.slug, "77"])),
        "admin": lambda: operator.get(reverse("admin:pushlog_message_change", args=[message.pk])),
        "api": lambda: program.get(f"/api/v1/messages/{message.pk}"),
        "tpns": lambda: reports.ask(pushId="77"),
        "login": lambda: Client().post("/accounts/login/", {"login": "pat", "password": "right"}),
    }
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE pushlog_auditentry ADD CONSTRAINT full_now CHECK (false) NOT VALID")

    answer = asks[name]()

    if name == "api":
        assert answer[0] == 503
    elif name == "tpns":
        assert "secret" not in str(answer)
        assert "10110" not in str(answer)
    else:
        assert answer.status_code == 503
        assert "cannot be shown right now" in answer.content.decode()
        assert "secret" not in answer.content.decode()
    assert not Reveal.objects.exists()
    assert "sessionid" not in getattr(answer, "cookies", {}) or name != "login"


def test_log_in_and_out_and_wrong_passwords(client: Client) -> None:
    person = factories.create_user(username="pat", password="right")

    for name, password in (("nobody", "my-password"), ("pat", "wrong"), ("pat", "right")):
        client.post("/accounts/login/", {"login": name, "password": password}, REMOTE_ADDR="192.0.2.7")
    client.post("/accounts/logout/")
    client.post("/accounts/logout/")

    found = [(AuditKind(one.kind).word, one.person) for one in AuditEntry.objects.order_by("pk")]
    assert found == [("failed_log_in", None), ("failed_log_in", person), ("log_in", person), ("log_out", person)]
    # People type their password as their name.
    assert "nobody" not in str([vars(one) for one in AuditEntry.objects.all()])


def test_correction_keeps_old_and_new_and_shows_on_the_message(app: App, message: Message) -> None:
    operator = factories.create_user(app, username="olga")
    page = reverse("admin:pushlog_message_change", args=[message.pk])
    old = message.title

    form = {"title": "New", "content": "secret", "extras": "{}", "channel": 2, "code": 2009}
    assert browser_of(operator).post(page, form).status_code == 302

    one = last(AuditKind.CHANGE)
    assert (one.person, one.message_id, one.details["corrected"]) == (operator, message.pk, ["status", "title"])
    assert old not in str(one.details)
    values = Correction.objects.get(pk=one.details["correction"]).values
    assert values == {"title": [old, "New"], "status": ["own -1000", "apns 2009"]}
    shown = browser_of(operator).get(reverse("message", args=[app.slug, message.pk])).content.decode()
    assert "Title corrected by olga" in shown
    assert old in shown


def test_corrected_content_is_masked_as_the_content_is(app: App, message: Message) -> None:
    form = {"title": message.title, "content": "new secret", "extras": "{}", "channel": 1, "code": -1000}
    page = reverse("admin:pushlog_message_change", args=[message.pk])
    assert browser_of(factories.create_user(app)).post(page, form).status_code == 302

    viewer = browser_of(factories.create_user(app, role=Role.VIEWER))
    shown = viewer.get(reverse("message", args=[app.slug, message.pk])).content.decode()

    assert "Content corrected by" in shown
    assert "secret" not in shown


def test_changes_in_the_admin_keep_old_and_new(app: App) -> None:
    manager = factories.create_user(app, role=Role.MANAGER, kind="administrator")
    member = factories.create_user(app, username="mia", role=Role.VIEWER)
    membership = member.memberships.get()
    own = manager.memberships.get()
    form = {
        "name": "Renamed",
        "environment": app.environment,
        "time_zone": app.time_zone,
        "reveal_reasons": "",
        "memberships-TOTAL_FORMS": 2,
        "memberships-INITIAL_FORMS": 2,
        **{f"memberships-0-{name}": value for name, value in _row(own).items()},
        **{f"memberships-1-{name}": value for name, value in (_row(membership) | {"role": "operator"}).items()},
    }

    assert browser_of(manager).post(reverse("admin:pushlog_app_change", args=[app.pk]), form).status_code == 302

    one = last(AuditKind.CHANGE)
    assert (one.person, one.app) == (manager, app)
    assert {"fields": {"name": [app.name, "Renamed"]}} in one.details["changes"]
    assert one.details["changes"][1]["fields"] == {"role": ["viewer", "operator"]}
    assert "mia" in one.details["changes"][1]["changed"]


def _row(membership: Any) -> dict[str, Any]:
    return {"id": membership.pk, "app": membership.app_id, "user": membership.user.username, "role": membership.role}


def test_new_password_is_recorded_without_it() -> None:
    administrator = factories.create_user(kind="administrator")
    person = factories.create_user(username="pat", password="right")
    page = reverse("admin:auth_user_password_change", args=[person.pk])

    form = {"password1": "correct horse battery", "password2": "correct horse battery", "usable_password": "true"}
    assert browser_of(administrator).post(page, form).status_code == 302

    one = last(AuditKind.CHANGE)
    assert "pat" in one.subject
    assert "changed" in str(one.details)
    assert "horse" not in str(vars(one))


def test_reads_of_programs_are_recorded(app: App, message: Message) -> None:
    factories.create_task(app, push_id="77")
    program, reports = Program(app), ReportProgram(app)

    assert program.get(f"/api/v1/messages/{message.pk}")[0] == 200
    assert program.post("messages/search", {"target_id": TARGET})[0] == 200
    assert reports.code(pushId="77") == 0

    opened, searched, asked = AuditEntry.objects.order_by("pk")
    assert {one.kind for one in (opened, searched, asked)} == {AuditKind.API_READ}
    assert all(one.access_id and one.app == app and one.person is None for one in (opened, searched, asked))
    assert (opened.message_id, searched.details, asked.subject) == (message.pk, {"rows": 1}, "77")
    assert bytes(searched.target or b"") == audit.target_hash(app, TARGET)


@pytest.mark.parametrize(("kind", "status"), [("administrator", 200), ("auditor", 200), ("", 403)])
def test_who_may_read_the_log(app: App, kind: str, status: int) -> None:
    person = browser_of(factories.create_user(app, role=Role.MANAGER, kind=kind))

    assert person.get("/audit/").status_code == status
    assert person.post("/audit/export/").status_code == status
    assert person.post("/audit/search/", {"id": "x"}).status_code == (302 if status == 200 else 403)
    assert Client().get("/audit/").headers["Location"] == "/accounts/login/?next=/audit/"
    assert ("Audit log" in person.get("/").content.decode()) == (status == 200)


def test_auditor_sees_no_message(auditor: Client, app: App, message: Message) -> None:
    assert auditor.get(reverse("messages", args=[app.slug])).status_code == 404
    assert auditor.get(reverse("admin:index"), follow=True).status_code == 403


def test_filters(auditor: Client, app: App, message: Message) -> None:
    other = factories.create_app()
    anna, ben = (factories.create_user(app, other, username=name) for name in ("anna", "ben"))
    browser_of(anna).get(reverse("message", args=[app.slug, message.pk]))
    browser_of(ben).get(reverse("messages", args=[other.slug]))

    def names(**query: str) -> list[str]:
        response = auditor.get("/audit/", query)
        assert response.status_code == 200, response.content
        return [one.person.username for one, _ in response.context["rows"]]

    assert names(person="ANNA") == ["anna"]
    assert names(app=other.slug) == ["ben"]
    assert names(kind="message") == ["anna"]
    assert names(message=str(message.pk)) == ["anna"]
    assert names(person="nobody") == []
    assert names(created_to="2020-01-01T00:00") == []
    # Each look at the log is in it.
    assert names(kind="audit_log") == ["audrey"] * 6


def test_times_are_those_of_the_app_that_was_chosen(auditor: Client) -> None:
    app = factories.create_app(time_zone="Asia/Shanghai")
    audit.record(audit.COMMAND, AuditKind.CHANGE, app=app)
    an_hour_ago = datetime.now(ZoneInfo("Asia/Shanghai")) - timedelta(hours=1)

    query = {"app": app.slug, "created_from": f"{an_hour_ago:%Y-%m-%dT%H:%M}"}
    page = auditor.get("/audit/", query)

    assert len(page.context["rows"]) == 1
    assert "Times are in Asia/Shanghai" in page.content.decode()
    assert auditor.get("/audit/", query | {"created_to": query["created_from"]}).status_code == 200


def test_log_out_of_the_admin_is_recorded(app: App) -> None:
    operator = browser_of(factories.create_user(app))

    assert operator.post("/admin/logout/").status_code == 302

    assert kinds() == ["log_out"]
    assert operator.get("/admin/").status_code == 302


def test_made_and_revoked_credentials_are_recorded(app: App) -> None:
    manager = browser_of(factories.create_user(app, role=Role.MANAGER))
    one, _ = credentials.create(app=app, name="gateway")
    call_command("create_credential", "--app", app.slug, "--name", "script", stdout=io.StringIO(), stderr=io.StringIO())
    manager.post(reverse("admin:pushlog_credential_step", args=[one.pk, "revoke"]))
    other = Credential.objects.get(name="script")
    call_command("revoke_credential", other.access_id, stdout=io.StringIO())

    found = [(one.person is None, one.details["changes"][0]) for one in AuditEntry.objects.order_by("pk")]
    assert found == [
        (True, {"added": f"credential {other}"}),
        (False, {"revoked": f"credential {one}"}),
        (True, {"revoked": f"credential {other}"}),
    ]


@pytest.mark.parametrize(
    "query",
    [{"person": "\0"}, {"app": "none"}, {"kind": "x"}, {"message": "x"}, {"id": "x"}, {"after": "x"}, {"persn": "x"}],
)
def test_bad_addresses_of_the_log(auditor: Client, query: dict[str, str]) -> None:
    response = auditor.get("/audit/", query)

    assert response.status_code == 400
    assert "The log cannot be shown" in response.content.decode()


@pytest.mark.parametrize("typed", [TARGET, "order-1", "the message"])
def test_who_looked_at_an_id(auditor: Client, app: App, message: Message, typed: str) -> None:
    factories.create_app()
    operator, support = (browser_of(factories.create_user(app, username=name)) for name in ("olga", "sam"))
    operator.get(reverse("message", args=[app.slug, message.pk]))
    support.post(reverse("search", args=[app.slug]), {"target_id": "somebody else"})

    response = auditor.post("/audit/search/", {"id": str(message.pk) if typed == "the message" else typed})

    assert typed not in response.headers["Location"]
    page = auditor.get(response.headers["Location"])
    assert [one.person.username for one, _ in page.context["rows"]] == ["olga"]


def test_searches_for_a_message_count_as_looks_at_it(auditor: Client, app: App, message: Message) -> None:
    browser_of(factories.create_user(app)).post(reverse("search", args=[app.slug]), {"target_id": TARGET})

    rows = auditor.get("/audit/", {"message": str(message.pk)}).context["rows"]

    assert [(AuditKind(one.kind).word, words) for one, words in rows] == [("search", ["By target ID"])]


def test_pages_of_the_log(auditor: Client) -> None:
    for number in range(70):
        audit.record(audit.COMMAND, AuditKind.CHANGE, subject=f"{number}")

    first = auditor.get("/audit/")
    second = auditor.get("/audit/", {"after": first.context["older"]})

    seen = [int(one.subject) for page in (first, second) for one, _ in page.context["rows"] if one.subject]
    # Those of one millisecond have any order.
    assert sorted(seen) == [*range(70)]
    assert seen[0] > 50 > 20 > seen[-1]


def test_export_has_what_the_page_has(auditor: Client, app: App, message: Message) -> None:
    support = browser_of(factories.create_user(app, username="sam", role=Role.SUPPORT))
    support.post(reverse("reveal", args=[app.slug, message.pk]), {"reason": "=1+1"})
    browser_of(factories.create_user(app, username="olga")).get(reverse("message", args=[app.slug, message.pk]))

    response = auditor.post("/audit/export/", {"person": "sam"})

    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))  # type: ignore[attr-defined]
    assert [(row["kind"], row["person"], row["app"], row["message_id"]) for row in rows] == [
        ("reveal", "sam", app.slug, str(message.pk))
    ]
    assert rows[0]["details"] == "Reason: =1+1; This message"
    assert last(AuditKind.EXPORT).details == {"filters": {"person": "sam"}}
    assert response.headers["Content-Disposition"].startswith('attachment; filename="audit-log-2')


def test_export_harms_no_spreadsheet(auditor: Client) -> None:
    audit.record(audit.COMMAND, AuditKind.CHANGE, subject="=HYPERLINK()")

    response = auditor.post("/audit/export/", {"kind": "change"})

    assert b"'=HYPERLINK()" in b"".join(response.streaming_content)  # type: ignore[attr-defined]


def test_page_of_the_log_takes_six_queries(auditor: Client, app: App) -> None:
    operator = factories.create_user(app)
    for _ in range(3):
        message = factories.create_message(app)
        audit.record_correction(
            audit.Actor(operator), {"title": ("a", "b")}, app=app, message=message, now=message.created_at
        )

    with sent() as statements:
        page = auditor.get("/audit/")

    assert "title: a → b" in page.content.decode()
    # Session, person with roles, apps, page, corrected values, audit log.
    assert len(statements) == 6


def test_entry_is_never_changed_through_the_orm() -> None:
    audit.record(audit.COMMAND, AuditKind.CHANGE)

    with pytest.raises(DatabaseError, match="never changed"):
        AuditEntry.objects.update(subject="x")


def test_exports_of_a_person_have_a_limit(auditor: Client, settings: Settings) -> None:
    settings.EXPORTS_PER_HOUR = 2

    answers = [auditor.post("/audit/export/") for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert "Too many exports" in answers[2].content.decode()
