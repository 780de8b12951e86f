"""Storing rows has a time limit of its own."""

from collections.abc import Callable

import pytest
from django.db import OperationalError, connection

from pushlog import ingest
from pushlog.models import App, Message, PushTask, StatusChange
from pushlog.postgres import partitions, sessions
from tests import factories
from tests.pushlog.sessions import open_transaction
from tests.pushlog.threads import run_together, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


def messages(app: App) -> None:
    ingest.write_messages(app=app, rows=[factories.message_row()])


def receipts(app: App) -> None:
    factories.send_receipt(Message.objects.get())


def tasks(app: App) -> None:
    ingest.write_tasks(app=app, rows=[factories.task_row()])


@pytest.fixture
def app(transactional_db: None) -> App:
    partitions.ensure_window()
    app = factories.create_app()
    factories.create_message(app)
    return app


@pytest.fixture
def short_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_write_timeout", "20s")


def write_slowly(write: Callable[[App], None], app: App, lock: str) -> None:
    """Writes while another session holds a lock for longer than a query of a page may take."""

    def hurried() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '200ms'")
        write(app)

    def hold() -> None:
        with open_transaction(lock), connection.cursor() as cursor:
            began.append(1)
            wait_until(lambda: cursor.execute(WAITS).fetchone()[0])
            cursor.execute("SELECT pg_sleep(0.6)")

    def wait_and_write() -> None:
        wait_until(lambda: began)
        hurried()

    began: list[int] = []
    run_together(hold, wait_and_write)


@pytest.mark.parametrize(
    ("write", "table"),
    [(messages, "pushlog_countdelta"), (receipts, "pushlog_statuschange"), (tasks, "pushlog_pushtask")],
)
@pytest.mark.usefixtures("short_queries")
def test_a_writer_may_take_longer_than_a_page(app: App, write: Callable[[App], None], table: str) -> None:
    write_slowly(write, app, f"LOCK {table} IN SHARE MODE")

    assert Message.objects.count() + StatusChange.objects.count() + PushTask.objects.count() == 2


@pytest.mark.usefixtures("app")
def test_without_a_limit_of_its_own_it_has_that_of_the_session(app: App) -> None:
    with pytest.raises(OperationalError, match="timeout"):
        write_slowly(messages, app, "LOCK pushlog_countdelta IN SHARE MODE")


def test_the_limit_of_a_writer_holds_for_its_transaction_alone(app: App, short_queries: None) -> None:
    with sessions.writing(), connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone()[0] == "20s"
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone()[0] == "0"
