import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as real_settings
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from console.management.commands import collectstatic

ROOT = Path(__file__).resolve().parents[3]


def test_collecting_needs_neither_a_database_nor_secrets(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "manage.py", "collectstatic"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PUSHLOG_VAR": str(tmp_path / "var")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_what_is_collected_is_left_alone() -> None:
    manifest = Path(real_settings.STATIC_ROOT) / "staticfiles.json"
    before = manifest.stat().st_mtime_ns

    call_command("collectstatic", verbosity=0)

    assert manifest.stat().st_mtime_ns == before


def test_another_name_or_content_is_noticed(settings: Settings, tmp_path: Path) -> None:
    seen = {collectstatic._fingerprint()}
    settings.STATICFILES_DIRS = [*settings.STATICFILES_DIRS, tmp_path]
    for name, content in (("a.css", ""), ("a.css", "p {}"), ("b.css", "p {}")):
        (tmp_path / name).write_text(content)
        seen.add(collectstatic._fingerprint())

    assert len(seen) == 4


def test_folder_that_cannot_be_written_is_named_in_one_line(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings.STATIC_ROOT = tmp_path / "file" / "static"

    with pytest.raises(CommandError, match=r"file/static does not have .*: Not a directory\. Run manage\.py collects"):
        call_command("collectstatic")


def test_an_installed_package_collects_nothing(settings: Settings, tmp_path: Path) -> None:
    settings.CHECKOUT, settings.STATIC_ROOT = False, tmp_path / "static"

    call_command("collectstatic")

    assert list(tmp_path.iterdir()) == []
