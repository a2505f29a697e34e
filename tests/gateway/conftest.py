"""One real server for the run, on the test database; each test has a workspace of its own."""

import asyncio
import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

_numbers = itertools.count(1)
_ports: list[int] = []
WITHIN = 60.0  # seconds that an answer may take on a crowded machine before it counts as never

HELP = """# Delivery

Standard delivery costs ¥12 and takes 2 to 4 working days. Orders of ¥99 or more ship free.

# Returns

You can return an item within 30 days of delivery. Print the label in your account and hand the parcel in.
"""
FAQ = "question,answer\nWhat are your opening hours?,We answer from 9:00 to 21:00 every day.\n"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here uses the database that the server uses; what it stored is swept away after it."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.django_db(transaction=True))


@dataclass(frozen=True)
class Shop:
    """A workspace with a little knowledge, and a client that holds its API key."""

    workspace_id: str
    slug: str
    channel_id: str
    key_id: str
    key: str
    client: httpx.Client

    def start(self, **body: Any) -> str:
        return str(self.post("/v1/conversations", body, expect=201)["id"])

    def say(self, thread: str, text: str, *, wait: float = WITHIN, expect: int = 201, key: str | None = None) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        answer = self.client.post(
            f"/v1/conversations/{thread}/messages", params={"wait": wait}, json={"text": text}, headers=headers
        )
        assert answer.status_code == expect, answer.text
        return answer.json()

    def messages(self, thread: str) -> list[dict[str, Any]]:
        return self.get(f"/v1/conversations/{thread}/messages")["messages"]  # type: ignore[no-any-return]

    def get(self, path: str, *, expect: int = 200) -> Any:
        answer = self.client.get(path)
        assert answer.status_code == expect, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, *, expect: int = 200) -> Any:
        answer = self.client.post(path, json=body if body is not None else {})
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None


@pytest.fixture(scope="session")
def address(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    with django_db_blocker.unblock(), running_server() as port:
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def running_server() -> Iterator[int]:
    """The run's one server, started by whoever asks first: two would share what a process has once."""
    from kefu.gateway.app import create_app

    if _ports:
        yield _ports[0]
        return
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(), log_config=None, access_log=False))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    until = time.monotonic() + 120
    while not server.started and thread.is_alive() and time.monotonic() < until:
        thread.join(0.02)
    assert server.started
    _ports.append(int(listener.getsockname()[1]))
    yield _ports[0]
    _ports.clear()
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def shop(address: str) -> Iterator[Shop]:
    with made_shop(address) as made:
        yield made


@pytest.fixture
def other_shop(address: str) -> Iterator[Shop]:
    with made_shop(address) as made:
        yield made


@contextlib.contextmanager
def made_shop(address: str) -> Iterator[Shop]:
    from kefu.desk.accounts.actions import create_key, make_workspace
    from kefu.desk.actor import system
    from kefu.desk.inbox.actions import make_channel
    from kefu.desk.library.actions import add_file
    from kefu.desk.library.due import read_sources
    from kefu.desk.wiring import wiring

    info = make_workspace(slug=f"shop-{next(_numbers)}-{threading.get_ident()}"[:60])
    actor = system(info.id)
    channel = make_channel(actor, kind="web", name="Website")
    files = {"help.md": HELP, "faq.csv": FAQ}
    ids = [add_file(actor, name=name, data=text.encode()).id for name, text in files.items()]
    read_sources(info.id, ids, embed=wiring().embed)
    wait_until_read(actor, ids)
    made = create_key(actor, name="tests")
    headers = {"Authorization": f"Bearer {made.secret}"}
    with httpx.Client(base_url=address, headers=headers, timeout=2 * WITHIN) as client:
        yield Shop(info.id, info.slug, channel.id, made.key.id, made.secret, client)


def wait_until_read(actor: Any, source_ids: list[str]) -> None:
    """The running server may have taken a source first, and be at it still."""
    from kefu.desk.library.queries import source

    until = time.monotonic() + WITHIN
    while any(source(actor, each).state != "ready" for each in source_ids):
        assert time.monotonic() < until
        threading.Event().wait(0.02)


@pytest.fixture
def visitor(address: str, shop: Shop) -> Iterator[httpx.Client]:
    with new_visitor(address, shop) as client:
        yield client


@contextlib.contextmanager
def new_visitor(address: str, shop: Shop) -> Iterator[httpx.Client]:
    path = f"{address}/v1/channels/{shop.channel_id}/visitors"
    token = httpx.post(path, json={}, timeout=WITHIN).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=address, headers=headers, timeout=2 * WITHIN) as client:
        yield client
