"""Live events of this process: what was written anywhere, read once, handed to those whom it concerns.

The rows are the truth. The hub only wakes: who missed something asks for what came after the last event they saw.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kefu.desk.accounts import queries as accounts
from kefu.desk.accounts.queries import EventInfo
from kefu.desk.changes import can_write_at_once, watch
from kefu.desk.inbox.queries import contacts_of
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


@dataclass(frozen=True)
class Looking:
    """Members who look at a conversation changed; never stored, and nobody's but members' to know."""

    workspace_id: str
    conversation_id: str
    people: tuple[tuple[str, str], ...]


Live = EventInfo | Delta | Typing | Online | Looking


@dataclass(eq=False)
class Subscription:
    """One reader: a bounded queue of what happens in its workspace, or in its conversations where it has a set.

    `contact` are a contact and a channel whose new conversations are added to the set.
    """

    workspace_id: str
    conversations: set[str] | None
    contact: tuple[str, str] | None = None
    queue: "asyncio.Queue[Live | None]" = field(default_factory=lambda: asyncio.Queue(_QUEUE))

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
        # By whom an event is for: hundreds of customers are online, and each event concerns one of them.
        self._of_workspace: dict[str, set[Subscription]] = defaultdict(set)
        self._of_conversation: dict[str, set[Subscription]] = defaultdict(set)
        self._of_contact: dict[tuple[str, str], set[Subscription]] = defaultdict(set)
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

    def publish(self, live: Delta | Typing | Online | Looking) -> None:
        """Offer something that is not stored to whom it concerns, in this process."""
        self._offer(live)

    @contextmanager
    def subscribed(
        self, workspace_id: str, conversations: set[str] | None, contact: tuple[str, str] | None = None
    ) -> Iterator[Subscription]:
        """A subscription for as long as the context lasts. `conversations` None means all of the workspace."""
        subscription = Subscription(workspace_id, None if conversations is None else set(), contact)
        self._subscriptions.add(subscription)
        if conversations is None:
            self._of_workspace[workspace_id].add(subscription)
        for conversation_id in conversations or ():
            self.follow(subscription, conversation_id)
        if contact is not None:
            self._of_contact[contact].add(subscription)
        try:
            yield subscription
        finally:
            self._forget(subscription)

    def is_followed(self, workspace_id: str) -> bool:
        """Whether anybody hears of everything in a workspace."""
        return workspace_id in self._of_workspace

    def follow(self, subscription: Subscription, conversation_id: str) -> None:
        """Let a subscription hear of one conversation more."""
        if subscription.conversations is not None and subscription in self._subscriptions:
            subscription.conversations.add(conversation_id)
            self._of_conversation[conversation_id].add(subscription)

    def _forget(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)
        places: list[tuple[dict[Any, set[Subscription]], Any]] = [
            (self._of_workspace, subscription.workspace_id),
            (self._of_contact, subscription.contact),
            *((self._of_conversation, each) for each in subscription.conversations or ()),
        ]
        for table, place in places:
            if place in table:
                table[place].discard(subscription)
                if not table[place]:
                    del table[place]

    def _offer(self, live: Live) -> None:
        all_of_it = self._of_workspace.get(live.workspace_id, ())
        for subscription in (*all_of_it, *self._of_conversation.get(live.conversation_id, ())):
            if subscription.workspace_id == live.workspace_id:
                subscription.offer(live)

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
        found = await self._rows.read(accounts.events_after, max(self._last - self._overlap, 0))
        new = [event for event in found if event.id not in self._seen]
        await self._follow_begun(new)
        for event in new:
            self._remember(event)
            self._hand_out(event)

    async def _follow_begun(self, events: list[EventInfo]) -> None:
        """Let contacts who are online hear of the conversations that they, or programs for them, have begun."""
        begun = [event.conversation_id for event in events if event.kind == "conversation.created"]
        if not begun or not self._of_contact:
            return
        for conversation_id, contact in (await self._rows.read(contacts_of, begun)).items():
            for subscription in list(self._of_contact.get(contact, ())):
                self.follow(subscription, conversation_id)

    def _remember(self, event: EventInfo) -> None:
        self._last = max(self._last, event.id)
        self._seen[event.id] = None
        while len(self._seen) > 2 * _OVERLAP:
            del self._seen[next(iter(self._seen))]

    def _hand_out(self, event: EventInfo) -> None:
        for listener in self._listeners:
            listener(event)
        self._offer(event)
