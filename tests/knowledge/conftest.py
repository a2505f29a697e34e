"""A web site on this machine, for what reads pages."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

OpenSite = Callable[..., Awaitable["Site"]]


@dataclass
class Site:
    """Answers by path with what was `put` there; `asked` has the path and headers of each request."""

    port: int = 0
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    most_at_once: int = 0
    _answers: dict[str, bytes] = field(default_factory=dict)
    _held: set[str] = field(default_factory=set)
    _at_once: int = 0
    _closing: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked if path != "/robots.txt"]

    def put(
        self, path: str, body: bytes | str = b"", status: str = "200 OK", *, hold: bool = False, **headers: str
    ) -> None:
        """Header names have underscores for hyphens. `hold` keeps the connection open behind what was sent."""
        content = body.encode() if isinstance(body, str) else body
        fields = {"content_type": "text/html", "content_length": str(len(content)), "connection": "close", **headers}
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items() if value)
        self._answers[path] = f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + content
        if hold:
            self._held.add(path)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            path = head[0].split(" ")[1]
            parts = (line.partition(": ") for line in head[1:])
            self.asked.append((path, {name.lower(): value for name, _, value in parts if name}))
            writer.write(
                self._answers.get(path, b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            )
            await writer.drain()
            if path in self._held:
                await self._closing.wait()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._at_once -= 1
            writer.close()

    def close(self) -> None:
        self._closing.set()


@pytest.fixture
async def open_site() -> AsyncIterator[OpenSite]:
    async with AsyncExitStack() as stack:

        async def start(context: ssl.SSLContext | None = None) -> Site:
            site = Site()
            server = await asyncio.start_server(site.serve, "127.0.0.1", 0, ssl=context)
            stack.push_async_callback(server.wait_closed)
            stack.callback(server.close)
            stack.callback(site.close)
            site.port = server.sockets[0].getsockname()[1]
            return site

        yield start


@pytest.fixture
async def site(open_site: OpenSite) -> Site:
    return await open_site()
