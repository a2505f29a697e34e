"""What leaves us: one signed request, to an address that may be reached, followed nowhere."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from standardwebhooks import Webhook as Reference

from kefu.desk.webhooks.sending import Answered, WebhookSender
from kefu.kit import settings
from kefu.kit.runtime import run
from kefu.kit.signatures import new_secret


class _System(BaseHTTPRequestHandler):
    """The other system: answers as the path says, and keeps what it was sent."""

    taken: list[tuple[dict[str, str], bytes]] = []  # noqa: RUF012 - one for the test's server, emptied by the fixture

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(int(self.path.strip("/")))
        self.send_header("Location", "/200")
        self.send_header("Retry-After", "7")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *given: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def system() -> Iterator[str]:
    _System.taken.clear()
    server = HTTPServer(("127.0.0.1", 0), _System)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def private_allowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("KEFU_ALLOW_PRIVATE_ADDRESSES", "true")
    settings.reload()
    yield
    monkeypatch.delenv("KEFU_ALLOW_PRIVATE_ADDRESSES")
    settings.reload()


async def _sent(url: str, secret: str, body: bytes) -> Answered:
    sender = WebhookSender()
    try:
        return await sender.send(url=url, secret=secret, key="whd_1", body=body)
    finally:
        await sender.close()


@pytest.mark.usefixtures("private_allowed")
def test_a_request_is_signed_and_taken(system: str) -> None:
    secret, body = new_secret(), json.dumps({"event": "test", "text": "满意"}).encode()
    answered = run(_sent(f"{system}/204", secret, body))
    assert (answered.status, answered.error) == (204, "")
    [(headers, taken)] = _System.taken
    assert headers["webhook-id"] == "whd_1"
    assert Reference(secret).verify(taken.decode(), headers)["text"] == "满意"


@pytest.mark.usefixtures("private_allowed")
def test_failures_say_why_and_when_to_come_again_and_nothing_is_followed(system: str) -> None:
    busy = run(_sent(f"{system}/503", new_secret(), b"{}"))
    assert (busy.status, busy.wait) == (503, 7.0)
    assert "503" in busy.error
    moved = run(_sent(f"{system}/302", new_secret(), b"{}"))
    assert moved.status == 302
    assert moved.error
    assert len(_System.taken) == 2


def test_private_addresses_are_refused(system: str) -> None:
    answered = run(_sent(f"{system}/200", new_secret(), b"{}"))
    assert answered.status is None
    assert "private network" in answered.error
    assert _System.taken == []
