"""HTTP requests to addresses that other people chose, which must not reach our own network.

A host name is resolved once for each connection, every address that it has is checked, and the connection is made to
the address that was checked: a name server cannot answer differently the second time (DNS rebinding). Redirects open
their connections in the same way.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpcore
import httpx

from kefu.kit.errors import BadInput, TooLarge

USER_AGENT = "Kefu"
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]

# Public by its number, yet it is the host's own door in every Azure machine.
_CLOUD_HOSTS = frozenset({ipaddress.ip_address("168.63.129.16")})
# Addresses of IPv6 that stand for one of IPv4 in their last 32 bits.
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.IPv6Network("::/96")
# Carriers' networks (RFC 6598), where some clouds keep their metadata.
_CARRIER = ipaddress.IPv4Network("100.64.0.0/10")


class AddressRefused(BadInput):
    """The host is in a network that requests may not reach."""

    code = "address_refused"


def guarded_client(
    *,
    allow_private: bool = False,
    timeout: float = 10.0,
    max_redirects: int = 5,
    verify: ssl.SSLContext | None = None,
    resolve: Resolve | None = None,
) -> httpx.AsyncClient:
    """A client that refuses addresses within our own network with AddressRefused; close it after use.

    `allow_private` admits the loopback and private networks, for companies whose pages and systems are there; never
    link-local (cloud metadata), multicast and reserved addresses. `timeout` is in seconds for connecting and for each
    read. `verify` trusts other certificates, `resolve` finds a host's addresses another way.
    """
    transport = GuardedTransport(allow_private=allow_private, verify=verify, resolve=resolve)
    return httpx.AsyncClient(
        transport=transport,
        timeout=timeout,
        follow_redirects=True,
        max_redirects=max_redirects,
        headers={"User-Agent": USER_AGENT},
        trust_env=False,  # a proxy from the environment would connect in our place, unguarded
    )


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport over connections that are checked and pinned."""

    def __init__(
        self, *, allow_private: bool = False, verify: ssl.SSLContext | None = None, resolve: Resolve | None = None
    ) -> None:
        context = verify or httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=context, trust_env=False)
        # httpx has no parameter for the network below its pool, so the pool is replaced before it is used.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=20,
            max_keepalive_connections=10,
            keepalive_expiry=5.0,
            network_backend=_GuardedNetwork(allow_private, resolve or resolve_host),
        )


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    def __init__(self, allow_private: bool, resolve: Resolve) -> None:
        self._allow_private = allow_private
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's own parameter
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await asyncio.wait_for(self._resolve(host, port), timeout)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host} was not resolved in time") from error
        except OSError as error:
            raise httpcore.ConnectError(f"{host} has no address") from error
        check_addresses(host, addresses, allow_private=self._allow_private)
        last: Exception | None = None
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last or httpcore.ConnectError(f"{host} has no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise AddressRefused("Sockets of this machine may not be reached.")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


async def resolve_host(host: str, port: int) -> list[str]:
    """A host's addresses, in the system's order."""
    try:
        # Numbers in any spelling ("127.1", "0x7f000001", "2130706433") are no names to look up.
        return [socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))]
    except OSError:
        pass
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def check_addresses(host: str, addresses: Iterable[str], *, allow_private: bool) -> None:
    """Raise AddressRefused if any of a host's addresses may not be reached."""
    for text in addresses:
        if not is_allowed(ipaddress.ip_address(text.partition("%")[0]), allow_private=allow_private):
            raise AddressRefused(f"{host} is an address within a private network, which may not be reached.", host=host)


def is_allowed(address: Address, *, allow_private: bool) -> bool:
    """Whether an address is on the public internet, or in a private network that is allowed."""
    embedded = _embedded(address)
    if embedded is not None:
        return is_allowed(embedded, allow_private=allow_private)
    if address in _CLOUD_HOSTS or address.is_multicast or address.is_unspecified or address.is_link_local:
        return False
    if address.is_loopback or (isinstance(address, ipaddress.IPv4Address) and address in _CARRIER):
        return allow_private
    if address.is_reserved or (isinstance(address, ipaddress.IPv6Address) and address.is_site_local):
        return False
    return address.is_global or (allow_private and address.is_private)


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to (mapped, 6to4, Teredo, NAT64, compatible)."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address.teredo:
        return address.teredo[1]
    is_compatible = address in _COMPATIBLE and not address.is_loopback and not address.is_unspecified
    if is_compatible or any(address in network for network in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


async def read_body(response: httpx.Response, most_bytes: int) -> bytes:
    """The decoded body of a streamed response. Raises TooLarge as soon as it exceeds `most_bytes`."""
    declared = response.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most_bytes:
        raise TooLarge(f"The answer has {int(declared):,} bytes; the most is {most_bytes:,}.")
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > most_bytes:
            raise TooLarge(f"The answer has more than {most_bytes:,} bytes.")
    return bytes(body)
