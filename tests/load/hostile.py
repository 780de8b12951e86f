"""Hostile requests for a served console: `python -m tests.load.hostile PORT REQUESTS SEED < access.json`.

Prints what was answered, as JSON. The same seed makes the same requests.
"""

import gzip
import http.client
import json
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote

PATIENCE = 90  # seconds without an answer are a hang

CHARACTERS = [
    "\0",
    "\x1b",
    "\u202e",
    "\ufeff",
    "\u200b",
    "\ud800",
    "😀",
    "ß",
    "İ",
    "'",
    '"',
    "<b>",
    "%00",
    "{{7*7}}",
    "\\",
]
TEXTS = [
    "",
    " ",
    "0",
    "-1",
    "1e999",
    "NaN",
    "9" * 40,
    "a" * 300,
    "a" * 9000,
    "null",
    "[]",
    "../../etc/passwd",
    "' OR 1=1 --",
    "2026-02-30",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "2026-03-29T02:30",
    "019a9b3c-0000-7000-8000-000000000000",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "+8610000000781",
    "target-1",
    "user",
    "failed",
    "own",
    "created_at",
    "-title",
    "$.a[*]",
    "(",
    "http://[",
]
VALUES: list[Any] = [None, True, False, 0, -1, 2**31, 2**63, 2**200, 1.5, -0.0, 1e308, [], {}, [[]], [None], {"": ""}]
NAMES = [
    "target_id",
    "customer_message_id",
    "push_type",
    "mode",
    "outcome",
    "status",
    "channel",
    "code",
    "from",
    "to",
    "fold",
    "sort",
    "page",
    "after",
    "before",
    "terms",
    "push_id",
    "state",
    "day",
    "next",
    "open",
    "q",
    "o",
    "p",
    "e",
    "all",
    "id__gt",
    "slug__regex",
    "app__id__exact",
    "_popup",
    "_to_field",
    "_changelist_filters",
]
ROW_NAMES = [
    "target_id",
    "customer_message_id",
    "push_type",
    "mode",
    "title",
    "content",
    "created_at",
    "expires_in",
    "expires_at",
    "extras",
    "task",
    "message_id",
    "channel",
    "code",
    "detail",
    "at",
    "revoked",
    "push_id",
    "target_kind",
    "targets",
    "app",
    "limit",
]
TPNS_NAMES = ["pushId", "startDate", "endDate", "offset", "limit", "pushType", "msgType", "token_list", "account_list"]
CONTENT_TYPES = [
    "application/json",
    "application/x-ndjson",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "text/plain",
    "application/json; charset=zip",
    "application/json; charset=idna",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/json; " + "; ".join(f"a{number}=b" for number in range(300)),
    "/",
    "\xff",
]
PAGES = [
    "/",
    "/apps/shop/messages/",
    "/apps/shop/messages/search/",
    "/apps/shop/messages/019a9b3c-0000-7000-8000-000000000000/",
    "/apps/shop/messages/019a9b3c-0000-7000-8000-000000000000/reveal/",
    "/apps/shop/tasks/",
    "/apps/shop/tasks/1/",
    "/apps/bank/messages/",
    "/apps/none/messages/",
    "/status-codes/",
    "/accounts/login/",
    "/accounts/logout/",
    "/accounts/password/change/",
    "/accounts/reauthenticate/",
    "/accounts/sessions/",
    "/accounts/inactive/",
    "/accounts/oidc/sso/login/",
    "/accounts/oidc/sso/login/callback/",
    "/accounts/mfa/",
    "/accounts/mfa/authenticate/",
    "/accounts/mfa/reauthenticate/",
    "/accounts/mfa/totp/activate/",
    "/accounts/mfa/webauthn/add/",
    "/accounts/mfa/webauthn/keys/1/edit/",
    "/accounts/mfa/recovery-codes/generate/",
    "/first-administrator/x/",
    "/audit/",
    "/audit/search/",
    "/audit/export/",
    "/apps/shop/erase/",
    "/livez",
    "/readyz",
    "/healthz",
    "/metrics",
    "/api/v1/docs",
    "/static/app.css",
    "/static/../settings.py",
]
API = ["messages", "receipts", "tasks", "messages/search", "messages/019a9b3c-0000-7000-8000-000000000000", "none", ""]
MODELS = ["auth/user", "auth/group", "pushlog/app", "pushlog/credential", "pushlog/message", "pushlog/pushtask"]
ADMIN = [f"/admin/{model}/{rest}" for model in MODELS for rest in ("", "add/", "1/change/", "1/delete/", "1/history/")]
ADMIN += [f"/admin/pushlog/credential/1/step/{step}/" for step in ("revoke", "take-back", "second-secret", "x")]
ADMIN += ["/admin/pushlog/app/members/1/remove/", "/admin/pushlog/app/members/removed/1/take-back/"]
ADMIN += ["/admin/", "/admin/jsi18n/", "/admin/r/1/1/", "/admin/r/x/y/", "/admin/login/"]
# Not the one that ends the session of all.
FORMS = [path for path in [*PAGES, *ADMIN] if "logout" not in path]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"]


class Request(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


class Maker:
    """`access` holds the headers Authorization (of a program) and Cookie (of a person who may do everything)."""

    def __init__(self, seed: int, access: dict[str, str]) -> None:
        self.random = Random(seed)
        self.access = access
        self.kinds: list[Callable[[], Request]] = [self.page, self.api, self.tpns, self.admin, self.form]

    def make(self) -> Request:
        return self.random.choice(self.kinds)()

    def page(self) -> Request:
        headers = self._cookie()
        if self.random.random() < 0.3:
            headers |= {"HX-Request": "true", "HX-Target": self._text(), "HX-Current-URL": self._text()}
        return Request(self._method("GET"), self._path(PAGES) + self._query(), headers)

    def api(self) -> Request:
        headers = {"Content-Type": self._one(CONTENT_TYPES)}
        if self.random.random() < 0.9:
            known = self.access["Authorization"]
            headers["Authorization"] = known if self.random.random() < 0.9 else f"Basic {self._text()}"
        body = self._rows() if self.random.random() < 0.8 else self._json(ROW_NAMES)
        if self.random.random() < 0.1:
            headers["Content-Encoding"] = self.random.choice(["gzip", "br", "identity", self._text()])
            body = gzip.compress(body, 1) if self.random.random() < 0.5 else body
        path = "/api/v1/" + self.random.choice(API)
        return Request(
            self._method("POST"), path + (self._query() if self.random.random() < 0.2 else ""), headers, body
        )

    def tpns(self) -> Request:
        headers = {"Content-Type": self._one(CONTENT_TYPES)}
        if self.random.random() < 0.8:
            headers["Authorization"] = self.access["Authorization"]
        else:
            headers |= {"Sign": self._text(), "AccessId": self._text(), "TimeStamp": self._text()}
        path = self.random.choice(
            ["/v3/statistics/get_push_record", "//v3//statistics/get_push_record", "/v3/x", "/v3"]
        )
        return Request(self._method("POST"), path, headers, self._json(TPNS_NAMES))

    def admin(self) -> Request:
        return Request(self._method("GET"), self._path(ADMIN) + self._query(), self._cookie())

    def form(self) -> Request:
        """A form whose CSRF token is right."""
        token = "a" * 32
        headers = {"Content-Type": self._one(CONTENT_TYPES[2:3])}
        headers["Cookie"] = f"{self.access['Cookie']}; csrftoken={token}" if self._often() else f"csrftoken={token}"
        total = self.random.choice(["0", "1", "3", "2000", "-1", "x", "9" * 20])
        fields = {"csrfmiddlewaretoken": token, "memberships-TOTAL_FORMS": total}
        fields |= {"memberships-INITIAL_FORMS": self.random.choice(["0", "1", "5", "-1", "x"])}
        names = [
            "name",
            "slug",
            "time_zone",
            "title",
            "content",
            "extras",
            "expires_at",
            "login",
            "password",
            "username",
        ]
        names += [
            "memberships-0-user",
            "memberships-0-id",
            "memberships-0-app",
            "action",
            "_selected_action",
            "app",
            "note",
        ]
        names += [*NAMES, "oldpassword", "password1", "password2", "calls_per_hour", "rows_per_minute", "_save"]
        for name in self.random.sample(names, self.random.randrange(8)):
            fields[name] = self._text() if self._often() else "[" * 900
        body = "&".join(f"{quote(name)}={_quoted(value)}" for name, value in fields.items())
        return Request("POST", self._path(FORMS), headers, body.encode())

    def _rows(self) -> bytes:
        name = self.random.choice(["messages", "receipts", "tasks"])
        rows = [self._object(ROW_NAMES) for _ in range(self.random.randrange(4))]
        if self.random.random() < 0.3:
            return b"\n".join(_bytes(row) for row in rows)
        return self._spoiled(_bytes({name: rows}))

    def _json(self, names: list[str]) -> bytes:
        return self._spoiled(_bytes(self._object(names)))

    def _object(self, names: list[str]) -> dict[str, Any]:
        return {name: self._value() for name in self.random.sample(names, self.random.randrange(min(8, len(names))))}

    def _value(self) -> Any:
        return self._text() if self._often() else self.random.choice(VALUES)

    def _spoiled(self, body: bytes) -> bytes:
        chance = self.random.random()
        if chance < 0.8:
            return body
        if chance < 0.85:
            return b"[" * 5000 + body
        if chance < 0.9:
            return body[: self.random.randrange(len(body) + 1)]
        place = self.random.randrange(len(body) + 1)
        return body[:place] + self.random.randbytes(3) + body[place:]

    def _text(self) -> str:
        text = self.random.choice(TEXTS)
        if self.random.random() < 0.3:
            place = self.random.randrange(len(text) + 1)
            text = text[:place] + self.random.choice(CHARACTERS) + text[place:]
        return text

    def _query(self) -> str:
        if self.random.random() < 0.2:
            return ""
        names = [self.random.choice(NAMES) for _ in range(self.random.randrange(1, 5))]
        return "?" + "&".join(f"{name}={_quoted(self._text())}" for name in names)

    def _path(self, known: list[str]) -> str:
        path = self.random.choice(known)
        return path if self._often() else path + _quoted(self._text()) + self.random.choice(["", "/"])

    def _cookie(self) -> dict[str, str]:
        chance = self.random.random()
        if chance < 0.8:
            return {"Cookie": self.access["Cookie"]}
        return {"Cookie": f"sessionid={self._text()}"} if chance < 0.9 else {}

    def _method(self, usual: str) -> str:
        return usual if self._often() else self.random.choice(METHODS)

    def _one(self, known: list[str]) -> str:
        return known[0] if self._often() else self.random.choice(known)

    def _often(self) -> bool:
        return self.random.random() < 0.8


def _bytes(value: object) -> bytes:
    return json.dumps(value).encode()


def _quoted(text: str) -> str:
    return quote(text, errors="surrogatepass")


class Client:
    def __init__(self, port: int) -> None:
        self.port = port
        self.connection: http.client.HTTPConnection | None = None

    def status(self, request: Request) -> int:
        """0 if the connection was closed without an answer."""
        # A connection that the server closed meanwhile is no answer.
        for _ in range(2):
            fresh = self.connection is None
            self.connection = self.connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            try:
                return self._ask(self.connection, request)
            except TimeoutError:
                raise
            except (OSError, http.client.HTTPException):
                self.connection.close()
                self.connection = None
                if fresh:
                    break
        return 0

    def _ask(self, connection: http.client.HTTPConnection, request: Request) -> int:
        # As bytes: http.client refuses what is no header.
        lines = [f"{request.method} {request.path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(request.body)}"]
        lines += [f"{name}: {_header(value)}" for name, value in request.headers.items()]
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        if connection.sock is None:
            connection.connect()
        with suppress(ConnectionError):  # an answer may come before the body is taken
            connection.sock.sendall(head + request.body)
        response = http.client.HTTPResponse(connection.sock, method=request.method)
        response.begin()
        response.read()
        if response.will_close:
            connection.close()
            self.connection = None
        return response.status


def _header(text: str) -> str:
    return text.replace("\r", "").replace("\n", "")


def main() -> None:
    port, requests, seed = (int(text) for text in sys.argv[1:])
    maker, client = Maker(seed, json.load(sys.stdin)), Client(port)
    statuses: Counter[int] = Counter()
    wrong: list[object] = []
    for number in range(requests):
        request = maker.make()
        try:
            status = client.status(request)
        except TimeoutError:
            status = -1
            client.connection = None
        statuses[status] += 1
        if (status >= 500 or status < 0) and len(wrong) < 20:
            shown = {name: value for name, value in request.headers.items() if name not in {"Authorization", "Cookie"}}
            wrong.append([number, status, request.method, request.path[:300], shown, repr(request.body[:600])])
    print(json.dumps({"statuses": statuses, "wrong": wrong}))


if __name__ == "__main__":
    main()
