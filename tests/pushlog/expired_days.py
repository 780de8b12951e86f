"""Days that are older than the window, as they are when nobody maintained the log for a while."""

from datetime import UTC, datetime, timedelta

from django.db import connection

from pushlog.models import App, MaintenanceRun
from pushlog.postgres import partitions
from tests import factories


def make(app: App, *days_ago: int) -> list[str]:
    """Partitions of these days with a message and its history in each; gives the names of the partitions."""
    then = datetime.now(UTC) - timedelta(days=60)
    MaintenanceRun.objects.filter(succeeded=True).delete()
    MaintenanceRun.objects.create(started_at=then, finished_at=then, succeeded=True)
    for ago in days_ago:
        moment = datetime.now(UTC) - timedelta(days=ago)
        row = factories.message_row(created_at=moment, customer_message_id=f"old-{ago}", target_id="old")
        factories.create_messages(app, [row], now=moment)
    return expired()


def expired() -> list[str]:
    """The names of the partitions which are due to be dropped."""
    return [one.name for one in partitions.expired(datetime.now(UTC))]


def tables() -> set[str]:
    """The names of all tables that are, or were, partitions."""
    with connection.cursor() as cursor:
        cursor.execute(r"SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^pushlog_.*_\d{8}$'")
        return {name for (name,) in cursor.fetchall()}


def attached() -> set[str]:
    """The names of all partitions."""
    return {one.name for table in partitions.TABLES + partitions.MONTHLY for one in partitions.attached(table)}
