"""Sending a webhook's request: signed, to addresses that may be reached, not followed elsewhere, time bounded."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
from pydantic_core import to_json

from kefu.desk.actor import Actor
from kefu.desk.webhooks.queries import secret_of, webhook_row
from kefu.kit.errors import KefuError, TooLarge
from kefu.kit.ids import new_id
from kefu.kit.runtime import run
from kefu.kit.settings import settings
from kefu.kit.signatures import headers as signed_headers
from kefu.knowledge.guarded_http import guarded_client, read_body

_SECONDS = 15.0  # a system that works longer should store first and answer at once
_MOST_BYTES = 64 * 1024  # of an answer, which is not looked at


@dataclass(frozen=True)
class Answered:
    """How a request ended: `error` empty means that it was taken; `wait` are seconds that the other system asks for."""

    status: int | None
    error: str = ""
    wait: float | None = None
    ms: int = 0


class WebhookSender:
    """Sends requests of one event loop; made once a process, closed with it."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def send(self, *, url: str, secret: str, key: str, body: bytes) -> Answered:
        """Post one signed body. Raises nothing: what goes wrong is in the answer, without the address."""
        begun = time.perf_counter()
        timestamp = int(datetime.now(UTC).timestamp())
        headers = {"content-type": "application/json", **signed_headers(secret, key, timestamp, body)}
        try:
            async with asyncio.timeout(_SECONDS):
                answered = await self._exchanged(url, headers, body)
        except KefuError as error:
            answered = Answered(None, error.sentence)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            answered = Answered(None, f"no answer ({type(error).__name__})")
        return Answered(answered.status, answered.error, answered.wait, round((time.perf_counter() - begun) * 1000))

    async def close(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    async def _exchanged(self, url: str, headers: dict[str, str], body: bytes) -> Answered:
        if self._client is None:
            self._client = guarded_client(allow_private=settings().allow_private_addresses, timeout=_SECONDS)
        request = self._client.build_request("POST", url, content=body, headers=headers)
        response = await self._client.send(request, stream=True, follow_redirects=False)
        try:
            with contextlib.suppress(TooLarge):  # it was taken or not by its status, whatever else it says
                await read_body(response, _MOST_BYTES)
        finally:
            await response.aclose()
        if response.is_success:
            return Answered(response.status_code)
        wait = response.headers.get("retry-after", "")
        seconds = float(wait) if wait.isascii() and wait.isdecimal() and len(wait) < 6 else None
        return Answered(response.status_code, f"The other system answered with status {response.status_code}.", seconds)


def send_test_webhook(actor: Actor, *, webhook_id: str) -> Answered:
    """Send a signed `test` now; gives how it went. Raises NotFound, NotAllowed."""
    row = webhook_row(actor, webhook_id)
    body = {"event": "test", "id": new_id("evt"), "workspace": actor.workspace_id, "webhook": row.name}
    return run(_tested(row.url, secret_of(row), to_json(body)), timeout=_SECONDS * 2)


async def _tested(url: str, secret: str, body: bytes) -> Answered:
    sender = WebhookSender()
    try:
        return await sender.send(url=url, secret=secret, key=new_id("test"), body=body)
    finally:
        await sender.close()
