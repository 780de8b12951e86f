"""The command that fills the log with made-up messages."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError

from pushlog import demo
from pushlog.models import Message

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("load_demo", *arguments, stdout=out)
    return out.getvalue()


def test_load_demo_repeats() -> None:
    until = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%MZ")

    assert run("300", "--seed", "5", "--until", until).startswith("300 messages stored, 0 already in the log")
    assert run("300", "--seed", "5", "--until", until).startswith("0 messages stored, 300 already in the log")
    assert run("300", "--seed", "6", "--until", until).startswith("300 messages stored, 0 already in the log")


def test_load_demo_ends_now_to_the_minute() -> None:
    before = datetime.now(UTC)

    said = run("1_000")

    newest = Message.objects.order_by("-id")[0].created_at
    assert before - timedelta(minutes=3) < newest <= datetime.now(UTC)
    assert f"until {datetime.now(UTC):%Y-%m-%dT%H:}" in said or f"until {before:%Y-%m-%dT%H:}" in said
    assert "seed 1," in said


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["0"], "must be at least 1"),
        (["many"], "invalid"),
        (["1", "--until", "2026-01-01T00:00"], "needs a time zone"),
        (["1", "--until", "yesterday"], "invalid"),
        (["1", "--until", "2026-01-01T00:00Z"], "must be in the last 30 days"),
        (["1", "--until", "2999-01-01T00:00Z"], "must be in the last 30 days"),
    ],
)
def test_load_demo_refuses(arguments: list[str], error: str) -> None:
    with pytest.raises(CommandError, match=error):
        run(*arguments)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (KeyboardInterrupt(), r"^Stopped."),
        (OperationalError("gone\nor so"), r"^The database failed: gone$"),
    ],
)
def test_load_demo_stopped(monkeypatch: pytest.MonkeyPatch, failure: BaseException, error: str) -> None:
    def failing(**_: object) -> int:
        raise failure

    monkeypatch.setattr(demo, "load", failing)

    with pytest.raises(CommandError, match=error):
        run("10")
