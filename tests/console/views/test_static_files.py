import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.test import Client
from django.utils.http import parse_header_parameters

YEAR = {"max-age=31536000", "public", "immutable"}


@pytest.mark.parametrize(
    "name",
    [
        "console/console.css",
        "vendor/htmx/htmx.min.js",
        "admin/css/base.css",
        "mfa/js/webauthn.js",
        "ninja/swagger-ui.css",
    ],
)
@pytest.mark.parametrize("encoding", ["br", "gzip", "identity"])
def test_files_are_kept_for_a_year_and_compressed(client: Client, name: str, encoding: str) -> None:
    address = staticfiles_storage.url(name)

    answer = client.get(address, headers={"Accept-Encoding": encoding})
    answer.getvalue()

    assert address != f"/static/{name}"
    assert answer.status_code == 200
    assert {one.strip() for one in answer.headers["Cache-Control"].split(",")} == YEAR
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers.get("Content-Encoding", "identity") == encoding
    assert parse_header_parameters(answer.headers["Content-Type"])[0] in {"text/css", "text/javascript"}


@pytest.mark.parametrize("name", ["console/console.css", "console/console.0123456789ab.css"])
def test_name_of_another_version_leads_to_this_one(client: Client, db: None, name: str) -> None:
    answer = client.get(f"/static/{name}")

    assert answer.status_code == 302
    assert answer.headers["Location"] == staticfiles_storage.url("console/console.css")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "name", ["console/nothing.css", "nothing.0123456789ab.css", "../manage.py", "staticfiles.json/"]
)
def test_other_names_are_unknown(client: Client, db: None, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404
