"""Calls of the Bot API: what we send, what its answers mean."""

from collections.abc import Mapping
from typing import Any

import httpx
from pydantic_core import from_json

from kefu.channels.http import Caller, ChannelFailure, MaybeSent, NotSent
from kefu.contracts.channel import File, NotKnown, RefusedForEver, TryLater
from kefu.kit.errors import NotFound

POLL_SECONDS = 25  # how long a fetch waits at Telegram for something new
_GRACE = 10.0  # seconds that an answer may take beyond that
_NOT_KNOWN = frozenset({401, 404})  # how Telegram answers a token that is no bot's


class TelegramClient:
    """One bot."""

    def __init__(self, api_url: str, token: str, *, allow_private: bool) -> None:
        self._url = f"{api_url}/bot{token}"
        self._files = f"{api_url}/file/bot{token}"
        self._caller = Caller(allow_private=allow_private)

    async def call(self, name: str, body: Mapping[str, Any] | None = None, *, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - httpx's own
        """Call a method with JSON; gives its result. Raises ChannelFailure with how that ends a sending."""
        return await self._called(name, timeout=timeout, json=dict(body or {}))

    async def upload(self, name: str, field: str, file: File, body: Mapping[str, str]) -> Any:
        """Call a method with a file. Raises ChannelFailure."""
        return await self._called(name, data=dict(body), files={field: (file.name, file.data, file.media_type)})

    async def updates(self, offset: int, kinds: list[str]) -> list[dict[str, Any]]:
        """What is new from `offset` on, after waiting for it. Raises ChannelFailure."""
        body = {"timeout": POLL_SECONDS, "offset": offset, "allowed_updates": kinds}
        found: list[dict[str, Any]] = await self.call("getUpdates", body, timeout=POLL_SECONDS + _GRACE)
        return found

    async def download(self, file_id: str) -> tuple[bytes, str]:
        """A file's bytes and name. Raises NotFound, RequestRefused, Unavailable."""
        try:
            found = await self.call("getFile", {"file_id": file_id})
        except ChannelFailure as error:
            if isinstance(error.result, RefusedForEver):
                raise NotFound(error.sentence) from error
            raise NotSent(error.sentence) from error
        path = str(found["file_path"])
        return (await self._caller.download(f"{self._files}/{path}"))[1], path.rpartition("/")[2]

    async def close(self) -> None:
        await self._caller.close()

    async def _called(self, name: str, **content: Any) -> Any:
        try:
            response = await self._caller.call("POST", f"{self._url}/{name}", **content)
        except NotSent as error:
            raise ChannelFailure(TryLater(error.sentence), error.sentence) from error
        except MaybeSent as error:
            raise ChannelFailure(NotKnown(error.sentence), error.sentence) from error
        return _result(response)


def _result(response: httpx.Response) -> Any:
    try:
        answer = from_json(response.content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        # A proxy's page: what lies behind it may have done what was asked.
        reason = f"Telegram's server answered with status {response.status_code}."
        raise ChannelFailure(NotKnown(reason), reason)
    if answer.get("ok"):
        return answer.get("result")
    code = int(answer.get("error_code", response.status_code))
    reason = f"Telegram: {answer.get('description', 'refused')} ({code})"
    if code in _NOT_KNOWN:
        reason += ". Copy the bot's token again from @BotFather."
    if code == 429:
        wait = float((answer.get("parameters") or {}).get("retry_after", 5))
        raise ChannelFailure(TryLater(reason, wait), reason)
    # A member mends the token; 409: two of us fetch. 5xx: it says itself that it failed.
    later = code in {*_NOT_KNOWN, 409} or code >= 500
    raise ChannelFailure(TryLater(reason) if later else RefusedForEver(reason), reason, status_code=code)
