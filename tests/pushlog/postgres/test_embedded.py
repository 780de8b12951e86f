"""Real servers in temporary folders. Run as root, the tests also play an ordinary user."""

import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from subprocess import PIPE
from typing import Any

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pushlog.postgres import embedded

pytestmark = pytest.mark.embedded

ROOT = os.geteuid() == 0
NOBODY = 65534
USERS = [0, NOBODY] if ROOT else [os.geteuid()]
one_user = pytest.mark.parametrize("uid", USERS[:1], indirect=True)
PREFIX = f"pushlog-test-{os.getpid()}-"

# Uses the server until its input ends. Changes its user late, because some users cannot read Python's folder.
COMMAND = """
import os, sys
from pathlib import Path
from pushlog.postgres import embedded
if (uid := int(sys.argv[1])) != os.geteuid():
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
try:
    embedded.start(Path(sys.argv[2]))
except embedded.EmbeddedError as error:
    sys.exit(f"EmbeddedError: {error}")
print("ready", flush=True)
word = sys.stdin.readline().strip()
if word == "interrupt":
    raise KeyboardInterrupt
if word == "fork" and os.fork():
    os.wait()
    print("forked", flush=True)
    sys.stdin.readline()
"""


def run(var: Path, uid: int) -> subprocess.Popen[str]:
    arguments, project = [sys.executable, "-c", COMMAND, str(uid), str(var)], Path(embedded.__file__).parents[2]
    return subprocess.Popen(arguments, cwd=project, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True)


def hear(process: subprocess.Popen[str]) -> str:
    return process.stdout.readline().strip() if process.stdout else ""


@contextmanager
def command(var: Path, uid: int) -> Iterator[subprocess.Popen[str]]:
    with run(var, uid) as process:
        assert hear(process) == "ready", process.communicate()
        yield process


def refusal(var: Path, uid: int) -> str:
    said = run(var, uid).communicate(timeout=60)[1].splitlines()
    lines = [line for line in said if not line.startswith("Letting user")]
    assert [line.split(": ")[0] for line in lines] == ["EmbeddedError"], said
    return lines[0]


def select(var: Path, query: str = "SELECT current_database()") -> Any:
    with psycopg.connect(embedded.url(var)) as client:
        return (client.execute(query.encode()).fetchone() or [None])[0]


def postmaster(var: Path) -> psutil.Process:
    return psutil.Process(int((var / "postgres" / "postmaster.pid").read_text().split()[0]))


def gone(server: psutil.Process) -> bool:
    for _ in range(200):  # the last moments of a process
        if not server.is_running() or server.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="module", autouse=True)
def _no_server_is_left() -> Iterator[None]:
    yield
    commands = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert not [line for line in commands if PREFIX in line and "/bin/postgres" in line]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Like tmp_path, but no other pytest takes rights away from the folders above."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        yield Path(name)


@pytest.fixture(scope="module", params=USERS)
def uid(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def var(uid: int) -> Iterator[Path]:
    """A data folder that tests share, each with its own server."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        os.chown(name, uid, -1)
        yield Path(name, "var")


@pytest.mark.parametrize("word", ["exit", "interrupt"])
def test_the_last_command_stops_the_server(var: Path, uid: int, word: str) -> None:
    with command(var, uid) as first:
        server = postmaster(var)
        with command(var, uid) as second:
            first.communicate(word, timeout=60)
            assert select(var) == "pushlog"
            assert postmaster(var) == server
            second.communicate(word, timeout=60)
    assert gone(server)


def test_safe_settings(var: Path, uid: int) -> None:
    with command(var, uid):
        folder, server = Path(embedded.connection(var)["HOST"]).stat(), postmaster(var)
        assert stat.S_IMODE(folder.st_mode) == 0o700
        assert folder.st_uid == server.uids().real != 0
        assert not server.net_connections("inet")
        assert select(var, "SHOW fsync") == select(var, "SHOW synchronous_commit") == "on"
        assert select(var, "SELECT usesuper FROM pg_user WHERE usename = current_user") is False
        assert select(var, "SELECT datcollate || datlocale FROM pg_database LIMIT 1") == "CC.UTF-8"


@one_user
def test_forked_child_leaves_the_server_alone(var: Path, uid: int) -> None:
    with command(var, uid) as process:
        server = postmaster(var)
        print("fork", file=process.stdin, flush=True)
        assert hear(process) == "forked"
        with command(var, uid):  # the child did not release the parent's lock
            pass
        assert select(var) == "pushlog"
    assert gone(server)


@one_user
def test_killed_command_keeps_nothing_up(var: Path, uid: int) -> None:
    with command(var, uid) as process:
        server = postmaster(var)
        process.kill()
        process.wait()
    assert select(var) == "pushlog"
    with command(var, uid):
        assert postmaster(var) == server
    assert gone(server)


def test_starts_after_everything_was_killed_and_the_number_reused(var: Path, uid: int) -> None:
    with command(var, uid) as process:
        server, owner = postmaster(var), (var / "postgres").stat().st_uid
        process.kill()
        server.kill()
    assert gone(server)
    with subprocess.Popen(["/bin/sleep", "60"], user=owner if ROOT else None) as other:
        left = var / "postgres" / "postmaster.pid"
        left.write_text(left.read_text().replace(str(server.pid), str(other.pid), 1))
        with command(var, uid):
            assert select(var) == "pushlog"
        other.kill()


@one_user
def test_two_start_and_end_at_once(var: Path, uid: int) -> None:
    fresh = var.with_name("fresh")
    with run(fresh, uid) as first, run(fresh, uid) as second:
        assert hear(first) == hear(second) == "ready"
        server = postmaster(fresh)
    assert gone(server)


@one_user
def test_one_starts_while_the_last_stops(var: Path, uid: int) -> None:
    for pause in (0.1, 0.2, 0.3):
        with command(var, uid) as last, run(var, uid) as following:
            time.sleep(pause)
            last.communicate(timeout=60)
            assert hear(following) == "ready"
            assert select(var) == "pushlog"


@one_user
def test_log_holds_nothing_personal_and_is_bounded(var: Path, uid: int) -> None:
    log = var / "postgres.log"
    with command(var, uid):
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            select(var, "SELECT 'a phone number'::integer")
        assert "phone" not in log.read_text()
        os.truncate(log, 1_000_001)
        with command(var, uid):
            assert log.stat().st_size < 1000


def test_refuses_a_read_only_folder(var: Path, uid: int) -> None:
    closed = var.with_name("read only")
    closed.mkdir(mode=0o555)
    os.chown(closed, uid, -1)
    with mounted(closed, "ro") if uid == 0 else nullcontext():
        assert str(closed) in refusal(closed / "var", uid)
        assert str(closed) in refusal(closed, uid)


@one_user
def test_says_why_the_server_does_not_start(var: Path, uid: int) -> None:
    for name, text, reason in (
        ("PG_VERSION", "16\n", "is of PostgreSQL 16"),
        ("postgresql.conf", "nonsense = 1\n", 'unrecognized configuration parameter "nonsense"'),
    ):
        before = (var / "postgres" / name).read_text()
        (var / "postgres" / name).write_text(text)
        assert reason in refusal(var, uid)
        (var / "postgres" / name).write_text(before)


if ROOT:

    @pytest.mark.parametrize("size", ["8m", "60m"])  # too small for initdb; filled up after it
    def test_says_that_the_disk_is_full(folder: Path, size: str) -> None:
        var = folder / "var"
        with mounted(folder, f"size={size}"):
            if size == "60m":
                with command(var, 0):
                    pass
                subprocess.run(["dd", "if=/dev/zero", f"of={var}/filler"], capture_output=True)
            assert f"the disk of {var} is full" in refusal(var, 0)

    def test_root_runs_the_server_as_the_owner_of_the_folder(folder: Path) -> None:
        os.chown(folder, NOBODY, -1)
        for uid in (0, NOBODY, 0):
            with command(folder, uid):
                assert postmaster(folder).uids().real == NOBODY

    def test_others_may_pass_but_not_use_what_root_made(folder: Path) -> None:
        with command(folder / "var", 0) as process:
            server = postmaster(folder / "var")
            assert stat.S_IMODE(folder.stat().st_mode) == 0o701
            assert f"belongs to {embedded.ACCOUNT}: " in refusal(folder / "var", NOBODY)
            folder.chmod(0o700)
            process.communicate()
        assert gone(server)


@pytest.mark.parametrize("name", ['it\'s a "$HOME" `x` \\ % ünï 推送', "/".join(["x" * 90] * 3)])
def test_any_path_will_do(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    var = folder / name
    monkeypatch.chdir(folder)
    place = embedded.connection(Path(name))
    same = {"dbname" if key == "NAME" else key.lower(): value for key, value in place.items()}
    assert conninfo_to_dict(embedded.url(var)) == same
    assert not var.exists()
    embedded.start(Path(name))
    embedded.start(var)
    server = postmaster(var)
    assert select(var) == "pushlog"
    embedded.stop_if_last(var)
    assert gone(server)


def test_uses_only_a_private_socket_folder(folder: Path) -> None:
    var = folder / "a,b"
    sockets = Path(embedded.connection(var)["HOST"])
    sockets.mkdir(mode=0o755)
    with pytest.raises(embedded.EmbeddedError, match="not a private folder"):
        embedded.start(var)
    sockets.rmdir()
    with command(var, USERS[0]):
        assert select(var) == "pushlog"
    assert not sockets.exists()


def test_says_that_the_wheel_is_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", dict[str, None]().get)
    with pytest.raises(embedded.EmbeddedError, match="DATABASE_URL"):
        embedded.start(folder / "var")
