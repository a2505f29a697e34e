"""For a test suite's conftest.py: `pytest_plugins = ["kefu.testing.pytest_plugin"]`.

- Connections to anywhere but this machine are impossible, unless a test is marked `@pytest.mark.network`.
- Fixtures: `kefu_home` (an empty state folder), `openai_server`, `hub`.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kefu.kit import settings
from kefu.testing.fakes import FakeHub, FakeOpenAIServer

LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", ""})


class NetworkRefused(AssertionError):
    """A test called a machine other than this one; no KefuError, so that no code under test takes it for a failure."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "network: may connect to other machines")


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("network"):
        return
    for method in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, method, _guarded(getattr(socket.socket, method)))
    monkeypatch.setattr(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo))


@pytest.fixture
def kefu_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty KEFU_HOME; settings are read anew for the test and after it."""
    home = tmp_path / "home"
    home.mkdir()
    with monkeypatch.context() as patch:
        patch.setenv("KEFU_HOME", str(home))
        settings.reload()
        yield home
    settings.settings.cache_clear()


@pytest.fixture
def openai_server() -> Iterator[FakeOpenAIServer]:
    """A local server that speaks the OpenAI protocol."""
    with FakeOpenAIServer() as server:
        yield server


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    """A local model hub."""
    with FakeHub() as server:
        yield server


def _guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
    def guard(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(str(address[0])):
            raise NetworkRefused(f"A test tried to connect to {address[0]}. Play the server with kefu.testing.fakes.")
        return connect(self, address)

    return guard


def _guarded_lookup(lookup: Callable[..., Any]) -> Callable[..., Any]:
    def guard(host: Any, *rest: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not _is_local(str(name)) and not _is_address(str(name)):
            raise NetworkRefused(f"A test tried to look up {name}. Play the server with kefu.testing.fakes.")
        return lookup(host, *rest, **named)

    return guard


def _is_local(host: str) -> bool:
    if host.lower() in LOCAL_NAMES:
        return True
    # The unspecified address is where servers listen; connecting to it reaches this machine.
    return _is_address(host) and (ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
