"""Sessions behind a real PgBouncer: their settings hold, or the start says what to run."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from pushlog.postgres import sessions
from tests.console.test_settings import PRODUCTION, manage

DIRECT = PRODUCTION | {"HTTPS": "false", "MAINTAIN": "false", "PREPARED_STATEMENTS": "false"}
SHOW = """
import console.wsgi
from django.db import connection
two, found = [connection.copy(), connection.copy()], set()
for one in two * 20:
    with one.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('random_page_cost')")
        found.add(cursor.fetchone())
print(found)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def pooler(request: pytest.FixtureRequest, db: None) -> Iterator[str]:
    """The address of a PgBouncer in the mode given, which leads to the database of the tests."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "apt-get install pgbouncer"
    where, port = connection.settings_dict, free_port()
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer"))
    folder.chmod(0o755)
    (folder / "users").write_text(f'"{where["USER"]}" "{where["PASSWORD"]}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={where['HOST']} port={where['PORT']}\n[pgbouncer]\nlisten_addr=127.0.0.1\n"
        f"listen_port={port}\nunix_socket_dir=\nauth_type=trust\nauth_file={folder}/users\npool_mode={request.param}\n"
    )
    command = [program, "-q", str(folder / "pgbouncer.ini")]
    if os.geteuid() == 0:  # it refuses to run as root; the embedded server's socket is its user's alone
        home = Path(str(where["HOST"]))
        user = pwd.getpwuid(home.stat().st_uid).pw_name if home.is_dir() else "nobody"
        command[1:1] = ["-u", user]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    address = make_conninfo("", host="127.0.0.1", port=port, user=where["USER"], dbname=where["NAME"])
    try:
        for _ in range(100):
            try:
                psycopg.connect(address).close()
                break
            except psycopg.OperationalError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder)


def alter(settings: str) -> None:
    """Changes what new sessions of this database begin with, outside the test's transaction."""
    where = connection.settings_dict
    with closing(connection.copy()) as own, own.cursor() as cursor:
        cursor.execute(f'ALTER ROLE "{where["USER"]}" IN DATABASE "{where["NAME"]}" {settings}')


@pytest.fixture
def role_has_settings(db: None) -> Iterator[None]:
    alter("SET statement_timeout = '5s'")
    alter("SET random_page_cost = 1.1")
    yield
    alter("RESET ALL")


@pytest.mark.django_db
def test_direct_sessions_share_nothing() -> None:
    assert not sessions.are_shared()
    sessions.check(statement_timeout="5s")


@pytest.mark.pooler
@pytest.mark.parametrize("pooler", ["transaction"], indirect=True)
def test_start_behind_a_pooler_in_transaction_mode_says_what_to_run(pooler: str) -> None:
    result = manage("serve", "--port", str(free_port()), **(DIRECT | {"DATABASE_URL": pooler}))

    assert result.returncode == 1
    role = connection.settings_dict["USER"]
    assert f'ALTER ROLE "{role}" SET random_page_cost = 1.1;' in result.stderr
    assert f"ALTER ROLE \"{role}\" SET statement_timeout = '5s';" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.pooler
@pytest.mark.usefixtures("role_has_settings")
@pytest.mark.parametrize("pooler", ["transaction"], indirect=True)
def test_every_query_behind_a_pooler_has_the_settings_of_the_role(pooler: str) -> None:
    environment = DIRECT | {"DATABASE_URL": pooler}
    check = (
        "from pushlog.postgres import sessions; sessions.check(statement_timeout='5s'); print(sessions.are_shared())"
    )

    assert manage("shell", "-v", "0", "-c", check, **environment).stdout == "True\n"
    assert manage("shell", "-v", "0", "-c", SHOW, **environment).stdout == "{('5s', '1.1')}\n"


@pytest.mark.pooler
@pytest.mark.usefixtures("role_has_settings")
@pytest.mark.parametrize("pooler", ["transaction"], indirect=True)
@pytest.mark.parametrize("command", [["maintain"], ["serve", "--port", "1"]])
def test_maintenance_behind_a_pooler_is_refused(pooler: str, command: list[str]) -> None:
    if command[0] == "serve":
        command = ["serve", "--port", str(free_port())]
    result = manage(*command, **(DIRECT | {"DATABASE_URL": pooler, "MAINTAIN": "true"}))

    assert result.returncode == 1
    assert "PostgreSQL itself" in result.stderr


@pytest.mark.pooler
@pytest.mark.parametrize("pooler", ["session"], indirect=True)
def test_a_pooler_in_session_mode_keeps_the_settings(pooler: str) -> None:
    environment = DIRECT | {"DATABASE_URL": pooler}
    check = (
        "from pushlog.postgres import sessions; sessions.check(statement_timeout='5s'); print(sessions.are_shared())"
    )

    assert manage("shell", "-v", "0", "-c", check, **environment).stdout == "False\n"
    assert manage("shell", "-v", "0", "-c", SHOW, **environment).stdout == "{('5s', '1.1')}\n"
