"""What members see live: their workspace's conversations, who is online. Each event is shaped once for all."""

import asyncio
import contextlib
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Any

from kefu.desk.accounts.queries import EventInfo
from kefu.desk.actor import Actor, Role, system
from kefu.desk.inbox import queries, schemas
from kefu.gateway.hub import Hub, Online
from kefu.gateway.rows import Rows
from kefu.kit.errors import NotFound

Shown = tuple[str, dict[str, Any]]

_KEPT = 2_000  # events shaped lately; fifty members read each within a moment
# Of these only what and which is told; whoever shows such rows reads them again.
_TOLD = ("source.", "library.", "assistant.", "channel.", "member.", "key.", "workspace.", "contact.", "message.rated")


class MemberEvents:
    """Shapes events for members: the same for all of a workspace, but that viewers see no names of customers."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._shaped: OrderedDict[tuple[int, bool], asyncio.Task[Shown | None]] = OrderedDict()

    async def shown(self, actor: Actor, event: EventInfo) -> Shown | None:
        """An event's name and body for a member; None when it is nothing to show."""
        place = (event.id, actor.role == Role.VIEWER)
        task = self._shaped.get(place)
        if task is None:
            task = self._shaped[place] = asyncio.create_task(self._shape(event, is_viewer=place[1]))
            if len(self._shaped) > _KEPT:
                self._shaped.popitem(last=False)
        try:
            return await asyncio.shield(task)
        except Exception:
            self._shaped.pop(place, None)  # the database was away: the next reader asks again
            raise

    async def _shape(self, event: EventInfo, *, is_viewer: bool) -> Shown | None:
        reader = system(event.workspace_id, "live")
        if is_viewer:
            reader = Actor(event.workspace_id, "member", "live", role=Role.VIEWER)
        with contextlib.suppress(NotFound):
            if event.kind == "message.created":
                return await self._message(reader, event)
            if event.kind in {"conversation.created", "conversation.updated"}:
                thread = await self._rows.read(queries.thread, reader, event.conversation_id)
                return event.kind, {"conversation": {**schemas.conversation_json(thread), "unread": None}}
        if event.kind.startswith(_TOLD):
            return "changed", {"kind": event.kind, "id": event.row_id}
        return None

    async def _message(self, reader: Actor, event: EventInfo) -> Shown:
        row = await self._rows.read(queries.message, reader, event.conversation_id, event.row_id)
        name = "reply.completed" if row.author == "assistant" else "message.created"
        return name, {"conversation": row.conversation_id, "message": schemas.message_json(row)}


@dataclass(frozen=True)
class _Person:
    id: str
    name: str


class Presence:
    """Which members have a socket open at this process."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._here: dict[str, Counter[_Person]] = {}

    def online(self, workspace_id: str) -> list[dict[str, str]]:
        """Who is online: `{"id", "name"}` each, once however many windows they have."""
        return [vars(person) for person in self._here.get(workspace_id, ())]

    def came(self, workspace_id: str, member_id: str, name: str) -> None:
        people = self._here.setdefault(workspace_id, Counter())
        people[_Person(member_id, name)] += 1
        self._tell(workspace_id)

    def went(self, workspace_id: str, member_id: str, name: str) -> None:
        people, person = self._here[workspace_id], _Person(member_id, name)
        people[person] -= 1
        if people[person] <= 0:
            del people[person]
        self._tell(workspace_id)

    def _tell(self, workspace_id: str) -> None:
        self._hub.publish(Online(workspace_id))
