"""What members see live: their workspace's conversations, who is online. Each event is shaped once for all."""

import asyncio
import contextlib
import json
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Any

from kefu.desk.accounts.queries import EventInfo
from kefu.desk.accounts.team_actions import SEEN_SECONDS, note_seen
from kefu.desk.actor import Actor, Role, system
from kefu.desk.calls.queries import call
from kefu.desk.calls.schemas import call_json
from kefu.desk.inbox import queries, schemas
from kefu.gateway.hub import Hub, Looking, Online
from kefu.gateway.rows import Rows
from kefu.kit.errors import NotFound

Shown = tuple[str, dict[str, Any]]  # an event's name and body

_KEPT = 2_000  # events shaped lately; fifty members read each within a moment
# Of these only what and which is told; whoever shows such rows reads them again.
_TOLD = (
    *("source.", "library.", "modelhub.", "assistant.", "channel.", "member.", "key.", "workspace.", "contact."),
    *("insights.", "message.rated", "label.", "view.", "canned.", "mention.", "conversation.woken"),
    *("team.", "routing.", "sla.", "conversation.escalated", "conversation.sla_"),
)
_SHOWN = (
    "message.created",
    "message.updated",
    "delivery.",
    "conversation.created",
    "conversation.updated",
    "call.",
    *_TOLD,
)


class MemberEvents:
    """Shapes events for members: the same for all of a workspace, but that viewers see no names of customers."""

    def __init__(self, rows: Rows, hub: Hub) -> None:
        self._rows = rows
        self._hub = hub
        hub.listen(self._heard)
        self._shaped: OrderedDict[tuple[int, bool], asyncio.Task[str | None]] = OrderedDict()

    async def frame(self, actor: Actor, event: EventInfo) -> str | None:
        """An event as it goes over a member's socket; None when it is nothing to show."""
        if not event.kind.startswith(_SHOWN):
            return None
        place = (event.id, actor.role == Role.VIEWER)
        task = self._begun(event, is_viewer=place[1])
        if task.done() and not task.cancelled() and task.exception() is None:
            return task.result()
        try:
            return await asyncio.shield(task)
        except Exception:
            self._shaped.pop(place, None)  # the database was away: the next reader asks again
            raise

    def _heard(self, event: EventInfo) -> None:
        # At once for each event: sockets take them one after the other, and would each wait for every single read.
        if event.kind.startswith(_SHOWN) and self._hub.is_followed(event.workspace_id):
            self._begun(event, is_viewer=False)

    def _begun(self, event: EventInfo, *, is_viewer: bool) -> asyncio.Task[str | None]:
        place = (event.id, is_viewer)
        task = self._shaped.get(place)
        if task is None:
            task = self._shaped[place] = asyncio.create_task(self._write(event, is_viewer=is_viewer))
            if len(self._shaped) > _KEPT:
                self._shaped.popitem(last=False)
        return task

    async def _write(self, event: EventInfo, *, is_viewer: bool) -> str | None:
        shown = await self._shape(event, is_viewer=is_viewer)
        return frame_of(shown[0], event.id, shown[1]) if shown is not None else None

    async def _shape(self, event: EventInfo, *, is_viewer: bool) -> Shown | None:
        reader = system(event.workspace_id, "live")
        if is_viewer:
            reader = Actor(event.workspace_id, "member", "live", role=Role.VIEWER)
        with contextlib.suppress(NotFound):
            if event.kind in {"message.created", "message.updated"}:
                return await self._message(reader, event, event.row_id)
            if event.kind.startswith("delivery.") and event.conversation_id:
                moved = await self._rows.read(queries.delivery, reader, event.row_id)
                return await self._message(reader, event, moved.message_id)
            if event.kind in {"conversation.created", "conversation.updated"}:
                thread = await self._rows.read(queries.thread, reader, event.conversation_id)
                return event.kind, {"conversation": {**schemas.conversation_json(thread), "unread": None}}
            if event.kind == "call.updated":
                return event.kind, {"call": call_json(await self._rows.read(call, reader, event.row_id))}
        if event.kind.startswith(_TOLD):
            place = {"conversation": event.conversation_id} if event.conversation_id else {}
            return "changed", {"kind": event.kind, "id": event.row_id, **place}
        return None

    async def _message(self, reader: Actor, event: EventInfo, message_id: str) -> Shown:
        row = await self._rows.read(queries.message, reader, event.conversation_id, message_id)
        kind = event.kind if event.kind == "message.created" else "message.updated"
        name = "reply.completed" if row.author == "assistant" else kind
        return name, {"conversation": row.conversation_id, "message": schemas.message_json(row)}


def frame_of(name: str, number: int | None, body: dict[str, Any]) -> str:
    """A frame of the live socket."""
    event = {"event": number} if number else {}
    return json.dumps({"type": name, **event, **body}, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class _Person:
    id: str
    name: str


class Presence:
    """Which members have a socket open at this process, and which conversation each socket shows."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._here: dict[str, Counter[_Person]] = {}
        self._shown: dict[tuple[str, str], Counter[_Person]] = {}

    def online(self, workspace_id: str) -> list[dict[str, str]]:
        """Who is online: `{"id", "name"}` each, once however many windows they have."""
        people = list(self._here.get(workspace_id, ()))  # at once: the desk's threads ask, too
        return [vars(person) for person in people]

    @property
    def number(self) -> int:
        """How many members of all workspaces are online."""
        return sum(len(people) for people in list(self._here.values()))

    async def keep(self, rows: Rows) -> None:
        """Write down, again and again, whose windows are open: whoever's is not for long is away."""
        while True:
            await asyncio.sleep(SEEN_SECONDS)
            here = {workspace: [person.id for person in people] for workspace, people in list(self._here.items())}
            with contextlib.suppress(Exception):  # the database is away: those who are here are seen again
                await rows.write(note_seen, here)

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

    def looks(self, workspace_id: str, member_id: str, name: str, *, at: str, before: str = "") -> None:
        """A member's window shows a conversation, none for an empty `at`, instead of the one `before`."""
        if at == before:
            return
        person = _Person(member_id, name)
        if before:
            people = self._shown[workspace_id, before]
            people[person] -= 1
            if people[person] <= 0:
                del people[person]
            self._tell_lookers(workspace_id, before)
            if not people:
                del self._shown[workspace_id, before]
        if at:
            self._shown.setdefault((workspace_id, at), Counter())[person] += 1
            self._tell_lookers(workspace_id, at)

    def looking(self, workspace_id: str) -> dict[str, list[dict[str, str]]]:
        """Who looks at which conversation of a workspace: `{"id", "name"}` each, by conversation."""
        shown = [(place, list(people)) for place, people in list(self._shown.items())]
        return {at: [vars(person) for person in people] for (where, at), people in shown if where == workspace_id}

    def _tell_lookers(self, workspace_id: str, conversation_id: str) -> None:
        people = self._shown[workspace_id, conversation_id]
        self._hub.publish(Looking(workspace_id, conversation_id, tuple((each.id, each.name) for each in people)))

    def _tell(self, workspace_id: str) -> None:
        self._hub.publish(Online(workspace_id))
