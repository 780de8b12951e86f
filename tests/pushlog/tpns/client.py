"""A program written for TPNS, in the tests."""

import base64
import hashlib
import hmac
import json
from typing import Any

from django.test import Client

from pushlog import credentials
from pushlog.models import App
from tests.pushlog.api.client import basic

PATH = "/v3/statistics/get_push_record"


class Program:
    """Calls with a credential of an app, and knows what every answer has in common."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.credential, self.secret = credentials.create(app=app, name="a report")
        self.client = Client(enforce_csrf_checks=True, raise_request_exception=False)

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": basic(self.credential.access_id, self.secret)}

    def ask(self, **question: Any) -> dict[str, Any]:
        """The answer to a question, by HTTP Basic."""
        return self.send(json.dumps(question).encode())

    def code(self, **question: Any) -> int:
        """The code of the answer alone."""
        return int(self.ask(**question)["retCode"])

    def send(
        self,
        body: bytes,
        headers: dict[str, str] | None = None,
        *,
        method: str = "POST",
        path: str = PATH,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """The answer to these bytes with these headers (HTTP Basic if there are none)."""
        given = self.authorization if headers is None else headers
        # The test client would take “//v3” for a host.
        url = f"http://testserver{path}"
        self.response = self.client.generic(method, url, body, content_type=content_type, headers=given)
        return self._checked()

    def _checked(self) -> dict[str, Any]:
        response = self.response
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Cache-Control"] == "no-store"
        assert not response.cookies
        content: dict[str, Any] = json.loads(response.content)
        assert type(content["retCode"]) is int
        assert (content["retCode"] == 0) == (content["errMsg"] == "NO_ERROR")
        return content


def signed(body: bytes, *, access_id: str, secret: str, timestamp: str) -> dict[str, str]:
    """The headers of a signed request."""
    digest = hmac.new(secret.encode(), f"{timestamp}{access_id}".encode() + body, hashlib.sha256).hexdigest()
    return {"AccessId": access_id, "TimeStamp": timestamp, "Sign": base64.b64encode(digest.encode()).decode()}
