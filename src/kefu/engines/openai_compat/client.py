"""Who we call: one server that speaks the OpenAI protocol, with its limits, its patience and its key."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import httpx

from kefu.engines.openai_compat.wire import ChatStream, failure, lines
from kefu.kit.errors import BadInput, KefuError, Unavailable
from kefu.kit.errors import Busy as BusyError

CONNECT_TIMEOUT = 5.0
# A restarting server or a load balancer's 502 is often gone after the first pause; the pauses double.
FIRST_PAUSE = 0.25
RETRIED = frozenset({500, 502, 503, 504})
# Errors that come before the server can have begun to answer.
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.RemoteProtocolError, httpx.WriteError, httpx.ReadError)


@dataclass(frozen=True)
class Server:
    """A server and how to treat it. `trust_env` obeys the machine's proxy settings; `keep_alive` reuses connections."""

    base_url: str
    api_key: str = field(default="", repr=False)
    timeout: float = 60.0
    max_concurrent: int = 16
    queue: int = 64
    retries: int = 2
    trust_env: bool = True
    keep_alive: bool = True

    def name(self) -> str:
        """Host and port: what may be shown and logged; an address may hold a password."""
        url = httpx.URL(self.base_url)
        return f"{url.host}:{url.port}" if url.port else url.host


@dataclass
class _Lane:
    """What belongs to one event loop: connections, and the places that requests wait for."""

    client: httpx.AsyncClient
    places: asyncio.Semaphore
    waiting: int = 0


class OpenAIClient:
    """Requests to one server, from any event loop."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._name = _checked_name(server)
        self._lanes: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lane] = WeakKeyDictionary()

    async def stream_chat(self, body: Mapping[str, Any]) -> AsyncGenerator[str, None]:
        """Pieces of text, as the server makes them. Closing the iterator hangs up.

        Raises Busy when the server or our own queue is full, Unavailable for everything else.
        """
        async with self._place() as client:
            for left in reversed(range(self._server.retries + 1)):
                begun = False
                try:
                    async with aclosing(self._attempt(client, body)) as pieces:
                        async for piece in pieces:
                            begun = True
                            yield piece
                    return
                except _TryAgain as error:
                    if begun or not left:
                        raise error.meaning from error.__cause__
                    pause = 0.0 if error.at_once else FIRST_PAUSE * 2 ** (self._server.retries - left)
                await asyncio.sleep(pause)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The decoded answer of a request that is safe to repeat. Raises Busy, Unavailable."""
        return self._decoded(await self._post(path, json=body))

    async def post_file(self, path: str, fields: Mapping[str, Any], name: str, data: bytes, media_type: str) -> Any:
        """The decoded answer to a form with one file. Raises Busy, Unavailable."""
        return self._decoded(await self._post(path, data=fields, files={"file": (name, data, media_type)}))

    async def post_for_bytes(self, path: str, body: Mapping[str, Any]) -> bytes:
        """An answer that is a file. Raises Busy, Unavailable."""
        return await self._post(path, json=body)

    async def _post(self, path: str, **content: Any) -> bytes:
        async with self._place() as client:
            for left in reversed(range(self._server.retries + 1)):
                try:
                    return await self._once(client, "POST", path, **content)
                except _TryAgain as error:
                    if not left:
                        raise error.meaning from error.__cause__
                    pause = 0.0 if error.at_once else FIRST_PAUSE * 2 ** (self._server.retries - left)
                await asyncio.sleep(pause)
        raise AssertionError("unreachable")  # the last round returns or raises

    async def models(self) -> list[Mapping[str, Any]]:
        """The models that the server lists; none where it has no list. Raises Unavailable."""
        async with self._place() as client:
            try:
                answer = self._decoded(await self._once(client, "GET", "models"))
            except _TryAgain as error:
                raise error.meaning from error.__cause__
            except Unavailable as error:
                if error.fields.get("status") in (404, 405, 501):
                    return []
                raise
        listed = answer.get("data") if isinstance(answer, dict) else None
        return [entry for entry in listed or [] if isinstance(entry, dict)]

    async def close(self) -> None:
        """Close all connections; those of other loops are closed there."""
        lanes = dict(self._lanes)
        self._lanes.clear()
        for loop, lane in lanes.items():
            if loop is asyncio.get_running_loop():
                await lane.client.aclose()
            elif loop.is_running():
                with suppress(RuntimeError):  # it may be ending
                    asyncio.run_coroutine_threadsafe(lane.client.aclose(), loop)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[httpx.AsyncClient]:
        lane = self._lane()
        if lane.places.locked() and lane.waiting >= self._server.queue:
            raise BusyError(f"Too many requests wait for the server at {self._name}.", retry_after=5, server=self._name)
        lane.waiting += 1
        try:
            await lane.places.acquire()
        finally:
            lane.waiting -= 1
        try:
            yield lane.client
        finally:
            lane.places.release()

    def _lane(self) -> _Lane:
        loop = asyncio.get_running_loop()
        lane = self._lanes.get(loop)
        if lane is None:
            lane = self._lanes[loop] = _Lane(self._connect(), asyncio.Semaphore(self._server.max_concurrent))
        return lane

    def _connect(self) -> httpx.AsyncClient:
        server = self._server
        return httpx.AsyncClient(
            base_url=server.base_url.rstrip("/") + "/",
            headers={"Authorization": f"Bearer {server.api_key}"} if server.api_key else {},
            timeout=httpx.Timeout(server.timeout, connect=CONNECT_TIMEOUT),
            limits=httpx.Limits(
                max_connections=server.max_concurrent,
                max_keepalive_connections=server.max_concurrent if server.keep_alive else 0,
            ),
            trust_env=server.trust_env,
        )

    async def _attempt(self, client: httpx.AsyncClient, body: Mapping[str, Any]) -> AsyncGenerator[str, None]:
        stream = ChatStream(self._name)
        try:
            async with client.stream("POST", "chat/completions", json=body) as response:
                await self._refuse_errors(response)
                if response.headers.get("Content-Type", "").startswith("application/json"):
                    if text := stream.whole(await response.aread()):
                        yield text
                    return
                async for line in lines(response.aiter_bytes()):
                    if text := stream.text(line):
                        yield text
        except httpx.HTTPError as error:
            raise self._meaning(error) from error
        if not stream.finished:
            raise _TryAgain(Unavailable(f"The server at {self._name} broke off in the middle.", server=self._name))

    async def _once(self, client: httpx.AsyncClient, method: str, path: str, **content: Any) -> bytes:
        try:
            async with client.stream(method, path, **content) as response:
                await self._refuse_errors(response)
                return await response.aread()
        except httpx.HTTPError as error:
            raise self._meaning(error) from error

    def _decoded(self, answer: bytes) -> Any:
        try:
            return json.loads(answer)
        except ValueError as error:
            raise Unavailable(f"The server at {self._name} sent an answer that is not JSON.") from error

    async def _refuse_errors(self, response: httpx.Response) -> None:
        if response.is_success:
            return
        meaning = failure(self._name, response, await response.aread())
        raise _TryAgain(meaning) if response.status_code in RETRIED else meaning

    def _meaning(self, error: httpx.HTTPError) -> Exception:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            sentence = f"The server at {self._name} cannot be reached."
        elif isinstance(error, httpx.TimeoutException):
            sentence = f"The server at {self._name} gave no sign of life for {self._server.timeout:g} seconds."
        else:
            sentence = f"The connection to the server at {self._name} broke ({type(error).__name__})."
        meaning = Unavailable(sentence, server=self._name)
        if not isinstance(error, UNSENT):
            return meaning
        # Servers close kept connections whenever they like (llama.cpp every fourth): that is no reason to wait.
        return _TryAgain(meaning, at_once=not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout))


class _TryAgain(Exception):
    """A failure that may be gone at the next try; `meaning` is what it is when it is not."""

    def __init__(self, meaning: KefuError, *, at_once: bool = False) -> None:
        super().__init__(meaning.sentence)
        self.meaning = meaning
        self.at_once = at_once


def _checked_name(server: Server) -> str:
    try:
        url = httpx.URL(server.base_url)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise BadInput(
            "Option 'base_url' must be an http(s) address such as http://localhost:8000/v1.", option="base_url"
        )
    return server.name()
