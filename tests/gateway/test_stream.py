"""Live events: server-sent, and over the browsers' socket."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from kefu.gateway.hub import Delta, Hub
from kefu.gateway.rows import Rows

from .conftest import Shop, new_visitor


def sse(lines: Iterator[str]) -> Iterator[tuple[str, str, Any]]:
    """(id, event, data) of each event of a stream."""
    number = name = ""
    for line in lines:
        if line.startswith("id: "):
            number = line[4:]
        elif line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield number, name, json.loads(line[6:])


def until(events: Iterator[tuple[str, str, Any]], wanted: str) -> list[tuple[str, str, Any]]:
    seen = []
    for event in events:
        seen.append(event)
        if event[1] == wanted:
            return seen
    raise AssertionError(f"The stream ended before {wanted}: {seen}")


def test_a_program_follows_a_conversation_and_goes_on_where_it_broke_off(shop: Shop) -> None:
    thread = shop.start()
    path = f"/v1/conversations/{thread}/events"
    with shop.client.stream("GET", path) as stream:
        lines = stream.iter_lines()
        next(lines)
        shop.say(thread, "What are your opening hours?")
        seen = until(sse(lines), "reply.completed")
    assert [name for _, name, _ in seen if name != "reply.delta"] == ["message.created", "reply.completed"]
    assert seen[-1][2]["text"] == "We answer from 9:00 to 21:00 every day."
    shop.say(thread, "How much does standard delivery cost?")
    with shop.client.stream("GET", path, headers={"Last-Event-ID": seen[-1][0]}) as stream:
        missed = until(sse(stream.iter_lines()), "reply.completed")
    assert "¥12" in missed[-1][2]["text"]
    assert all(int(number) > int(seen[-1][0]) for number, _, _ in missed)


@contextlib.contextmanager
def socket_of(address: str, token: str) -> Iterator[ClientConnection]:
    with connect(address.replace("http", "ws", 1) + "/v1/live") as socket:
        socket.send(json.dumps({"type": "hello", "token": token}))
        yield socket


def frames(socket: ClientConnection, wanted: str) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    while not seen or seen[-1]["type"] != wanted:
        seen.append(json.loads(socket.recv(timeout=60)))
    return seen


def token_of(client: httpx.Client) -> str:
    return client.headers["authorization"].removeprefix("Bearer ")


def test_a_visitor_sees_their_conversation_live(address: str, visitor: httpx.Client) -> None:
    with socket_of(address, token_of(visitor)) as socket:
        frames(socket, "ready")
        thread = visitor.post("/v1/conversations", json={}).json()["id"]
        visitor.post(f"/v1/conversations/{thread}/messages", json={"text": "What are your opening hours?"})
        seen = frames(socket, "reply.completed")
    assert seen[-1]["message"]["text"] == "We answer from 9:00 to 21:00 every day."
    assert seen[-1]["conversation"] == thread


def test_a_visitor_sees_nothing_of_anybody_else(address: str, shop: Shop, visitor: httpx.Client) -> None:
    with new_visitor(address, shop) as stranger, socket_of(address, token_of(stranger)) as socket:
        frames(socket, "ready")
        thread = visitor.post("/v1/conversations", json={}).json()["id"]
        visitor.post(f"/v1/conversations/{thread}/messages?wait=60", json={"text": "hello"})
        own = stranger.post("/v1/conversations", json={}).json()["id"]
        stranger.post(f"/v1/conversations/{own}/messages?wait=60", json={"text": "hello"})
        seen = frames(socket, "reply.completed")
        socket.send(json.dumps({"type": "ping"}))
        seen += frames(socket, "pong")
    assert thread not in json.dumps(seen)


@pytest.mark.parametrize("hello", ['{"type": "hello", "token": "forged.token"}', "[]", "not json", "{}", "x" * 10_000])
def test_a_socket_without_a_valid_hello_is_closed(address: str, hello: str) -> None:
    with connect(address.replace("http", "ws", 1) + "/v1/live") as socket:
        socket.send(hello)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=60)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401


def test_a_visitor_hears_of_what_a_program_begins_for_them_and_of_nobody_else_s(
    address: str, shop: Shop, visitor: httpx.Client
) -> None:
    from kefu.desk.inbox.actions import start_conversation
    from kefu.gateway.gate import visitor_of

    with new_visitor(address, shop) as other, socket_of(address, token_of(visitor)) as socket:
        frames(socket, "ready")
        theirs = other.post("/v1/conversations", json={}).json()["id"]
        other.post(f"/v1/conversations/{theirs}/messages", json={"text": "What are your opening hours?"})
        # Written by another process, so nobody here was told of it.
        mine = start_conversation(visitor_of(token_of(visitor))).id
        shop.say(mine, "What are your opening hours?")
        seen = frames(socket, "reply.completed")
    assert theirs not in json.dumps(seen)
    assert [frame["type"] for frame in seen if frame["type"] != "reply.delta"] == [
        "conversation.created",
        "message.created",
        "reply.completed",
    ]


def test_what_a_socket_followed_is_forgotten_with_it() -> None:
    hub = Hub(Rows())
    with hub.subscribed("ws_1", set(), ("contact_1", "ch_1")) as one, hub.subscribed("ws_1", None):
        hub.follow(one, "conv_1")
        assert hub.is_followed("ws_1")
        hub.publish(Delta("ws_1", "conv_1", "turn_1", "x"))
        hub.publish(Delta("ws_2", "conv_1", "turn_1", "x"))
        hub.publish(Delta("ws_1", "conv_2", "turn_1", "x"))
        assert one.queue.qsize() == 1
    hub.follow(one, "conv_3")
    assert not hub.is_followed("ws_1")
    assert not hub._of_conversation
    assert not hub._of_contact
