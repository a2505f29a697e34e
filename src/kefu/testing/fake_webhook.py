"""Another company's system behind a webhook: it posts signed messages and takes signed replies, each once.

with FakeWebhook() as system:
    request = system.message("u1", "Hello", key="m1")      # a signed request, to be sent or handed to a channel
    ...
    assert system.replies == [...]                          # bodies, by webhook-id: a repeated id is taken once
"""

import base64
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from kefu.contracts.channel import Request
from kefu.testing.fakes import FakeServer, Handler, SeenRequest

SECRET = base64.b64encode(b"the secret of messages to Kefu!!").decode()
REPLY_SECRET = base64.b64encode(b"the secret of replies from Kefu!").decode()


class FakeWebhook(FakeServer):
    """`silent` breaks so many connections after taking a reply, so that Kefu cannot know that it arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: dict[str, Any] = {}
        self.forged = 0
        self.silent = 0

    @property
    def values(self) -> dict[str, str]:
        """The form of the channel that this system is connected to."""
        return {"url": f"{self.address}/replies", "secret": SECRET, "reply_secret": REPLY_SECRET}

    @property
    def replies(self) -> list[Any]:
        """What was taken, in order, tests of the connection left out."""
        return [body for body in self.taken.values() if body["type"] != "test"]

    def message(self, contact: str, text: str, *, key: str, at: float | None = None, **more: Any) -> Request:
        """A signed request, as this system posts it."""
        body = json.dumps({"contact": {"id": contact}, "text": text, **more}).encode()
        timestamp = str(int(at if at is not None else time.time()))
        headers = {
            "content-type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": timestamp,
            "webhook-signature": _signature(SECRET, key, timestamp, body),
        }
        return Request("POST", {}, headers, body)

    def presses(self, contact: str, number: int, *, key: str) -> Request:
        """A signed request: the customer pressed a quick reply of the reply that was taken last."""
        reply = [each for each in self.replies if each["contact"] == contact][-1]
        label, value = reply["quick_replies"][number], reply["quick_reply_values"][number]
        return self.message(contact, label, key=key, pressed=value)

    def answer(self, handler: Handler, request: SeenRequest) -> None:
        if not _is_genuine(REPLY_SECRET, request.headers, request.raw):
            self.forged += 1
            handler.send_json(401, {"error": "The signature does not fit."})
            return
        self.taken.setdefault(request.headers["webhook-id"], request.body)
        if self.silent:
            self.silent -= 1
            handler.close_connection = True
            return
        handler.send_json(200, {"status": "taken"})


def _signature(secret: str, key: str, timestamp: str, body: bytes) -> str:
    made = hmac.digest(base64.b64decode(secret), f"{key}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(made).decode()}"


def _is_genuine(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    expected = _signature(secret, headers.get("webhook-id", ""), headers.get("webhook-timestamp", ""), body)
    return hmac.compare_digest(expected, headers.get("webhook-signature", ""))
