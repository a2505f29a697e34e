"""Sending a tool's request: addresses pinned and checked, time bounded, safe calls tried again. Asynchronous."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import httpx

from kefu.contracts.tool import ToolState
from kefu.desk.assistants.tools.answer import Answered, read_answer
from kefu.desk.assistants.tools.request import Outgoing
from kefu.desk.assistants.tools.spec import INTERNAL, SAFE_METHODS, ToolSpec
from kefu.kit.errors import BadInput, TooLarge
from kefu.kit.log import Log
from kefu.kit.settings import settings
from kefu.knowledge.guarded_http import AddressRefused, guarded_client, read_body

_MOST_BYTES = 1_000_000  # an order with its history has some thousand
_MOST_REDIRECTS = 3
_FIRST_PAUSE = 0.2  # seconds before a second try, doubled for each further one
_TRY_AGAIN = frozenset({429, 502, 503, 504})
# Systems within this process by name: each gives an ASGI application.
InternalSystems = Mapping[str, Callable[[], Any]]

_log = Log(__name__)


@dataclass(frozen=True)
class Sent:
    """What came back: the answer as read, and its body as text for people, secrets hidden."""

    answered: Answered
    body: str = ""
    tries: int = 1
    ms: float = 0.0


class Sender:
    """Sends requests of one event loop; made once a process, closed with it."""

    def __init__(self, internal: InternalSystems | None = None) -> None:
        self._internal = internal or {}
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def send(self, spec: ToolSpec, request: Outgoing) -> Sent:
        """Send a request, again where that is safe. Raises nothing: what goes wrong is in the answer."""
        begun = time.perf_counter()
        tries = 1 + (spec.retries if spec.is_repeatable else 0)
        for number in range(1, tries + 1):
            answered, body = await self._tried(spec, request)
            if answered.state is ToolState.DONE or number == tries or not _may_pass(answered):
                break
            await asyncio.sleep(_FIRST_PAUSE * 2 ** (number - 1))
        took = (time.perf_counter() - begun) * 1000
        _log.info("tool_called", tool=spec.name, status=answered.status, problem=answered.problem, ms=round(took, 1))
        return Sent(answered, request.hidden(body), number, round(took, 3))

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def _tried(self, spec: ToolSpec, request: Outgoing) -> tuple[Answered, str]:
        try:
            async with asyncio.timeout(spec.timeout_seconds):
                status, body = await self._exchanged(spec, request)
            return read_answer(spec, status, body), body.decode(errors="replace")
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError, BadInput) as error:
            return _failed(spec, error), ""

    async def _exchanged(self, spec: ToolSpec, request: Outgoing) -> tuple[int, bytes]:
        """Status and body, after redirects to allowed hosts. Raises what httpx raises, AddressRefused, TooLarge."""
        client, url = self._client(spec, request.url)
        headers = dict(request.headers)
        for _ in range(_MOST_REDIRECTS + 1):
            built = client.build_request(request.method, url, headers=headers, content=request.content)
            response = await client.send(built, stream=True, follow_redirects=False)
            try:
                if not response.has_redirect_location or request.method not in SAFE_METHODS:
                    return response.status_code, await read_body(response, _MOST_BYTES)
                target = built.url.join(response.headers["location"])
            finally:
                await response.aclose()
            if not _may_follow(spec, built.url, target):
                raise Redirected(f"{spec.name} was sent on to {target.host}, which is not among its hosts.")
            if _origin(target) != _origin(built.url):
                headers = {name: value for name, value in headers.items() if name.lower() == "accept"}
            url = str(target)
        raise Redirected(f"{spec.name} was sent on more than {_MOST_REDIRECTS} times.")

    def _client(self, spec: ToolSpec, url: str) -> tuple[httpx.AsyncClient, str]:
        if not spec.is_internal:
            if (urlsplit(url).hostname or "").lower() not in spec.hosts:
                raise AddressRefused(f"{spec.name} may not reach this host.")
            return self._kept("", lambda: guarded_client(allow_private=settings().allow_private_addresses)), url
        name, _, path = url.removeprefix(INTERNAL).partition("/")
        if name not in self._internal:
            raise AddressRefused(f"There is no internal system {name!r}.")
        made = self._internal[name]
        client = self._kept(name, lambda: httpx.AsyncClient(transport=httpx.ASGITransport(made())))
        return client, f"http://{name}.internal/{path}"

    def _kept(self, name: str, make: Callable[[], httpx.AsyncClient]) -> httpx.AsyncClient:
        client = self._clients.get(name)
        if client is None:
            client = self._clients[name] = make()
            # One client serves every workspace: cookies that a system sets must not reach another's call.
            client.cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))  # type: ignore[assignment]
        return client


class Redirected(BadInput):
    """A system sent the call on to where the tool may not go."""

    code = "redirected"


_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)


def _failed(spec: ToolSpec, error: Exception) -> Answered:
    """What an exchange that broke off means: whoever has not answered may still have done what was asked."""
    lost = ToolState.FAILED if spec.is_repeatable else ToolState.UNKNOWN
    if isinstance(error, _NOT_SENT):
        return Answered(ToolState.FAILED, {}, None, "not_reached")
    if isinstance(error, TooLarge):
        return Answered(lost, {}, None, "answer_too_large")
    if isinstance(error, BadInput):  # an address that is refused, at first or after a redirect of a safe call
        return Answered(ToolState.FAILED, {}, None, error.code)
    is_late = isinstance(error, TimeoutError | httpx.ReadTimeout | httpx.WriteTimeout)
    return Answered(lost, {}, None, "timeout" if is_late else "broken_off")


def _may_pass(answered: Answered) -> bool:
    """Whether a second try may fare better."""
    return answered.status in _TRY_AGAIN or answered.problem in {"timeout", "not_reached", "broken_off"}


def _may_follow(spec: ToolSpec, here: httpx.URL, there: httpx.URL) -> bool:
    if spec.is_internal or there.scheme not in {"http", "https"} or there.userinfo:
        return False
    is_downgrade = here.scheme == "https" and there.scheme == "http"
    return there.host.lower() in spec.hosts and not is_downgrade


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
