import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "DATABASE_URL": "postgresql://pushlog@127.0.0.1:1/pushlog",
    "SECRET_KEY": "0123456789abcdefghij" * 3,
    "ENCRYPTION_KEYS": "q6ZQ0GgZ1Zg1Jw0v0vZ1Zg1Jw0v0vZ1Zg1Jw0v0vZ0A=",
    "ALLOWED_HOSTS": "console.example",
}


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs manage.py with this environment alone."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("hsts", "silenced"),
    # Without them, Django warns: what else runs on the domain must be ready for them.
    [({}, 2), ({"HSTS_SUBDOMAINS": "true", "HSTS_PRELOAD": "true"}, 0)],
)
def test_deployment_check_is_clean_with_a_database_of_its_own(hsts: dict[str, str], silenced: int) -> None:
    result = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION, **hsts)

    assert result.returncode == 0, result.stderr
    assert f"no issues ({silenced} silenced)" in result.stdout


@pytest.mark.parametrize("name", ["SECRET_KEY", "ENCRYPTION_KEYS"])
def test_secret_is_required_outside_the_embedded_mode(name: str) -> None:
    result = manage("check", **{key: value for key, value in PRODUCTION.items() if key != name})

    assert result.returncode != 0
    assert result.stderr.strip().splitlines()[-1].startswith(f"pushlog: Set {name} (or {name}_FILE)")
    assert "Traceback" not in result.stderr


def test_secret_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file" * 6)
    environment = {key: value for key, value in PRODUCTION.items() if key != "SECRET_KEY"}

    result = manage(
        "shell",
        "-v",
        "0",
        "-c",
        "from django.conf import settings; print(settings.SECRET_KEY)",
        **environment,
        SECRET_KEY_FILE=str(tmp_path / "key"),
    )

    assert result.stdout.strip() == "from a file" * 6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PARTITION_DAYS", "0"),
        ("PARTITION_DAYS", "x"),
        ("HTTPS", "maybe"),
        ("WORKERS", "0"),
        ("STATEMENT_TIMEOUT", "0"),
        ("LOG_LEVEL", "nope"),
        ("ENCRYPTION_KEYS", "short"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "proxy.example"),
    ],
)
def test_setting_that_is_not_right_is_one_clear_line(name: str, value: str) -> None:
    result = manage("check", **(PRODUCTION | {name: value}))

    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    assert name in result.stderr


def test_database_url_may_hold_options_and_odd_characters() -> None:
    code = (
        "from django.conf import settings; d = settings.DATABASES['default'];"
        "print(d['USER'], d['PASSWORD'], d['NAME'], d['OPTIONS']['sslmode'])"
    )
    url = "postgresql://us%40er:p%2Fw@db.example:5432/na%20me?sslmode=require"

    result = manage("shell", "-v", "0", "-c", code, **(PRODUCTION | {"DATABASE_URL": url}))

    assert result.stdout.split() == ["us@er", "p/w", "na", "me", "require"]


def test_database_url_that_is_none_is_one_clear_line_without_its_password() -> None:
    result = manage("check", **(PRODUCTION | {"DATABASE_URL": "postgresql://u:hunter2@[bad/x"}))

    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    assert "DATABASE_URL" in result.stderr
    assert "hunter2" not in result.stderr


def address(**options: str) -> str:
    """How to reach the database of the tests."""
    where = connection.settings_dict
    known = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    return make_conninfo(
        "", **{libpq: str(where[django]) for libpq, django in known.items() if where[django]}, **options
    )


@pytest.mark.django_db
@pytest.mark.parametrize(("options", "cost"), [({}, "1.1"), ({"options": "-crandom_page_cost=2"}, "2")])
def test_sessions_of_the_web_server_have_their_settings(options: dict[str, str], cost: str) -> None:
    """Without anything in the start-up packet that a pooler refuses, and with what the address says."""
    code = (
        "import console.wsgi; from django.db import connection as c; k = c.cursor(); print(c.settings_dict['OPTIONS']);"
        "print([k.execute(f'SHOW {name}').fetchone()[0] for name in ('statement_timeout', 'random_page_cost')])"
    )

    result = manage("shell", "-v", "0", "-c", code, **(PRODUCTION | {"DATABASE_URL": address(**options)}))

    assert ("'options'" in result.stdout) == bool(options), result
    assert f"['5s', '{cost}']" in result.stdout


@pytest.mark.django_db
def test_commands_have_no_time_limit() -> None:
    code = "from django.db import connection as c; print(c.cursor().execute('SHOW statement_timeout').fetchone()[0])"

    result = manage("shell", "-v", "0", "-c", code, **(PRODUCTION | {"DATABASE_URL": address()}))

    assert result.stdout.strip() == "0", result


@pytest.mark.parametrize("option", ["prepare_threshold=5", "server_side_binding=true"])
def test_database_url_cannot_have_statements_prepared(option: str) -> None:
    """They would be planned once for all values (tests/pushlog/test_statements.py)."""
    result = manage("check", **(PRODUCTION | {"DATABASE_URL": f"{PRODUCTION['DATABASE_URL']}?{option}"}))

    assert result.returncode != 0
    assert "DATABASE_URL" in result.stderr


SHOWN = (
    "import json; from django.conf import settings as s;"
    "print(json.dumps([s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SECURE_HSTS_SECONDS > 0,"
    " s.SECURE_HSTS_INCLUDE_SUBDOMAINS, s.SECURE_HSTS_PRELOAD, [str(one) for one in s.TRUSTED_PROXIES]]))"
)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ["__Host-sessionid", "__Host-csrftoken", True, False, False, ["127.0.0.0/8", "::1/128"]]),
        ({"HTTPS": "false"}, ["sessionid", "csrftoken", False, False, False, []]),
        (
            {"HSTS_SUBDOMAINS": "true", "HSTS_PRELOAD": "true", "TRUSTED_PROXIES": "10.0.0.1, fd00::/8"},
            ["__Host-sessionid", "__Host-csrftoken", True, True, True, ["10.0.0.1/32", "fd00::/8"]],
        ),
        ({"TRUSTED_PROXIES": ""}, ["__Host-sessionid", "__Host-csrftoken", True, False, False, []]),
    ],
)
def test_what_https_brings(environment: dict[str, str], expected: list[object]) -> None:
    result = manage("shell", "-v", "0", "-c", SHOWN, **(PRODUCTION | environment))

    assert json.loads(result.stdout) == expected, result
