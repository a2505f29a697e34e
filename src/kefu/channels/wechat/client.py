"""Calls of WeChat's API: the access token, customer-service messages, media."""

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json, to_json

from kefu.channels.http import Caller, ChannelFailure, MaybeSent, NotSent
from kefu.contracts.channel import File, Memory, NotKnown, QuotaUsedUp, RefusedForEver, SendResult, TryLater
from kefu.kit.errors import NotFound

_TOKEN = "access_token"  # noqa: S105 - what it is remembered as
_EARLY = 300.0  # seconds that a token is renewed before its end, as long as WeChat keeps the one before valid
_TOKEN_WRONG = frozenset({40001, 40014, 42001})
_NO_MEDIA = frozenset({40007, 40004, 41006})
NOT_AUTHORISED = 48001
# What an error code says about a message that is sent; every other code says that it never will be taken as it is.
_TOO_LATE = 45015
_USED_UP = 45047
_LATER = {-1: 5.0, 45009: 60.0, 45011: 60.0, 50002: 3600.0}
_WRONG_SETUP = frozenset({40001, 40014, 42001, 40013, 40125, 40164, 61004, NOT_AUTHORISED})


class WeChatClient:
    """One Official Account."""

    def __init__(self, api_url: str, app_id: str, secret: str, memory: Memory, *, allow_private: bool) -> None:
        self._url = api_url
        self._app_id = app_id
        self._secret = secret
        self._memory = memory
        self._caller = Caller(allow_private=allow_private)
        self._renewing = asyncio.Lock()

    async def send(self, message: Mapping[str, Any]) -> Any:
        """Send a customer-service message. Raises ChannelFailure with how that ends a sending."""
        # WeChat shows escapes as they are: JSON goes as UTF-8.
        return await self._called("POST", "/cgi-bin/message/custom/send", content=to_json(message))

    async def show_typing(self, to: str) -> None:
        """Show a customer who wrote within 30 seconds that somebody writes. Raises ChannelFailure."""
        await self._called(
            "POST", "/cgi-bin/message/custom/typing", content=to_json({"touser": to, "command": "Typing"})
        )

    async def upload(self, file: File, kind: str) -> str:
        """Keep a file at WeChat for three days; gives its media id. Raises ChannelFailure."""
        content = {"files": {"media": (file.name, file.data, file.media_type)}}
        kept = await self._called("POST", "/cgi-bin/media/upload", params={"type": kind}, **content)
        return str(kept["media_id"])

    async def download(self, media_id: str) -> bytes:
        """A file's bytes. Raises NotFound for one that WeChat has thrown away, RequestRefused, ChannelFailure."""
        for fresh in (False, True):
            token = await self.token(fresh=fresh)
            params = {"access_token": token, "media_id": media_id}
            headers, data = await self._caller.download(f"{self._url}/cgi-bin/media/get", params=params)
            if "json" not in headers.get("content-type", "") and not data.startswith(b'{"errcode"'):
                return data
            code = int((_json(data) or {}).get("errcode", -1))
            if code in _NO_MEDIA:
                raise NotFound("WeChat keeps this file no longer.")
            if code not in _TOKEN_WRONG:
                break
        raise NotSent(f"WeChat did not give the file ({code}).")

    async def token(self, *, fresh: bool = False, wrong: str = "") -> str:
        """The access token, shared by all processes. `fresh`: what is known (`wrong`) is refused; get another."""
        async with self._renewing:
            known = await self._memory.recall(_TOKEN)
            if known and not (fresh and known == (wrong or known)):
                return known
            # The stable token is the same for all who ask, and asking does not end the one before.
            body = {
                "grant_type": "client_credential",
                "appid": self._app_id,
                "secret": self._secret,
                "force_refresh": fresh,
            }
            given = await self._answered("POST", "/cgi-bin/stable_token", content=to_json(body))
            token = str(given["access_token"])
            seconds = max(float(given["expires_in"]) - _EARLY, 60.0)
            await self._memory.remember(_TOKEN, token, seconds=seconds)
            return token

    async def close(self) -> None:
        await self._caller.close()

    async def _called(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, **content: Any
    ) -> dict[str, Any]:
        """Call with the token; once more with a new one where it is refused, since nothing was done then."""
        try:
            token = await self.token()
        except ChannelFailure as error:
            raise _nothing_sent(error) from error
        try:
            return await self._answered(method, path, params={**(params or {}), "access_token": token}, **content)
        except ChannelFailure as error:
            if error.fields.get("errcode") not in _TOKEN_WRONG:
                raise
        try:
            token = await self.token(fresh=True, wrong=token)
        except ChannelFailure as error:
            raise _nothing_sent(error) from error
        return await self._answered(method, path, params={**(params or {}), "access_token": token}, **content)

    async def _answered(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        try:
            response = await self._caller.call(method, f"{self._url}{path}", **content)
        except NotSent as error:
            raise ChannelFailure(TryLater(error.sentence), error.sentence) from error
        except MaybeSent as error:
            raise ChannelFailure(NotKnown(error.sentence), error.sentence) from error
        answer = _json(response.content)
        if answer is None:
            reason = f"WeChat's server answered with status {response.status_code}."
            raise ChannelFailure(NotKnown(reason), reason)
        code = int(answer.get("errcode", 0))
        if code:
            reason = f"WeChat: {answer.get('errmsg', 'refused')} ({code})"
            raise ChannelFailure(_meaning(code, reason), reason, errcode=code)
        return answer


def _meaning(code: int, reason: str) -> SendResult:
    if code == _TOO_LATE:
        return QuotaUsedUp(f"The customer wrote more than 48 hours ago ({code}).")
    if code == _USED_UP:
        return QuotaUsedUp(f"The 5 messages after the customer's are used up ({code}).")
    if code in _LATER:
        return TryLater(reason, _LATER[code])
    if code in _WRONG_SETUP:
        return TryLater(reason)  # a member mends it, and what waited goes
    return RefusedForEver(reason)


def _nothing_sent(error: ChannelFailure) -> ChannelFailure:
    """Without a token nothing was sent, however asking for it ended."""
    result = error.result if isinstance(error.result, TryLater) else TryLater(error.sentence)
    return ChannelFailure(result, error.sentence, **error.fields)


def _json(data: bytes) -> dict[str, Any] | None:
    try:
        answer = from_json(data)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None
