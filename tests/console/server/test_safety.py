import json
import logging
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory

from console.server import safety

SECURITY = {
    "Cache-Control",
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
}


def ask(path: str, content_type: str, application: safety.Application | None = None) -> tuple[str, dict[str, str], str]:
    """Status, headers and body, as the server gets them."""
    environ = RequestFactory().get(path, {"q": "hunter2"}).environ | {"CONTENT_TYPE": content_type}
    answered: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], error: Any = None) -> None:
        answered.update(status=status, headers=dict(headers))

    body = b"".join(safety.guarded(application or WSGIHandler())(environ, start_response))
    return answered["status"], answered["headers"], body.decode()


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain; charset=zip",
        "text/plain; charset=idna",
        "text/plain; charset=utf-16",
        "text/plain; charset=nothing",
        "text/plain; charset*=zip''x",
        "text/plain; charset*=idna''%ff",
        'text/plain; charset="\0"',
        "text/plain" + "; a=b" * 1000,
        "text/plain; charset=" + "x" * 20_000,
    ],
)
def test_content_type_that_django_cannot_read_is_a_400(content_type: str, caplog: pytest.LogCaptureFixture) -> None:
    status, headers, page = ask("/status-codes/", content_type)

    assert status == "400 Bad Request"
    assert headers.keys() >= SECURITY
    assert "<header" in page
    assert "hunter2" not in page
    assert json.loads(ask("/api/v1/messages", content_type)[2])["code"] == "bad_request"
    status, headers, answer = ask("/v3/statistics/get_push_record", content_type)
    assert (status, json.loads(answer)["retCode"]) == ("200 OK", 1008001)
    assert headers.keys() >= SECURITY
    assert caplog.text == ""


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", '"utf-8"', "us-ascii", "latin-1", "ISO-8859-1", "windows-1252"])
def test_charsets_of_texts_are_taken(charset: str, db: None) -> None:
    assert ask("/accounts/login/", f"text/plain; charset={charset}")[0] == "200 OK"


@pytest.mark.parametrize(("path", "sign"), [("/", "<header"), ("/api/v1/x", '"server_error"'), ("/v3/x", "1008004")])
def test_what_fails_before_django_is_a_500_without_its_text(
    path: str, sign: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(environ: Any, start_response: Any) -> list[bytes]:
        raise RuntimeError("personal")

    with caplog.at_level(logging.ERROR):
        status, headers, body = ask(path, "", fail)

    assert status == ("200 OK" if path == "/v3/x" else "500 Internal Server Error")
    assert headers.keys() >= SECURITY
    assert sign in body
    assert "personal" not in body
    assert [record.getMessage() for record in caplog.records] == ["A request failed outside of Django's handlers"]


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/messages", "/v3/nothing"])
def test_errors_of_programs_have_the_headers_of_pages(path: str, db: None) -> None:
    assert ask(path, "")[1].keys() >= SECURITY
