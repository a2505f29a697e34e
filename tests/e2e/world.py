"""What browser tests stand on: a real server process, a member at the desk, a company's site, and axe."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
_START_SECONDS = 180  # the encoders load on a busy machine
APPEARS_SECONDS = 45  # what has not come by then never will, however slow the machine


class Server:
    """`kefu up` as a process that can be killed and started again on the same address and rows."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.address = f"http://127.0.0.1:{port}"
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = (self.home / "server.log").open("ab")
        command = [sys.executable, "-m", "kefu.cli", "up", "--port", str(self._port)]
        self._process = subprocess.Popen(command, env=environment(self.home), stdout=log, stderr=log)
        self._wait()

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)

    def _wait(self) -> None:
        with httpx.Client(transport=httpx.HTTPTransport(retries=0)) as client:
            for _ in range(_START_SECONDS * 10):
                assert self._process is not None
                assert self._process.poll() is None, (self.home / "server.log").read_text()[-3000:]
                try:
                    if client.get(f"{self.address}/readyz").status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    pass
                threading.Event().wait(0.1)
        raise AssertionError("The server did not become ready: " + (self.home / "server.log").read_text()[-3000:])


@dataclass(frozen=True)
class Shop:
    """A channel with a little knowledge behind it, and its owner."""

    server: Server
    channel: str
    email: str
    password: str

    @property
    def chat(self) -> str:
        return f"{self.server.address}/chat/{self.channel}"


class Member:
    """A member at the desk, over its API."""

    def __init__(self, shop: Shop, password: str) -> None:
        self._client = httpx.Client(base_url=f"{shop.server.address}/desk/api", timeout=90)
        self._csrf = self._client.get("/session").json()["csrf"]
        self._csrf = self.post("/session", email=shop.email, password=password)["csrf"]

    def post(self, path: str, **body: Any) -> Any:
        return self._call("POST", path, body)

    def patch(self, path: str, **body: Any) -> Any:
        return self._call("PATCH", path, body)

    def put(self, path: str, **body: Any) -> Any:
        return self._call("PUT", path, body)

    def delete(self, path: str) -> Any:
        return self._call("DELETE", path, {})

    def get(self, path: str) -> Any:
        return self._client.get(path).raise_for_status().json()

    def sees_online(self, name: str) -> bool:
        """Whether the socket of somebody's console stands: what happens from now on is told to it."""
        return name in {each["name"] for each in self.get("/insights/live")["online"] or ()}

    def close(self) -> None:
        self._client.close()

    def _call(self, method: str, path: str, body: dict[str, Any]) -> Any:
        answer = self._client.request(method, path, json=body, headers={"X-CSRFToken": self._csrf})
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


@dataclass
class Site:
    """A company's own web site, on an origin of its own: pages by path, with headers."""

    origin: str
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def page(self, path: str, html: str, **headers: str) -> str:
        self.pages[path] = (html, headers)
        return self.origin + path


@contextmanager
def serve() -> Iterator[Site]:
    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            html, headers = made.pages.get(self.path, ("", {}))
            self.send_response(200 if html else 204)
            for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *args: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    made = Site(f"http://localhost:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    thread.join()


def eventually(page: Page, expression: str) -> None:
    """Once `expression` is true in the page.

    Not `wait_for_function`: that evaluates its text inside the page, which the console's content security policy
    refuses from the second look on.
    """
    until(page, lambda: bool(page.evaluate(expression)), expression)


def until(page: Page, look: Callable[[], bool], what: str = "what was waited for") -> None:
    """Look again every tenth of a second until it is true, while the page goes on."""
    end = time.monotonic() + APPEARS_SECONDS
    while not look():
        assert time.monotonic() < end, f"Never true: {what}"
        page.wait_for_timeout(100)


def environment(home: Path) -> dict[str, str]:
    given = {"KEFU_HOME": str(home), "OMP_NUM_THREADS": "1", "KEFU_LOG_LEVEL": "warning"}
    # All members of all tests log in from one address, and more of them within five minutes than one office has.
    return {**os.environ, **given, "KEFU_LOG_INS_PER_ADDRESS": "1000"}


def axe_violations(page: Page) -> list[str]:
    """What axe-core finds wrong on the page and in its frames, one line each."""
    assert AXE.exists(), "axe-core is not installed. Install it with: make web"
    source = AXE.read_text()
    for frame in page.frames:
        frame.evaluate(source)  # by the debugger's door, which a page's policy does not close
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
