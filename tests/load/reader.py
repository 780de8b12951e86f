"""A person who browses while the gateways write: a thread with a browser's cookies."""

import re
import threading
from http.client import HTTPException
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

PAGES = ["", "?sort=title", "?sort=-target_id", "?outcome=failed", "?push_type=android", "?sort=created_at"]


class Reader(threading.Thread):
    """Reads pages of the app `shop` in a circle until it is told to stop; `statuses` is what was answered."""

    def __init__(self, port: int, password: str) -> None:
        super().__init__(daemon=True)
        self.address, self.password = f"http://127.0.0.1:{port}", password
        self.ending, self.statuses = threading.Event(), list[int]()
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def run(self) -> None:
        """Logs in and reads."""
        number = 0
        logged_in = False
        while not self.ending.is_set():
            try:
                if not logged_in:
                    self._log_in()
                    logged_in = True
                page = self._open(f"/apps/shop/messages/{PAGES[number % len(PAGES)]}")
                if found := re.search(r"/apps/shop/messages/[0-9a-f-]{36}/", page):
                    self._open(found[0])
            except HTTPError as error:
                self.statuses.append(error.code)
            except (OSError, HTTPException):  # the server was killed, perhaps in the middle of a page
                self.statuses.append(0)
                self.ending.wait(0.1)
            number += 1

    def stop(self) -> list[int]:
        """Ends the reading; gives all statuses, 0 where there was no answer."""
        self.ending.set()
        self.join()
        return self.statuses

    def _log_in(self) -> None:
        page = self._open("/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token
        form = {"csrfmiddlewaretoken": token[1], "login": "operator", "password": self.password}
        self._open("/accounts/login/", urlencode(form).encode())

    def _open(self, path: str, data: bytes | None = None) -> str:
        with self.opener.open(self.address + path, data, timeout=60) as answer:
            self.statuses.append(answer.status)
            return str(answer.read().decode())
