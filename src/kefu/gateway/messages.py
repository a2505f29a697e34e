"""Conversations and messages of the public API."""

import asyncio
import contextlib
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from pydantic_core import to_json
from starlette.responses import JSONResponse, Response

from kefu.desk.actor import Actor
from kefu.desk.inbox import actions, queries
from kefu.desk.inbox.actions import Incoming, ReceivedMessage
from kefu.gateway import shapes
from kefu.gateway.state import Gateway, entered
from kefu.kit.tracing import hand_on, span

router = APIRouter(prefix="/v1/conversations", tags=["Conversations"])

Wait = Annotated[float, Query(ge=0, le=60, description="Seconds to wait for the reply.")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="The same key stores a message once.")]


@router.post("", status_code=201, response_model=shapes.Conversation)
async def start(request: Request, body: shapes.NewConversation) -> JSONResponse:
    """Open a conversation."""
    gateway, actor = await entered(request)
    contact = shapes.ContactIn(id=body.contact) if isinstance(body.contact, str) else body.contact
    thread = await gateway.rows.write(
        actions.start_conversation,
        actor,
        channel_id=body.channel,
        external_id=contact.id if contact else None,
        profile=contact.profile if contact else None,
    )
    gateway.hub.wake()
    return JSONResponse(shapes.conversation_json(thread), status_code=201)


@router.get("")
async def list_conversations(
    request: Request, status: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> dict[str, Any]:
    """Conversations by last activity, newest first; a visitor's own."""
    gateway, actor = await entered(request)
    found = await gateway.rows.read(queries.conversations, actor, status=status, limit=limit)
    return {"conversations": [shapes.conversation_json(each) for each in found]}


@router.get("/{conversation_id}", response_model=shapes.Conversation)
async def one(request: Request, conversation_id: str) -> JSONResponse:
    """A conversation."""
    gateway, actor = await entered(request)
    return JSONResponse(shapes.conversation_json(await gateway.rows.read(queries.conversation, actor, conversation_id)))


@router.post("/{conversation_id}/messages", status_code=201, response_model=shapes.Stored)
async def send(
    request: Request, conversation_id: str, body: shapes.NewMessage, key: Key = None, wait: Wait = 0
) -> Response:
    """Store what the customer said. It is answered even if nobody waits; a repeated key gives what was stored (200)."""
    gateway, actor = await entered(request)
    gateway.gate.count_message(actor)
    with span("gateway.receive", conversation=conversation_id):
        stored = await gateway.intake.receive(_said(actor, conversation_id, body, key))
        hand_on(stored.turn_id or "")
    # A claim and an outcome take the writer twice more, so whoever waits is known to dispatch first.
    reply = _expected(gateway, stored, wait)
    gateway.dispatch.wake()
    gateway.hub.wake()
    answer = await _reply(gateway, actor, stored, reply, wait)
    whole = {"message": shapes.message_json(stored.message), "reply": answer}
    return Response(to_json(whole), 200 if stored.repeated else 201, media_type="application/json")


@router.get("/{conversation_id}/messages", response_model=shapes.Messages)
async def messages(
    request: Request,
    conversation_id: str,
    after: Annotated[int, Query(ge=0, description="Only messages with a higher sequence.")] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> JSONResponse:
    """Messages in order."""
    gateway, actor = await entered(request)
    found = await gateway.rows.read(queries.messages, actor, conversation_id, after=after, limit=limit)
    return JSONResponse({"messages": [shapes.message_json(each) for each in found]})


@router.post("/{conversation_id}/resolve", response_model=shapes.Conversation)
async def resolve(request: Request, conversation_id: str) -> JSONResponse:
    """Say that it is solved. A later message opens the conversation again."""
    gateway, actor = await entered(request)
    thread = await gateway.rows.write(actions.resolve, actor, conversation_id=conversation_id)
    gateway.hub.wake()
    return JSONResponse(shapes.conversation_json(thread))


@router.post("/{conversation_id}/hand-over", response_model=shapes.Conversation)
async def hand_over(request: Request, conversation_id: str) -> JSONResponse:
    """Ask for a person."""
    gateway, actor = await entered(request)
    thread = await gateway.rows.write(actions.ask_for_member, actor, conversation_id=conversation_id)
    gateway.hub.wake()
    return JSONResponse(shapes.conversation_json(thread))


@router.delete("/{conversation_id}/hand-over", response_model=shapes.Conversation)
async def call_off(request: Request, conversation_id: str) -> JSONResponse:
    """Ask the assistant again instead of waiting for a person; 409 once a member has taken the conversation."""
    gateway, actor = await entered(request)
    thread = await gateway.rows.write(actions.ask_assistant, actor, conversation_id=conversation_id)
    gateway.dispatch.wake()
    gateway.hub.wake()
    return JSONResponse(shapes.conversation_json(thread))


@router.post("/{conversation_id}/address", response_model=shapes.Conversation)
async def leave_address(request: Request, conversation_id: str, body: shapes.Address) -> JSONResponse:
    """Nobody came: leave an address to be written to."""
    gateway, actor = await entered(request)
    gateway.gate.count_message(actor)
    thread = await gateway.rows.write(actions.leave_address, actor, conversation_id=conversation_id, email=body.email)
    gateway.hub.wake()
    return JSONResponse(shapes.conversation_json(thread))


@router.post("/{conversation_id}/messages/{message_id}/feedback", status_code=204)
async def feedback(request: Request, conversation_id: str, message_id: str, body: shapes.Feedback) -> None:
    """Thumbs up or down on an answer; the last one counts."""
    gateway, actor = await entered(request)
    await gateway.rows.write(
        actions.give_feedback,
        actor,
        conversation_id=conversation_id,
        message_id=message_id,
        value=body.value,
        comment=body.comment,
    )


@router.get("/{conversation_id}/turns/{turn_id}")
async def turn(request: Request, conversation_id: str, turn_id: str) -> dict[str, Any]:
    """Why an answer is what it is: the turn's trace. For programs."""
    gateway, actor = await entered(request)
    await gateway.rows.read(queries.conversation, actor, conversation_id)
    return shapes.turn_json(await gateway.rows.read(queries.turn, actor, turn_id))


def _said(actor: Actor, conversation_id: str, body: shapes.NewMessage, key: str | None) -> Incoming:
    return Incoming(actor, conversation_id, body.text, body.attachments, key, body.pressed or "")


def _expected(gateway: Gateway, stored: ReceivedMessage, wait: float) -> "asyncio.Future[Any] | None":
    if not wait or stored.turn_id is None or stored.message.outcome not in {"pending", ""}:
        return None
    return gateway.dispatch.expect(stored.turn_id)


async def _reply(
    gateway: Gateway, actor: Actor, stored: ReceivedMessage, reply: "asyncio.Future[Any] | None", wait: float
) -> dict[str, Any] | None:
    if stored.turn_id is None or not wait:
        return None
    if reply is not None:
        finished = None
        with contextlib.suppress(TimeoutError):
            # Shielded: others may wait for the same turn, when several messages share it.
            finished = await asyncio.wait_for(asyncio.shield(reply), wait)
        if finished is not None:
            return shapes.answer_json(finished.reply.text, finished.reply.answer) if finished.reply else None
    found = await gateway.rows.read(queries.reply_of, actor, stored.turn_id)
    return shapes.answer_json(found.text, found.answer) if found else None
