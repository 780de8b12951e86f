import os
import stat
import threading
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from console.kept_secrets import kept_secret


def test_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    first = kept_secret("NAME", tmp_path / "var", may_make=True)

    assert len(first) == 44
    assert kept_secret("NAME", tmp_path / "var", may_make=True) == first
    assert kept_secret("OTHER", tmp_path / "var", may_make=True) != first


def test_secret_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    kept_secret("NAME", tmp_path, may_make=True)

    assert stat.S_IMODE(os.stat(tmp_path / "secrets/name").st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "secrets").st_mode) == 0o700


def test_secret_of_many_starts_at_once_is_one(tmp_path: Path) -> None:
    made: list[str] = []
    barrier = threading.Barrier(8)

    def make() -> None:
        barrier.wait()
        made.append(kept_secret("NAME", tmp_path, may_make=True))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 8
    assert len(set(made)) == 1
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["name"]


def test_secret_that_cannot_be_kept_says_why(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")

    with pytest.raises(ImproperlyConfigured, match="Not a directory"):
        kept_secret("NAME", tmp_path / "var", may_make=True)
