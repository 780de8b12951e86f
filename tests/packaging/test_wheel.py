"""The package as a user gets it: built, installed beside the locked dependencies, and served in an empty folder."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener
from zipfile import ZipFile

import pytest

from pushlog import __version__

ROOT = Path(__file__).resolve().parents[2]
STATIC = "console/staticfiles/"
pytestmark = pytest.mark.wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    # Without isolation: the build backend is the locked one.
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), "."]
    subprocess.run([sys.executable, "-m", "pip", *build], cwd=ROOT, check=True)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of a new environment, with the wheel in it."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--require-hashes", "-r", str(ROOT / "requirements.txt")], check=True)
    subprocess.run([*pip, "install", "--quiet", str(wheel)], check=True)
    # The wheel asks for no more than what is locked.
    subprocess.run([*pip, "check"], check=True)
    return environment / "bin"


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def test_wheel_holds_every_file_of_the_program_and_no_other(wheel: Path) -> None:
    listed = ["git", "ls-files", "-z", "console", "pushlog", "templates"]
    tracked = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")[:-1]
    with ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        manifest = json.loads(archive.read(f"{STATIC}staticfiles.json"))["paths"]
    static = {name.removeprefix(STATIC) for name in packed if name.startswith(STATIC)}

    assert {name for name in packed if not name.startswith(STATIC)} == {
        re.sub("^templates/", "console/templates/", name) for name in tracked
    }
    # Each under its hashed name alone, and compressed.
    assert {name for name in static if not name.endswith((".br", ".gz"))} == {*manifest.values(), "staticfiles.json"}
    assert {
        name for name in manifest.values() if name.endswith((".css", ".js")) and f"{name}.br" not in static
    } == set()
    assert manifest.keys() >= {
        "console/console.css",
        "admin/css/base.css",
        "mfa/js/webauthn.js",
        "ninja/swagger-ui.css",
    }
    assert wheel.name == f"pushlog-{__version__}-py3-none-any.whl"


def test_wheel_has_the_licences_of_all_that_is_in_it(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        found = {name.partition("/licenses/")[2] for name in archive.namelist() if "/licenses/" in name}

    assert found == {"LICENSE", "static/vendor/htmx/LICENSE", "static/vendor/tabler/LICENSE"}


def test_installed_pushlog_serves_the_demo_in_an_empty_folder(programs: Path, port: int, tmp_path: Path) -> None:
    log = tmp_path / "log"
    folder = tmp_path / "empty"
    folder.mkdir()
    with log.open("w") as output:
        server = subprocess.Popen(
            [str(programs / "pushlog"), "serve", "--demo", "200", "--port", str(port)],
            cwd=folder,
            env={"PATH": os.environ["PATH"]},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        browser = build_opener(HTTPCookieProcessor(CookieJar()))
        login = _first_answer(browser, f"http://127.0.0.1:{port}", server, log)
        pages = [login, *_pages_of_the_operator(browser, f"http://127.0.0.1:{port}", login, log.read_text())]
        files = {path for page in pages for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page)}
        for path in files:
            with browser.open(f"http://127.0.0.1:{port}{path}") as answer:
                assert answer.read()
                assert "immutable" in answer.headers["Cache-Control"]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)

    assert {path.rsplit(".", 1)[1] for path in files} == {"css", "js", "svg"}
    assert server.returncode == 0, log.read_text()
    assert "Traceback" not in log.read_text()
    assert [entry.name for entry in folder.iterdir()] == ["var"]


def _get(browser: OpenerDirector, address: str, form: dict[str, str] | None = None) -> str:
    """The text of a page. Raises HTTPError unless the status is 200."""
    with browser.open(address, urlencode(form).encode() if form else None) as answer:
        assert answer.status == 200
        return str(answer.read().decode())


def _first_answer(browser: OpenerDirector, site: str, server: subprocess.Popen[bytes], log: Path) -> str:
    """The login page, once /healthz answers 200."""
    for _ in range(3_000):  # five minutes, on a busy machine
        assert server.poll() is None, log.read_text()
        try:
            _get(browser, f"{site}/healthz")
        except OSError:
            time.sleep(0.1)
        else:
            return _get(browser, f"{site}/accounts/login/")
    raise AssertionError(log.read_text())


def _pages_of_the_operator(browser: OpenerDirector, site: str, login: str, printed: str) -> list[str]:
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', login)
    [password] = re.findall(r"^  operator +(\S+)", printed, re.MULTILINE)
    apps = _get(
        browser,
        f"{site}/accounts/login/",
        {"csrfmiddlewaretoken": token, "login": "operator", "password": password},
    )
    assert "Log out" in apps
    paths = ("/apps/shop/messages/", "/apps/shop/tasks/", "/status-codes/")
    return [apps, *[_get(browser, site + path) for path in paths]]
