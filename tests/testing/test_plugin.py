"""The guard against network calls in tests, and the fakes' own manners."""

import asyncio
import socket

import httpx
import pytest

from kefu.testing.fakes import FakeHub, FakeOpenAIServer
from kefu.testing.pytest_plugin import NetworkRefused

# Addresses that are reserved for examples: nobody answers there, should the guard ever fail.
ELSEWHERE = "192.0.2.1"
NAME = "kefu.example"


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_other_machines_cannot_be_reached(family: socket.AddressFamily) -> None:
    address = ELSEWHERE if family == socket.AF_INET else "2001:db8::1"
    with socket.socket(family) as caller:
        for connect in (caller.connect, caller.connect_ex):
            with pytest.raises(NetworkRefused, match=address):
                connect((address, 80))


def test_other_names_cannot_be_looked_up() -> None:
    with pytest.raises(NetworkRefused, match=NAME):
        socket.getaddrinfo(NAME, 80)


@pytest.mark.parametrize("host", [ELSEWHERE, NAME])
def test_http_clients_are_held_back(host: str) -> None:
    with pytest.raises(NetworkRefused):
        httpx.get(f"http://{host}/", trust_env=False)


@pytest.mark.parametrize("host", [ELSEWHERE, NAME])
async def test_asynchronous_http_clients_are_held_back(host: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises((NetworkRefused, ExceptionGroup)):  # anyio tries several addresses, hence the group
            await client.get(f"http://{host}/")


async def test_asyncio_is_held_back() -> None:
    with pytest.raises(NetworkRefused):
        await asyncio.open_connection(ELSEWHERE, 80)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_can_be_reached(openai_server: FakeOpenAIServer, host: str) -> None:
    port = httpx.URL(openai_server.address).port
    assert httpx.get(f"http://{host}:{port}/v1/models", trust_env=False).status_code == 200


@pytest.mark.network
def test_a_marked_test_may_call_out() -> None:
    assert socket.getaddrinfo.__module__ == "socket"


def test_the_server_counts_and_fails_on_request(openai_server: FakeOpenAIServer) -> None:
    openai_server.fail_next(503, times=2, Retry_After="3")
    url = f"{openai_server.url}/models"
    answers = [httpx.get(url, trust_env=False) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["Retry-After"] == "3"
    assert [request.path for request in openai_server.requests] == ["/v1/models"] * 3


def test_the_server_ends_while_callers_wait() -> None:
    with FakeOpenAIServer() as server:
        server.latency = 60.0
        body = {"messages": [], "stream": True}
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{server.url}/chat/completions", json=body, timeout=0.1, trust_env=False)


def test_the_hub_sends_a_file_from_any_byte(hub: FakeHub) -> None:
    revision = "0" * 40
    hub.add("acme/small", revision, {"model.onnx": b"0123456789"})
    url = f"{hub.address}/acme/small/resolve/{revision}/model.onnx"
    with httpx.Client(trust_env=False, follow_redirects=True) as client:
        assert client.get(url).content == b"0123456789"
        rest = client.get(url, headers={"Range": "bytes=4-"})
        assert (rest.status_code, rest.content) == (206, b"456789")
        assert client.get(url, headers={"Range": "bytes=10-"}).status_code == 416
        assert client.get(url.replace("model.onnx", "other.onnx")).status_code == 404
