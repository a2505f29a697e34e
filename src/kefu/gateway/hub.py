"""Live events of this process: what was written anywhere, read once, handed to those whom it concerns.

The rows are the truth. The hub only wakes: who missed something asks for what came after the last event they saw.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kefu.desk.accounts import queries as accounts
from kefu.desk.accounts.queries import EventInfo
from kefu.desk.changes import can_write_at_once, watch
from kefu.gateway.rows import Rows
from kefu.kit.log import Log

# Transactions of PostgreSQL may become visible out of the order of their ids: the last few are looked at again.
_OVERLAP = 200
_QUEUE = 1_000  # events a slow reader may lag behind before it is told to come again

_log = Log(__name__)


@dataclass(frozen=True)
class Delta:
    """A piece of a reply in the making; never stored."""

    workspace_id: str
    conversation_id: str
    turn_id: str
    text: str


@dataclass(frozen=True)
class Typing:
    """Somebody writes; never stored."""

    workspace_id: str
    conversation_id: str
    author: str
    name: str
    sender: str


@dataclass(frozen=True)
class Online:
    """Members came or went; never stored, and nobody's but members' to know."""

    workspace_id: str
    conversation_id: str = ""


Live = EventInfo | Delta | Typing | Online


@dataclass(eq=False)
class Subscription:
    """One reader: a bounded queue of what concerns its workspace and, if set, its conversations."""

    workspace_id: str
    conversations: set[str] | None
    queue: "asyncio.Queue[Live | None]" = field(default_factory=lambda: asyncio.Queue(_QUEUE))

    def concerns(self, live: Live) -> bool:
        if live.workspace_id != self.workspace_id:
            return False
        return self.conversations is None or live.conversation_id in self.conversations

    def close(self) -> None:
        """Tell the reader to come again: None is the last thing in its queue."""
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)

    def offer(self, live: Live) -> None:
        try:
            self.queue.put_nowait(live)
        except asyncio.QueueFull:
            self.close()  # it lost its place: it comes again and asks for what it missed


class Hub:
    """Reads events after each change and offers them to subscriptions and listeners."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._subscriptions: set[Subscription] = set()
        self._listeners: list[Callable[[EventInfo], None]] = []
        self._changed = asyncio.Event()
        self._stopped = threading.Event()
        self._last = 0
        self._seen: dict[int, None] = {}
        self._tasks: list[asyncio.Task[Any]] = []
        self._overlap = _OVERLAP if can_write_at_once() else 0

    @property
    def last_event(self) -> int:
        return self._last

    async def start(self) -> None:
        self._last = await self._rows.read(accounts.last_event_id)
        for event in await self._rows.read(accounts.events_after, max(self._last - self._overlap, 0)):
            self._remember(event)
        loop = asyncio.get_running_loop()
        threading.Thread(
            target=watch,
            args=(lambda: loop.call_soon_threadsafe(self._changed.set), self._stopped),
            name="kefu-watch",
            daemon=True,
        ).start()
        self._tasks = [asyncio.create_task(self._read_on())]

    async def stop(self) -> None:
        self._stopped.set()
        for task in self._tasks:
            task.cancel()
        for subscription in list(self._subscriptions):
            subscription.close()

    def listen(self, listener: Callable[[EventInfo], None]) -> None:
        """Call `listener` with every event of every workspace: for this process's own caches."""
        self._listeners.append(listener)

    def wake(self) -> None:
        """This process has just written something that somebody may be waiting for."""
        if self._subscriptions:
            self._changed.set()

    def publish(self, live: Delta | Typing | Online) -> None:
        """Offer something that is not stored to whom it concerns, in this process."""
        for subscription in self._subscriptions:
            if subscription.concerns(live):
                subscription.offer(live)

    @contextmanager
    def subscribed(self, workspace_id: str, conversations: set[str] | None) -> Iterator[Subscription]:
        """A subscription for as long as the context lasts. `conversations` None means all of the workspace."""
        subscription = Subscription(workspace_id, conversations)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    async def _read_on(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._read()
            except Exception as error:  # the database is away for a moment: the next change reads on
                _log.error("events_not_read", exception=error)
                await asyncio.sleep(1)
                self._changed.set()

    async def _read(self) -> None:
        for event in await self._rows.read(accounts.events_after, max(self._last - self._overlap, 0)):
            if event.id not in self._seen:
                self._remember(event)
                self._hand_out(event)

    def _remember(self, event: EventInfo) -> None:
        self._last = max(self._last, event.id)
        self._seen[event.id] = None
        while len(self._seen) > 2 * _OVERLAP:
            del self._seen[next(iter(self._seen))]

    def _hand_out(self, event: EventInfo) -> None:
        for listener in self._listeners:
            listener(event)
        for subscription in self._subscriptions:
            if subscription.concerns(event):
                subscription.offer(event)
