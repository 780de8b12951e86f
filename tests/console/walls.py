"""Who may ask for what: everybody and every address, for tests/console/test_walls.py."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from console.tokens import SearchTerms, token_of
from pushlog import clock, credentials
from pushlog.models import (
    App,
    AuditEntry,
    CallWindow,
    Credential,
    CredentialUsage,
    EndedMembership,
    FailedTry,
    Membership,
    Message,
    Role,
)
from pushlog.tpns.codes import Code
from tests import factories
from tests.console.browsers import browser_of
from tests.pushlog.api.client import basic

MEMBERS = ["viewer", "support", "operator", "manager"]
# "superuser" is a member of nothing, "stranger" a manager of another app. "removed" and "deactivated" were managers of
# this one when they logged in.
PEOPLE = [*MEMBERS, "administrator", "auditor", "superuser", "stranger", "removed", "deactivated"]
PROGRAMS = ["credential", "other credential", "revoked credential"]
EVERYBODY = ["anonymous", *PEOPLE, *PROGRAMS]

# What only some may see.
TARGET, CONTENT, TITLE, CUSTOMER_ID = "+8613800000781", "Your code is 4711", "A parcel for you", "order-0815"
PASSWORD = "correct horse battery"


@dataclass
class World:
    """An app with a message and a task, and the people around it."""

    app: App = field(default_factory=lambda: factories.create_app(time_zone="UTC"))

    def __post_init__(self) -> None:
        row = {"target_id": TARGET, "content": CONTENT, "title": TITLE, "customer_message_id": CUSTOMER_ID}
        self.message: Message = factories.create_message(self.app, **row)
        self.task = factories.create_task(self.app, push_id="77", content=CONTENT, title=TITLE)
        self.other = factories.create_app(time_zone="UTC")
        self.person = factories.create_user()
        self.member = Membership.objects.create(app=self.app, user=factories.create_user(), role=Role.VIEWER)
        self.ended = EndedMembership.objects.create(
            app=self.app, user=self.person, role=Role.VIEWER, ended_at=clock.now()
        )
        self.credential, self._header = _credential(self.app)

    def client(self, who: str) -> Client:
        """Asks from elsewhere: this machine may read the metrics."""
        client = self._program(who) if who in PROGRAMS else self._browser(who)
        client.raise_request_exception = False
        client.defaults["REMOTE_ADDR"] = "203.0.113.7"
        return client

    def _browser(self, who: str) -> Client:
        if who == "anonymous":
            return Client()
        person = self._person(who)
        browser = browser_of(person)
        session = browser.session
        confirmed = [{"method": "password", "at": time.time(), "reauthenticated": True}]
        session["account_authentication_methods"] = confirmed
        session["account_authentication_methods_user"] = str(person.pk)
        session.save()
        if who in {"removed", "deactivated"}:
            assert browser.get(reverse("messages", args=[self.app.slug])).status_code == 200
        if who == "removed":
            Membership.objects.filter(user=person).delete()
        elif who == "deactivated":
            User.objects.filter(pk=person.pk).update(is_active=False)
        return browser

    def _person(self, who: str) -> User:
        if who in MEMBERS:
            return factories.create_user(self.app, role=Role(who), password=PASSWORD)
        if who in {"administrator", "auditor"}:
            return factories.create_user(kind=who, password=PASSWORD)
        if who == "superuser":
            return factories.create_user(is_superuser=True, password=PASSWORD)
        return factories.create_user(
            self.other if who == "stranger" else self.app, role=Role.MANAGER, password=PASSWORD
        )

    def _program(self, who: str) -> Client:
        header = self._header if who == "credential" else ""
        if who == "other credential":
            header = _credential(self.other)[1]
        elif who == "revoked credential":
            made, header = _credential(self.app)
            credentials.revoke(access_id=made.access_id)
        return Client(headers={"Authorization": header})

    def path(self, name: str) -> str:
        if name in _PATHS:
            return _PATHS[name]
        route, parts = _routes()[name]
        arguments = self._arguments(name)
        assert parts <= arguments.keys(), f"{name}: what stands for {parts - arguments.keys()}?"
        if "/" in name:
            return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(arguments[found[1]]), route)
        return reverse(name, kwargs={one: arguments[one] for one in parts})

    def _arguments(self, name: str) -> dict[str, Any]:
        """What stands in an address, by the names of its parts."""
        rows = {"app": self.app, "credential": self.credential, "message": self.message, "pushtask": self.task}
        model = re.search(r"pushlog[_/]([a-z]+)", name)
        return {
            "app": self.app.slug,
            "message_id": self.message.pk,
            "push_id": self.task.push_id,
            "object_id": rows[model[1]].pk if model and model[1] in rows else self.person.pk,
            "id": self.person.pk,
            "pk": {"admin:pushlog_credential_step": self.credential, "admin:pushlog_membership_end": self.member}.get(
                name, self.ended
            ).pk,
            "step": "revoke",
            "token": token_of(self.app, SearchTerms(TARGET)) if name == "target" else "x",
            "name": "console/console.0123456789ab.css",
            "provider_id": "sso",
            "app_label": "pushlog",
        }

    def body(self, name: str) -> dict[str, Any]:
        """What a form or a program sends. Without one, forms come back with errors."""
        receipt = {"message_id": str(self.message.pk), "channel": "own", "code": 2}
        receipt["at"] = (self.message.created_at + timedelta(seconds=1)).isoformat()
        bodies: dict[str, dict[str, Any]] = {
            "search": {"target_id": TARGET},
            "reveal": {"reason": "ticket 4711"},
            "erase": {"target_id": TARGET, "again": TARGET, "reason": "request 7"},
            "api:write_messages": {"messages": [factories.message_row()]},
            "api:write_receipts": {"receipts": [receipt]},
            "api:write_tasks": {"tasks": [factories.task_row()]},
            "api:search_messages": {"target_id": TARGET},
            "tpns:get_push_record": {"pushId": self.task.push_id},
        }
        return bodies.get(name, {})


def ask(client: Client, method: str, path: str, body: dict[str, Any]) -> tuple[str, bytes]:
    """A cell of the table, and the bytes of the answer."""
    given: Any = body if method == "POST" else {}
    how = {"content_type": "application/json"} if is_for_programs(path) and method != "GET" else {}
    response: Any = getattr(client, method.lower())(f"http://testserver{path}", given, **how)
    content = response.getvalue()
    if path.startswith("/v3"):
        return f"{response.status_code} {Code(json.loads(content)['retCode']).name}", content
    if response.status_code != 302:
        return str(response.status_code), content
    to = response.headers["Location"].partition("?")[0]
    return _REDIRECTS.get(to, "302"), content


_REDIRECTS = {"/accounts/login/": "login", "/admin/login/": "login", "/admin/": "admin"}


def is_for_programs(path: str) -> bool:
    return path.startswith(("/api/", "/v3"))


# Of addresses without a name, whose route is a pattern, and of one that needs a query.
_PATHS = {
    "admin/(?P<url>.*)$": "/admin/nothing",
    "^[/]*v3/+": "/v3/push/app",
    "^[/]*v3$": "/v3",
}


def names() -> list[str]:
    """Of all addresses: namespace and name, or the route of one without a name."""
    return sorted(_routes())


def _routes() -> dict[str, tuple[str, set[str]]]:
    """The route of each and the names of its parts."""
    return dict(_walk(get_resolver().url_patterns))


def _walk(
    patterns: list[Any], *, before: str = "", space: str = "", known: frozenset[str] = frozenset()
) -> Iterator[tuple[str, tuple[str, set[str]]]]:
    for one in patterns:
        route, parts = before + str(one.pattern), known | set(one.pattern.regex.groupindex)
        if isinstance(one, URLResolver):
            within = f"{space}{one.namespace}:" if one.namespace else space
            yield from _walk(one.url_patterns, before=route, space=within, known=frozenset(parts))
        else:
            yield (f"{space}{one.name}" if one.name else route), (route, set(parts))


def _credential(app: App) -> tuple[Credential, str]:
    made, secret = credentials.create(app=app, name="program")
    # Its use is noted already.
    Credential.objects.filter(pk=made.pk).update(last_used_at=clock.now())
    return made, basic(made.access_id, secret)


def contents() -> dict[str, tuple[int, int]]:
    """Of each table the number of rows and a hash, but of those in which every request may leave a trace."""
    noted = {model._meta.db_table for model in (AuditEntry, CallWindow, CredentialUsage, FailedTry, Session)}
    tables = sorted({*connection.introspection.django_table_names(only_existing=True, include_views=False)} - noted)
    hashes = [f"SELECT '{one}', count(*), sum(hashtext(found::text)::int8) FROM {one} AS found" for one in tables]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(hashes))
        return {table: (rows, total) for table, rows, total in cursor.fetchall()}
