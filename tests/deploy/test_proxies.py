"""The proxy configurations, each in front of a server that notes what reaches it."""

import socket
import subprocess
import time
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.request import Request, urlopen

import pytest

pytestmark = pytest.mark.shell

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
BODY = b"x" * 10_000


class Backend(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, Message]] = []


class Handler(BaseHTTPRequestHandler):
    server: Backend

    def do_POST(self) -> None:
        # Noted before the body is read.
        self.server.asked.append((self.path, self.headers))
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(len(body)).encode())

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        pass


def nginx(port: int, behind: str, folder: Path) -> list[str]:
    lines = (DEPLOY / "nginx.conf").read_text().replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    site = "\n".join(line for line in lines.splitlines() if "ssl_certificate" not in line)
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # As Debian's nginx.conf: compression is on.
    frame = f"pid {folder}/pid; events {{}} http {{ access_log off; gzip on; {temporary}\n%s\n}}"
    (folder / "conf").write_text(frame % site.replace("127.0.0.1:8000", behind))
    return ["nginx", "-e", "stderr", "-c", str(folder / "conf"), "-g", "daemon off;"]


def haproxy(port: int, behind: str, folder: Path) -> list[str]:
    text = (DEPLOY / "haproxy.cfg").read_text().replace("127.0.0.1:8000", behind)
    (folder / "conf").write_text(text.replace(":443 ssl crt /etc/haproxy/pushlog.pem", f"127.0.0.1:{port}"))
    return ["haproxy", "-db", "-f", str(folder / "conf")]


def caddy(port: int, behind: str, folder: Path) -> list[str]:
    text = (DEPLOY / "Caddyfile").read_text().replace("127.0.0.1:8000", behind)
    text = text.replace("pushlog.example {", f"http://127.0.0.1:{port} {{").replace(
        "{\n\tservers", "{\n\tadmin off\n\tservers"
    )
    (folder / "conf").write_text(text)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "conf")]


@pytest.fixture
def backend() -> Iterator[Backend]:
    backend = Backend()
    Thread(target=backend.serve_forever, daemon=True).start()
    yield backend
    backend.shutdown()
    backend.server_close()


@pytest.fixture(params=[nginx, haproxy, caddy], ids=lambda proxy: str(proxy.__name__))
def port(request: pytest.FixtureRequest, backend: Backend, tmp_path: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    command = request.param(number, f"127.0.0.1:{backend.server_port}", tmp_path)
    home = {"PATH": "/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin", "HOME": str(tmp_path)}
    with (tmp_path / "log").open("wb") as log:
        proxy = subprocess.Popen(command, stdout=log, stderr=log, env=home)
    try:
        for _ in range(600):
            assert proxy.poll() is None, (tmp_path / "log").read_text()
            try:
                socket.create_connection(("127.0.0.1", number)).close()
                break
            except OSError:
                time.sleep(0.1)
        yield number
    finally:
        proxy.terminate()
        proxy.wait(30)


def test_stalled_body_waits_in_the_proxy_and_headers_are_its_own(port: int, backend: Backend) -> None:
    with socket.create_connection(("127.0.0.1", port)) as stalled:
        stalled.sendall(f"POST /stalled HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 100\r\n\r\nx".encode())
        forged = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}

        with urlopen(Request(f"http://127.0.0.1:{port}/whole", BODY, forged), timeout=60) as answer:
            assert answer.read() == b"10000"

        time.sleep(1)
        ((path, headers),) = backend.asked
        assert path == "/whole"
        assert headers.get_all("X-Forwarded-For") == ["127.0.0.1"]
        assert headers.get_all("X-Forwarded-Proto") == ["http"]


def test_proxy_leaves_compression_to_us(port: int) -> None:
    with urlopen(Request(f"http://127.0.0.1:{port}/page", headers={"Accept-Encoding": "gzip, br"})) as answer:
        assert answer.headers["Content-Encoding"] is None
        assert answer.read() == BODY
