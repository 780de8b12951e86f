import io
import os
import re
import subprocess
import sys
from pathlib import Path

import django
import pytest
from django.core.management import call_command

from pushlog import __version__

ROOT = Path(__file__).resolve().parents[3]


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


@pytest.mark.django_db
def test_version_names_all_three() -> None:
    out = io.StringIO()

    call_command("version", stdout=out)

    versions = rf"pushlog {re.escape(__version__)} \(Django {re.escape(django.get_version())}, PostgreSQL \d+[.\w]*\)"
    assert re.fullmatch(versions, out.getvalue().strip())


def test_version_starts_no_database(tmp_path: Path) -> None:
    result = manage("version", PUSHLOG_VAR=str(tmp_path / "var"))

    assert result.returncode == 0, result.stderr
    assert result.stdout == (f"pushlog {__version__} (Django {django.get_version()}, PostgreSQL cannot be reached)\n")
    assert not (tmp_path / "var" / "postgres").exists()


def test_version_as_an_option_needs_no_settings() -> None:
    result = manage("--version", WORKERS="none")

    assert (result.returncode, result.stdout) == (0, f"pushlog {__version__}\n")
    assert "WORKERS" in manage("version", WORKERS="none").stderr
