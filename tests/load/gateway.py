"""A simulated push gateway: `python -m tests.load.gateway PORT HEADER SEED ORDER START OUT STOP`, a process of its own.

Sends batch after batch over one connection that is kept alive, and whatever gets no answer, or a 5xx, again with the
same rows, until the file STOP is there. Every answer goes to OUT as a line of JSON. Two gateways with one SEED and
different ORDERs send the same rows at the same time, each in an order of its own: some receipts before
their messages, some at the same moment as the other's messages.
"""

import gzip
import http.client
import json
import sys
import time
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from tests.load.rows import batch


class Connection:
    """A connection that is made anew when it breaks."""

    def __init__(self, port: int, authorization: str) -> None:
        self.port, self.headers = port, {"Authorization": authorization, "Content-Type": "application/json"}
        self.connection: http.client.HTTPConnection | None = None
        self.again = 0

    def post(self, path: str, content: dict[str, Any], *, packed: bool) -> dict[str, Any]:
        """The answer to the rows, however often they must be sent."""
        body = json.dumps(content).encode()
        headers = self.headers | ({"Content-Encoding": "gzip"} if packed else {})
        while True:
            try:
                self.connection = self.connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                self.connection.request("POST", f"/api/v1/{path}", gzip.compress(body) if packed else body, headers)
                response = self.connection.getresponse()
                answer = response.read()
            except (OSError, http.client.HTTPException):
                self.connection = None
            else:
                if response.status == 200:
                    return dict(json.loads(answer))
                assert response.status >= 500, (response.status, answer)
            self.again += 1
            time.sleep(0.1)


def main(port: str, authorization: str, seed: str, order: str, start: str, out: str, stop: str) -> None:
    """Sends until it is stopped, and tells in the last line how often something had to be sent again."""
    connection, random = Connection(int(port), authorization), Random(f"{seed} {order}")
    with Path(out).open("w") as answers:
        number = 0
        while not Path(stop).exists():
            messages, receipts = batch(int(seed), number, datetime.fromisoformat(start))
            by_pair = [
                {name: message[name] for name in ("target_id", "customer_message_id")} | receipt
                for message, of_message in zip(messages, receipts, strict=True)
                for receipt in of_message
            ]
            random.shuffle(by_pair)
            middle = random.randrange(len(by_pair))
            random.shuffle(messages)
            steps = [("messages", messages), ("receipts", by_pair[:middle]), ("receipts", by_pair[middle:])]
            random.shuffle(steps)
            for name, rows in steps:
                answer = connection.post(name, {name: rows}, packed=random.random() < 0.5)
                keys = [row["customer_message_id"] for row in rows] if name == "messages" else len(rows)
                answers.write(json.dumps({"batch": number, "sent": name, "rows": keys, "answer": answer}) + "\n")
                answers.flush()
            number += 1
        answers.write(json.dumps({"again": connection.again}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
