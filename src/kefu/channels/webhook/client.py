"""Signatures of Standard Webhooks (https://www.standardwebhooks.com), and the calls of the other system."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

from kefu.channels.http import Caller, MaybeSent, NotSent
from kefu.contracts.channel import NotKnown, RefusedForEver, RequestRefused, SendResult, Sent, TryLater
from kefu.kit.signatures import headers as signed_headers
from kefu.kit.signatures import signature

TOLERANCE = 300.0  # seconds that clocks may differ, as the specification's own libraries allow
_SEEN = "webhook-id", "webhook-timestamp", "webhook-signature"
# The content is not what the other system takes, or it wants no more (410): the same again changes nothing.
_FOR_EVER = frozenset({400, 410, 413, 415, 422})


def verify(secret: str, headers: Mapping[str, str], body: bytes, at: datetime) -> str:
    """The message's id, once its signature and time were checked.

    Raises RequestRefused: `signature` for a wrong or missing one, `replay` for a time too far from now.
    """
    key, timestamp, given = (headers.get(name, "") for name in _SEEN)
    if not key or len(key) > 200 or not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 12:
        raise RequestRefused("signature", "The request lacks webhook-id, webhook-timestamp or webhook-signature.")
    expected = signature(secret, key, int(timestamp), body)
    if not any(hmac.compare_digest(each.encode(), expected.encode()) for each in given.split()):
        raise RequestRefused("signature", "The signature does not fit.")
    if abs(at.timestamp() - int(timestamp)) > TOLERANCE:
        raise RequestRefused("replay", f"The message was signed more than {TOLERANCE:.0f} s from now.")
    return key


class WebhookClient:
    """Calls the other system."""

    def __init__(self, url: str, secret: str, *, allow_private: bool) -> None:
        self._url = url
        self._secret = secret
        self._caller = Caller(allow_private=allow_private)

    async def post(self, key: str, message: Mapping[str, Any]) -> SendResult:
        """Send one signed message; `key` is the same however often it is tried."""
        body = to_json(message)
        timestamp = int(datetime.now(UTC).timestamp())
        headers = {"content-type": "application/json", **signed_headers(self._secret, key, timestamp, body)}
        try:
            response = await self._caller.call("POST", self._url, content=body, headers=headers)
        except NotSent as error:
            return TryLater(error.sentence)
        except MaybeSent as error:
            return NotKnown(error.sentence)
        if response.is_success:
            return Sent(key)
        reason = f"The other system answered with status {response.status_code}."
        if response.status_code in _FOR_EVER:
            return RefusedForEver(reason)
        wait = response.headers.get("retry-after", "")
        return TryLater(reason, float(wait) if wait.isascii() and wait.isdecimal() else None)

    async def fetch(self, url: str) -> bytes:
        """A file that a message named by its address. Raises RequestRefused, Unavailable."""
        return (await self._caller.download(url))[1]

    async def close(self) -> None:
        await self._caller.close()
