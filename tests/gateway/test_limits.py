"""Rates at the customers' door, and the bucket that they are counted with."""

import contextlib
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import HTTPConnection

from kefu.desk.actor import Actor
from kefu.gateway.gate import Gate
from kefu.gateway.hub import Hub
from kefu.gateway.rows import Rows
from kefu.kit import settings
from kefu.kit.errors import Busy
from kefu.kit.limits import RateLimit


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_a_burst_uses_all_and_the_next_comes_with_time() -> None:
    clock = Clock()
    limit = RateLimit(3, 60, clock=clock)
    for _ in range(3):
        limit.take("mia")
    with pytest.raises(Busy, match="Too many messages; try again in") as refused:
        limit.take("mia", what="messages")
    limit.take("ben")
    clock.seconds += refused.value.retry_after
    limit.take("mia")
    with pytest.raises(Busy):
        limit.take("mia")


@given(count=st.integers(1, 20), steps=st.lists(st.floats(0, 40), max_size=80))
def test_never_more_than_the_rate_and_one_burst(count: int, steps: list[float]) -> None:
    clock = Clock()
    limit, passed = RateLimit(count, 60, clock=clock), 0
    for step in steps:
        clock.seconds += step
        with contextlib.suppress(Busy):
            limit.take("mia")
            passed += 1
    assert passed <= count + (clock.seconds - 100.0) * count / 60 + 1e-6


def test_who_is_refused_and_waits_as_told_is_let_in() -> None:
    clock = Clock()
    limit = RateLimit(7, 3600, clock=clock)
    for _ in range(40):
        try:
            limit.take("mia")
        except Busy as busy:
            clock.seconds += busy.retry_after
            limit.take("mia")


@pytest.fixture
def strict_gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """A door with small limits, behind one trusted proxy."""
    for name, value in {
        "VISITORS_PER_HOUR_PER_ADDRESS": "2",
        "MESSAGES_PER_MINUTE_PER_VISITOR": "3",
        "TRUSTED_PROXIES": "10.0.0.1, 10.0.0.2",
    }.items():
        monkeypatch.setenv(f"KEFU_{name}", value)
    settings.reload()
    rows = Rows()
    yield Gate(rows, Hub(rows))
    rows.close()
    monkeypatch.undo()
    settings.reload()


def connection(peer: str | None, forwarded: str | None = None) -> HTTPConnection:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return HTTPConnection({"type": "http", "headers": headers, "client": (peer, 1) if peer else None})


def test_an_address_gets_so_many_visitor_tokens_an_hour(strict_gate: Gate) -> None:
    for _ in range(2):
        strict_gate.count_visitor(connection("192.0.2.1"))
    with pytest.raises(Busy, match="visitors from this address"):
        strict_gate.count_visitor(connection("192.0.2.1"))
    strict_gate.count_visitor(connection("192.0.2.2"))


def test_only_a_trusted_proxy_is_believed_and_only_its_own_word(strict_gate: Gate) -> None:
    assert strict_gate.address(connection("192.0.2.1", "198.51.100.7")) == "192.0.2.1"
    assert strict_gate.address(connection("10.0.0.1", "198.51.100.7")) == "198.51.100.7"
    # What the caller itself sent comes first in the list; the proxy adds whom it saw at the end.
    assert strict_gate.address(connection("10.0.0.2", "1.2.3.4, 198.51.100.7")) == "198.51.100.7"
    assert strict_gate.address(connection("10.0.0.1")) == "10.0.0.1"
    assert strict_gate.address(connection(None)) == "unknown"


def test_a_visitor_says_so_much_a_minute_and_a_program_is_counted_by_its_key(strict_gate: Gate) -> None:
    visitor = Actor("ws_1", "visitor", "contact_1", contact_id="contact_1", channel_id="ch_1")
    for _ in range(3):
        strict_gate.count_message(visitor)
    with pytest.raises(Busy, match="messages"):
        strict_gate.count_message(visitor)
    for _ in range(10):
        strict_gate.count_message(Actor("ws_1", "key", "key_1"))


def test_over_the_api_a_visitor_is_refused_with_429_and_loses_nothing(visitor: httpx.Client) -> None:
    thread = visitor.post("/v1/conversations", json={}).json()["id"]
    path = f"/v1/conversations/{thread}/messages"
    codes = []
    for number in range(10 * settings.settings().messages_per_minute_per_visitor):
        answer = visitor.post(path, json={"text": f"message {number}"})
        codes.append(answer.status_code)
        if answer.status_code == 429:
            break
    assert codes[:-1] == [201] * (len(codes) - 1)
    assert codes[-1] == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["content-type"] == "application/problem+json"
    stored = visitor.get(f"{path}?limit=500").json()["messages"]
    assert len([line for line in stored if line["author"] == "contact"]) == codes.count(201)
