"""Push gateways and people who browse, as users of the load tool Locust: one of several processes of a run.

Locust changes how Python waits (gevent), so nobody imports this file: `tests.load.loaded` starts
`python -m locust -f` with it. Whatever comes of a request, an answer or none, goes to the file `--out` as a line of
JSON. SIGTERM ends the users when they have done what they are at.
"""

import gzip
import json
import re
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from locust import FastHttpUser, between, constant, events, task
from locust.env import Environment

from tests.load.rows import Row, batch

PAGES = ["", "?sort=title", "?sort=-target_id", "?outcome=failed", "?push_type=android", "?sort=created_at"]
LIST = "/apps/shop/messages/"


@events.init_command_line_parser.add_listener
def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, help="where the lines go")
    parser.add_argument("--seed", type=int, help="what the first gateway of the process sends; the next has the next")
    parser.add_argument("--order", help="the order of its own in which the process sends that")
    parser.add_argument("--start", type=datetime.fromisoformat, help="when the whole run began")
    parser.add_argument("--authorization", help="the header with which the gateways may write")
    parser.add_argument("--password", help="with which the operator may read")


@events.init.add_listener
def _open_lines(environment: Environment, **_: Any) -> None:
    """Has every request written down, and every error of this file."""
    options: Any = environment.parsed_options
    out = options.out.open("w", buffering=1)  # a line at once, so that it can be seen when the process is at work

    def keep_request(name: str, response: Any, exception: Exception | None, context: Row, **_: Any) -> None:
        # A status may be there without the rest of its answer.
        status = 0 if exception and response.status_code == 200 else response.status_code
        answer = response.json() if "batch" in context and status == 200 else None
        out.write(json.dumps({"name": name, "status": status, "answer": answer} | context) + "\n")

    def keep_error(exception: Exception, **_: Any) -> None:
        out.write(json.dumps({"name": "error", "status": -1, "error": repr(exception)}) + "\n")

    environment.events.request.add_listener(keep_request)
    environment.events.user_error.add_listener(keep_error)


class Gateway(FastHttpUser):
    """Sends batch after batch, and whatever gets no answer, or a 5xx, again with the same rows.

    Two gateways with one seed and different orders send the same rows at the same time, each in an order of its own:
    some receipts before their messages, some at the same moment as the other's messages.
    """

    fixed_count = 2
    wait_time = constant(0)
    _seeds = count()

    def on_start(self) -> None:
        """Takes a seed that no other gateway of the process has."""
        options = self.environment.parsed_options
        self.seed = options.seed + next(self._seeds)
        self.random = Random(f"{self.seed} {options.order}")
        self.numbers: Iterator[int] = count()
        self.headers = {"Authorization": options.authorization, "Content-Type": "application/json"}

    @task
    def send_batch(self) -> None:
        """Messages and, in two halves, receipts. Locust ends a user between two tasks: a batch is sent whole."""
        number = next(self.numbers)
        messages, receipts = batch(self.seed, number, self.environment.parsed_options.start)
        by_pair = [
            {name: message[name] for name in ("target_id", "customer_message_id")} | receipt
            for message, of_message in zip(messages, receipts, strict=True)
            for receipt in of_message
        ]
        self.random.shuffle(by_pair)
        middle = self.random.randrange(len(by_pair))
        self.random.shuffle(messages)
        steps = [("messages", messages), ("receipts", by_pair[:middle]), ("receipts", by_pair[middle:])]
        self.random.shuffle(steps)
        for name, rows in steps:
            keys = [row["customer_message_id"] for row in rows] if name == "messages" else len(rows)
            self._send(name, rows, {"seed": self.seed, "batch": number, "rows": keys})

    def _send(self, name: str, rows: list[Row], context: Row) -> None:
        """Sends rows until they are acknowledged."""
        body: Any = json.dumps({name: rows}).encode()  # Locust's types know text alone
        headers = self.headers
        if self.random.random() < 0.5:
            body, headers = gzip.compress(body), headers | {"Content-Encoding": "gzip"}
        path = f"/api/v1/{name}"
        while True:
            with self.client.post(
                path, data=body, headers=headers, name=name, context=context, catch_response=True
            ) as response:
                failed = response.request_meta["exception"]
            if not failed:
                return
            # Anything else is an error of ours, which sending it again would hide.
            assert response.status_code in {0, 200} or response.status_code >= 500, response.text
            time.sleep(0.1)  # a pause of this user alone, as Locust has it


class Reader(FastHttpUser):
    """A person with a browser's cookies who looks at lists of the app `shop` and at messages in them."""

    fixed_count = 1
    wait_time = between(0, 0.2)

    def on_start(self) -> None:
        """Opens the browser."""
        self.pages: Iterator[int] = count()

    @task
    def read(self) -> None:
        """Reads a list and a message of it, after logging in where that is not done."""
        if not any(cookie.name == "sessionid" for cookie in self.client.cookiejar):
            self._log_in()
            return
        page = self._get(LIST + PAGES[next(self.pages) % len(PAGES)], "list")
        if found := re.search(LIST + r"([0-9a-f-]{36})/", page):
            self._get(found[0], "message", {"message": found[1]})

    def _log_in(self) -> None:
        page = self._get("/accounts/login/", "login")
        if token := re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page):
            password = self.environment.parsed_options.password
            form = {"csrfmiddlewaretoken": token[1], "login": "operator", "password": password}
            self.client.post("/accounts/login/", data=form, name="login")

    def _get(self, path: str, name: str, context: Row | None = None) -> str:
        """A page, or nothing where the server did not give one."""
        with self.client.get(path, name=name, context=context or {}, catch_response=True) as response:
            failed = response.request_meta["exception"]
        return "" if failed else response.text or ""
