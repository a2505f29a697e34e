"""One real server for the run, on the test database; each test has a workspace with a channel of its own."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from kefu.contracts.channel import Request
from kefu.kit import settings
from kefu.testing.fake_telegram import FakeTelegram
from kefu.testing.fake_webhook import FakeWebhook
from kefu.testing.fake_wechat import FakeWeChat

from ..gateway.conftest import Shop, made_shop, running_server

_numbers = itertools.count(1)
APPROVED = "What are your opening hours?"
ANSWER = "We answer from 9:00 to 21:00 every day."
WITHIN = 90.0  # seconds that something may take on a crowded machine before it counts as never
# The fakes listen on this machine's own address; pauses before another try are as short as they can be told apart.
SETTINGS = {"KEFU_ALLOW_PRIVATE_ADDRESSES": "true", "KEFU_DELIVERY_RETRY_SECONDS": "0.05"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of the folder that has a shop uses the database that the server uses."""
    for item in items:
        if item.path.parent == Path(__file__).parent and "shop" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.django_db(transaction=True))


@pytest.fixture(scope="session")
def address(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    with django_db_blocker.unblock(), running_server() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        settings.reload()
        yield
    settings.reload()


@pytest.fixture
def shop(address: str) -> Iterator[Shop]:
    with made_shop(address) as made:
        yield made


@dataclass(frozen=True)
class Line:
    """A channel of a shop, on a running server."""

    shop: Shop
    channel_id: str
    hook: str

    @property
    def actor(self) -> Any:
        from kefu.desk.actor import system

        return system(self.shop.workspace_id)

    def member(self) -> Any:
        """Somebody new who may answer customers."""
        from kefu.desk.accounts.actions import invite
        from kefu.desk.actor import Actor, Role

        made = invite(self.actor, email=f"member-{next(_numbers)}@example.com", role=Role.AGENT, name="Mia")
        return Actor(self.shop.workspace_id, "member", made.member.id, role=Role.AGENT)

    def post(self, request: Request) -> httpx.Response:
        """A request as its sender makes it."""
        return httpx.request(
            request.method,
            self.hook,
            params=dict(request.query),
            headers=dict(request.headers),
            content=request.body,
            timeout=WITHIN,
        )

    def states(self) -> list[str]:
        from kefu.desk.inbox.models import Delivery

        rows = Delivery.objects.of(self.shop.workspace_id).filter(channel_id=self.channel_id)
        return list(rows.order_by("created_at").values_list("state", flat=True))

    def messages(self) -> list[Any]:
        """All that was said on the channel, in order, notes included."""
        from kefu.desk.inbox.models import Message

        rows = Message.objects.of(self.shop.workspace_id).filter(conversation__channel_id=self.channel_id)
        return list(rows.order_by("created_at", "sequence"))

    def traffic(self) -> Any:
        from kefu.desk.inbox.queries import traffic

        return traffic(self.actor, self.channel_id)

    def settled(self, deliveries: int) -> list[str]:
        """The deliveries' states once there are so many and none of them waits or is on its way."""

        def look() -> list[str]:
            states = self.states()
            return states if len(states) >= deliveries and not {"pending", "claimed"} & set(states) else []

        return eventually(look)  # type: ignore[no-any-return]


def eventually(look: Callable[[], Any]) -> Any:
    """What `look` gives once it is true."""
    limit = time.monotonic() + WITHIN
    while time.monotonic() < limit:
        if found := look():
            return found
        threading.Event().wait(0.02)
    raise AssertionError("It never came.")


def add_line(shop: Shop, address: str, kind: str, values: dict[str, Any], **given: Any) -> Line:
    from kefu.desk.actor import system
    from kefu.desk.inbox.actions import add_channel

    info, _ = add_channel(system(shop.workspace_id), kind=kind, name=f"My {kind}", values=values, **given)
    return Line(shop, info.id, f"{address}/v1/hooks/{info.id}")


@pytest.fixture
def system() -> Iterator[FakeWebhook]:
    with FakeWebhook() as fake:
        yield fake


@pytest.fixture
def telegram() -> Iterator[FakeTelegram]:
    with FakeTelegram() as fake:
        yield fake


@pytest.fixture
def wechat() -> Iterator[FakeWeChat]:
    with FakeWeChat() as fake:
        yield fake


@pytest.fixture
def open_line(shop: Shop, address: str) -> Callable[..., Line]:
    """Adds a channel: `open_line("webhook", values)`."""
    return lambda kind, values, **given: add_line(shop, address, kind, values, **given)
