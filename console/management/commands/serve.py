"""Starts everything: database, migrations, partitions, web server."""

import os
import shutil
import socket
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError, call_command
from django.db import Error, connection, connections

from console.demo_logins import ensure_demo_logins
from console.server import workers
from console.views import first_administrator
from pushlog import clock, demo
from pushlog.maintenance import background
from pushlog.models import Message
from pushlog.postgres import partitions, sessions
from pushlog.postgres.advisory_locks import AdvisoryLock


class Command(BaseCommand):
    help = "Prepares the database and serves the console. Ctrl-C or SIGTERM stops it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000, choices=range(1, 65536), metavar="PORT")
        parser.add_argument(
            "--demo",
            type=int,
            nargs="?",
            const=20_000,
            metavar="N",
            help="fill an empty log with N messages (default 20,000) and print a login for each role",
        )

    def handle(self, *, host: str, port: int, demo: int | None, **options: Any) -> None:
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
        if demo is not None and not settings.EMBEDDED:
            raise CommandError(
                "--demo creates logins and prints their passwords, so it does not run with DATABASE_URL."
            )
        sock = _bound(host, port)
        call_command("collectstatic", stdout=self.stdout)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_empty_folder(settings.VAR / "metrics" / str(port)))
        try:
            self._prepare(demo, address)
        except Error as error:
            raise CommandError(f"The database cannot be used: {str(error).splitlines()[0]}") from error
        except clock.ClockOff as error:
            raise CommandError(str(error)) from error
        finally:
            connections.close_all()
        self.stdout.write(f"Serving {address}")
        self.stdout.flush()
        with background.hourly() if settings.MAINTAIN else nullcontext():
            workers.serve(sock, settings.WORKERS)

    def _prepare(self, demo_count: int | None, address: str) -> None:
        _check_sessions()
        with _alone():
            self._fill(demo_count, address)

    def _fill(self, demo_count: int | None, address: str) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        partitions.ensure_window()
        if demo_count is None:
            if not User.objects.exists():
                self.stdout.write(
                    f"Nobody can log in yet. Make the first administrator here, within a day:\n"
                    f"  {address.rstrip('/')}{first_administrator.link()}"
                )
            return
        if "SECOND_FACTOR_ROLES" not in os.environ:
            # For the workers, which read the environment themselves.
            os.environ["SECOND_FACTOR_ROLES"] = ""
        apps = demo.ensure_demo_apps()
        if not Message.objects.exists():
            self.stdout.write(f"Writing {demo_count:,} demo messages …")
            self.stdout.flush()
            demo.load(count=demo_count, seed=1, until=clock.now().replace(second=0, microsecond=0))
        self.stdout.write(f"\nOpen {address} and log in as")
        for name, password, may in ensure_demo_logins(apps["shop"], apps["bank"]):
            self.stdout.write(f"  {name:<9} {password}   {may}")
        self.stdout.write("")


def _check_sessions() -> None:
    try:
        sessions.check(statement_timeout=f"{settings.STATEMENT_TIMEOUT}s")
    except sessions.SettingsLost as error:
        raise CommandError(str(error)) from error
    if settings.MAINTAIN and sessions.are_shared():
        raise CommandError(
            "Maintenance holds a session-level lock, which a pooler in transaction mode loses. Set MAINTAIN=false and"
            " run manage.py maintain with an address that leads to PostgreSQL itself."
        )


@contextmanager
def _alone() -> Iterator[None]:
    """Waits while another `serve` prepares this database."""
    if sessions.are_shared():  # the pooler would lose the lock
        yield
        return
    with closing(connection.copy()) as own, own.cursor() as cursor:
        # Waiting in PostgreSQL would hold a snapshot, and CREATE INDEX CONCURRENTLY of a migration waits for those.
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [AdvisoryLock.MIGRATION])
            if cursor.fetchone()[0]:
                break
            time.sleep(0.5)
        yield


def _empty_folder(folder: Path) -> Path:
    """Empties the workers' shared metrics folder: it may hold numbers of workers that no longer run."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    except OSError as error:
        raise CommandError(f"Cannot create {folder}: {error.strerror}. Set PUSHLOG_VAR.") from error
    return folder


def _bound(host: str, port: int) -> socket.socket:
    """A socket at this address, before any work is done. Raises CommandError."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, protocol)
        # Or a port with closing connections counts as taken.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted connections inherit these. A client that vanished is noticed after a minute and a half.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        sock.bind(where)
    except OSError as error:
        raise CommandError(f"Cannot listen on {host} port {port}: {error.strerror}. Try --port.") from error
    return sock
