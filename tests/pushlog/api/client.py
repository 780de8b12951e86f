"""A program that speaks to the API, in the tests."""

import json
from base64 import b64encode
from typing import Any

from django.test import Client

from pushlog import credentials
from pushlog.models import App

JSON, NDJSON = "application/json", "application/x-ndjson"


class Program:
    """A client with a credential of an app. Answers are (status, JSON)."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.credential, self.secret = credentials.create(app=app, name="a program")
        # As a browser would: the API needs no CSRF token, because it takes no cookie for a login.
        self.client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        # Notes the first use, so that later requests all cost the same.
        self.get("/api/v1/messages/019a9b3c-0000-7000-8000-000000000000")

    @property
    def authorization(self) -> str:
        return basic(self.credential.access_id, self.secret)

    def post(self, path: str, body: object, content_type: str = JSON, **headers: str) -> tuple[int, Any]:
        """Posts bytes as they are, or anything else as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Authorization": self.authorization} | {name.replace("_", "-"): text for name, text in headers.items()}
        response = self.client.generic("POST", f"/api/v1/{path}", data, content_type=content_type, headers=given)
        assert response.headers["Content-Type"] == JSON
        assert response.headers["Cache-Control"] == "no-store"
        return response.status_code, response.json()

    def get(self, path: str) -> tuple[int, Any]:
        response = self.client.get(path, headers={"Authorization": self.authorization})
        assert response.headers["Content-Type"] == JSON
        return response.status_code, response.json()


def basic(access_id: str, secret: str) -> str:
    """The header of HTTP Basic."""
    return "Basic " + b64encode(f"{access_id}:{secret}".encode()).decode()


def is_error(content: Any) -> bool:
    """Whether this is the one shape of all errors."""
    return (
        set(content) == {"code", "message", "errors"}
        and isinstance(content["code"], str)
        and bool(content["message"])
        and all(set(one) == {"index", "field", "error"} for one in content["errors"])
    )
