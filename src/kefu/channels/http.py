"""Calls of providers: guarded, and honest about whether a request that failed may have arrived."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from kefu.contracts.channel import RequestRefused, SendResult
from kefu.kit.errors import KefuError, TooLarge, Unavailable
from kefu.kit.settings import settings
from kefu.knowledge.guarded_http import AddressRefused, guarded_client, read_body

# Raised before a request has left us. Whatever else httpx raises may come after it arrived.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)


class NotSent(Unavailable):
    """The request did not leave us."""


class MaybeSent(Unavailable):
    """The connection broke after the request had left: it may have arrived."""


class ChannelFailure(KefuError):
    """A provider's refusal, with how sending ended."""

    code = "channel_failure"

    def __init__(self, result: SendResult, sentence: str, **fields: Any) -> None:
        super().__init__(sentence, **fields)
        self.result = result


class Caller:
    """An HTTP client that is opened when it is first used."""

    def __init__(self, *, allow_private: bool, timeout: float = 20.0) -> None:
        self._allow_private = allow_private
        self._timeout = timeout
        self._client: httpx.AsyncClient | None = None

    async def call(self, method: str, url: str, *, timeout: float | None = None, **content: Any) -> httpx.Response:  # noqa: ASYNC109 - httpx's own
        """Send one request; redirects are not followed. Raises NotSent, MaybeSent."""
        try:
            return await self._opened().request(
                method, url, timeout=timeout or self._timeout, follow_redirects=False, **content
            )
        except (*_NOT_SENT, AddressRefused) as error:
            raise NotSent(_reason(error, url)) from error
        except httpx.HTTPError as error:
            raise MaybeSent(_reason(error, url)) from error

    async def download(self, url: str, *, params: Mapping[str, str] | None = None) -> tuple[httpx.Headers, bytes]:
        """A file with its headers. Raises RequestRefused for one that is too large, Unavailable."""
        most = settings().attachment_megabytes * 2**20
        try:
            async with self._opened().stream("GET", url, params=params, timeout=self._timeout) as response:
                if response.status_code >= 400:
                    raise Unavailable(f"The file could not be fetched (status {response.status_code}).")
                return response.headers, await read_body(response, most)
        except TooLarge as error:
            raise RequestRefused("too_large", error.sentence) from error
        except AddressRefused as error:
            raise RequestRefused("unknown_sender", error.sentence) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(f"The file could not be fetched. {_reason(error, url)}") from error

    async def close(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = guarded_client(allow_private=self._allow_private, timeout=self._timeout)
        return self._client


def _reason(error: Exception, url: str) -> str:
    """What went wrong, with the address's host alone: its path and query may hold a token."""
    if isinstance(error, KefuError):
        return error.sentence
    return f"{urlsplit(url).netloc.rpartition('@')[2]} does not answer ({type(error).__name__})."
