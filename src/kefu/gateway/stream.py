"""Live events: server-sent for programs, one socket for browsers. Permission is checked again for each event."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Header, Request, WebSocket
from starlette.responses import StreamingResponse
from starlette.websockets import WebSocketDisconnect, WebSocketState

from kefu.desk.accounts import queries as accounts
from kefu.desk.accounts.queries import EventInfo
from kefu.desk.accounts.team_actions import note_seen
from kefu.desk.actor import Actor
from kefu.desk.inbox import queries
from kefu.gateway import shapes
from kefu.gateway.hub import Delta, Live, Looking, Online, Subscription, Typing
from kefu.gateway.live import frame_of
from kefu.gateway.state import Gateway, entered, gateway_of
from kefu.kit.errors import KefuError, NotFound, NotSignedIn
from kefu.knowledge.masking.entity import PLACEHOLDER

router = APIRouter(tags=["Live"])

_BEAT_SECONDS = 15.0  # proxies close connections that stay silent for a minute
_HELLO_SECONDS = 10.0
_FRAME = 4_096  # characters of what a browser may send: hello, typing, ping
_ID = 32  # characters of a conversation's id
_BAD_TOKEN = 4401
_TRY_AGAIN = 4503


@router.get("/v1/conversations/{conversation_id}/events")
async def events(
    request: Request, conversation_id: str, last_event_id: str | None = Header(default=None)
) -> StreamingResponse:
    """Server-sent events of a conversation; `Last-Event-ID` goes on where a connection broke."""
    gateway, actor = await entered(request)
    await gateway.rows.read(queries.conversation, actor, conversation_id)
    after = int(last_event_id) if last_event_id and last_event_id.isdigit() else None
    return StreamingResponse(
        _sent(gateway, actor, conversation_id, after),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.websocket("/v1/live")
async def live(socket: WebSocket) -> None:
    """A browser's socket: hello with a token, then events."""
    await socket.accept()
    gateway = gateway_of(socket)
    try:
        hello = await asyncio.wait_for(_frame(socket), _HELLO_SECONDS)
        actor = await _entered(gateway, hello)
    except (KefuError, TimeoutError, ValueError):
        await socket.close(_BAD_TOKEN, "The token is not valid.")
        return
    except WebSocketDisconnect:
        return
    after = hello.get("after")
    if actor.kind != "member":
        await _Browser(gateway, actor, socket, after if isinstance(after, int) else None).serve()
        return
    name = (await gateway.rows.read(accounts.member, actor, actor.id)).name
    gateway.presence.came(actor.workspace_id, actor.id, name)
    await gateway.rows.write(note_seen, {actor.workspace_id: [actor.id]})
    try:
        await _Member(gateway, actor, socket, None, name).serve()
    finally:
        gateway.presence.went(actor.workspace_id, actor.id, name)


async def _entered(gateway: Gateway, hello: dict[str, Any]) -> Actor:
    if "ticket" in hello:
        return await gateway.gate.member_of(str(hello["ticket"]))
    return await gateway.gate.actor_of(str(hello.get("token", "")))


class _Browser:
    """One browser's socket: a reader and a writer that end together."""

    def __init__(self, gateway: Gateway, actor: Actor, socket: WebSocket, after: int | None, name: str = "") -> None:
        self._gateway = gateway
        self._actor = actor
        self._name = name
        self._socket = socket
        self._after = after
        self._mine: set[str] | None = None

    async def serve(self) -> None:
        actor, hub = self._actor, self._gateway.hub
        contact = (actor.id, str(actor.channel_id)) if actor.kind == "visitor" else None
        with hub.subscribed(actor.workspace_id, None if contact is None else set(), contact) as subscription:
            self._mine = subscription.conversations
            await self._follow_own(subscription)
            both = [asyncio.create_task(self._write(subscription)), asyncio.create_task(self._read())]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in both:
                    task.cancel()
                await asyncio.gather(*both, return_exceptions=True)
        if self._socket.application_state == WebSocketState.CONNECTED:
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await self._socket.close(_TRY_AGAIN, "Come again.")

    async def _follow_own(self, subscription: Subscription) -> None:
        if self._actor.kind == "visitor":
            for each in await self._gateway.rows.read(queries.conversations, self._actor, limit=200):
                self._gateway.hub.follow(subscription, each.id)

    async def _write(self, subscription: Subscription) -> None:
        await self._socket.send_json({"type": "ready", "event": self._gateway.hub.last_event, **self._greeting()})
        while True:
            happened = await subscription.queue.get()
            if happened is None:
                return
            frame = await self._shown(happened)
            if frame is not None:
                await self._socket.send_text(frame)

    def _greeting(self) -> dict[str, Any]:
        return {}

    async def _shown(self, happened: Live) -> str | None:
        shown = await shown_event(self._gateway, self._actor, happened)
        return frame_of(*shown) if shown is not None else None

    async def _read(self) -> None:
        with contextlib.suppress(WebSocketDisconnect, ValueError):
            while True:
                frame = await _frame(self._socket)
                if frame.get("type") == "ping":
                    await self._socket.send_json({"type": "pong"})
                elif frame.get("type") == "typing":
                    self._typing(str(frame.get("conversation", "")))
                elif frame.get("type") == "looking":
                    self._looks(str(frame.get("conversation") or "")[:_ID])

    def _looks(self, conversation_id: str) -> None:
        """Which conversation the browser shows: told among members alone."""

    def _typing(self, conversation_id: str) -> None:
        if self._mine is not None and conversation_id not in self._mine:
            return
        author = "contact" if self._actor.kind == "visitor" else "member"
        self._gateway.hub.publish(
            Typing(self._actor.workspace_id, conversation_id, author, self._name, sender=self._actor.id)
        )


class _Member(_Browser):
    """A member's socket: everything of the workspace, for as long as the membership lasts."""

    _at = ""

    def _typing(self, conversation_id: str) -> None:
        super()._typing(conversation_id)
        self._gateway.dispatch.signs.wrote(self._actor.workspace_id, conversation_id)

    async def serve(self) -> None:
        try:
            await super().serve()
        finally:
            self._looks("")

    def _looks(self, conversation_id: str) -> None:
        actor, before = self._actor, self._at
        self._at = conversation_id
        self._gateway.presence.looks(actor.workspace_id, actor.id, self._name, at=conversation_id, before=before)

    def _greeting(self) -> dict[str, Any]:
        presence, workspace_id = self._gateway.presence, self._actor.workspace_id
        return {"online": presence.online(workspace_id), "looking": presence.looking(workspace_id)}

    async def _shown(self, happened: Live) -> str | None:
        try:
            self._actor = await self._gateway.gate.still(self._actor)
        except NotSignedIn:
            await self._socket.close(_BAD_TOKEN, "The membership has ended.")
            raise
        if isinstance(happened, Online):
            return frame_of("presence", None, {"online": self._gateway.presence.online(self._actor.workspace_id)})
        if isinstance(happened, Looking):
            people = [{"id": member_id, "name": name} for member_id, name in happened.people]
            return frame_of("looking", None, {"conversation": happened.conversation_id, "people": people})
        if not isinstance(happened, EventInfo):
            return await super()._shown(happened)
        return await self._gateway.member_events.frame(self._actor, happened)


async def shown_event(gateway: Gateway, actor: Actor, happened: Live) -> tuple[str, int | None, dict[str, Any]] | None:
    """An event's name, number and body as this actor may see it; None when it is not for them."""
    if isinstance(happened, Delta):
        text = await as_said(gateway, actor, happened)
        return "reply.delta", None, _place(happened, turn=happened.turn_id, text=text)
    if isinstance(happened, Typing) and happened.sender != actor.id:
        return "typing", None, _place(happened, author=happened.author, name=happened.name)
    if not isinstance(happened, EventInfo):
        return None
    if happened.kind in {"message.created", "message.updated"}:
        return await _message_event(gateway, actor, happened)
    if happened.kind in {"conversation.created", "conversation.updated", "conversation.moved"}:
        with contextlib.suppress(NotFound):
            thread = await gateway.rows.read(queries.conversation, actor, happened.conversation_id)
            # To move up in the queue is a change of the conversation like others for who waits.
            name = "conversation.updated" if happened.kind == "conversation.moved" else happened.kind
            return name, happened.id, {"conversation": shapes.conversation_json(thread)}
    return None


async def as_said(gateway: Gateway, actor: Actor, piece: Delta) -> str:
    """A piece of a reply as its reader will get the whole: with the originals where those are theirs to read."""
    if not PLACEHOLDER.search(piece.text):
        return piece.text
    try:
        return await gateway.rows.read(queries.as_said, actor, piece.conversation_id, piece.text)
    except NotFound:  # the conversation was deleted meanwhile
        return piece.text


async def _message_event(
    gateway: Gateway, actor: Actor, happened: EventInfo
) -> tuple[str, int | None, dict[str, Any]] | None:
    try:
        message = await gateway.rows.read(queries.message, actor, happened.conversation_id, happened.row_id)
    except NotFound:
        return None
    name = "reply.completed" if message.author == "assistant" else happened.kind
    body = {"conversation": message.conversation_id, "message": shapes.message_json(message)}
    return name, happened.id, body


async def _sent(gateway: Gateway, actor: Actor, conversation_id: str, after: int | None) -> AsyncIterator[str]:
    with gateway.hub.subscribed(actor.workspace_id, {conversation_id}) as subscription:
        seen = after if after is not None else await gateway.rows.read(accounts.last_event_id)
        yield f": kefu\nretry: 2000\nid: {seen}\n\n"
        if after is not None:
            missed = await gateway.rows.read(accounts.conversation_events, actor, conversation_id, after=after)
            for event in missed:
                seen = max(seen, event.id)
                yield await _line(gateway, actor, event)
        while True:
            try:
                happened = await asyncio.wait_for(subscription.queue.get(), _BEAT_SECONDS)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            if happened is None:
                return
            if isinstance(happened, EventInfo) and happened.id <= seen:
                continue
            yield await _line(gateway, actor, happened)


async def _line(gateway: Gateway, actor: Actor, happened: Live) -> str:
    shown = await shown_event(gateway, actor, happened)
    if shown is None:
        return ""
    name, number, body = shown
    data = body.get("message", body)
    head = f"id: {number}\n" if number else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _place(happened: Delta | Typing, **fields: Any) -> dict[str, Any]:
    return {"conversation": happened.conversation_id, **fields}


async def _frame(socket: WebSocket) -> dict[str, Any]:
    text = await socket.receive_text()
    if len(text) > _FRAME:
        raise ValueError("frame too long")
    frame = json.loads(text)
    if not isinstance(frame, dict):
        raise ValueError("frame is no object")
    return frame
