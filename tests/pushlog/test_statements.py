"""No statement of ours is ever prepared on the server.

PostgreSQL may plan a prepared statement once for all values: for a status that nobody has, the plan that is right for
the one that most have takes a thousand times as long (rule D in the lessons).
"""

from django.db import connection

from pushlog import statements
from pushlog.models import App, Message
from tests import factories

OFTEN = 20  # Psycopg prepares after 5 times, and PostgreSQL plans once for all after 5 more


def prepared() -> list[str]:
    """What this connection has prepared, by whichever way."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return [statement for (statement,) in cursor.fetchall()]


def test_statements_with_binary_parameters_are_not_prepared(db: None) -> None:
    for number in range(OFTEN):
        statements.run("SELECT %b::int4", [number])

    assert connection.connection.prepare_threshold is None
    assert prepared() == []


def test_queries_of_the_orm_are_not_prepared_and_have_their_values_in_them(app: App) -> None:
    for number in range(OFTEN):
        assert not list(Message.objects.matching(app, target_id=f"nobody-{number}"))

    assert prepared() == []
    assert "server_side_binding" not in connection.settings_dict["OPTIONS"]


def test_writing_prepares_nothing(app: App) -> None:
    for _ in range(OFTEN):
        factories.send_receipt(factories.create_message(app))

    assert prepared() == []
