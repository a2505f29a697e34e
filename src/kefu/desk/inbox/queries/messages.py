"""Reads of messages."""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kefu.desk.accounts.queries import member_names, workspace_key
from kefu.desk.actor import Actor, Role
from kefu.desk.crypto import unseal
from kefu.desk.inbox.kinds import kind_of
from kefu.desk.inbox.models import Delivery, Message, Turn
from kefu.desk.inbox.queries.attachments import AttachmentInfo, attachment
from kefu.desk.inbox.queries.rows import get, original, placeholders
from kefu.kit.errors import NotFound
from kefu.knowledge.masking import unmask

_STATES = {"pending": "waiting", "claimed": "waiting", "dead": "failed"}  # how members read them


@dataclass(frozen=True)
class DeliveryState:
    """How a message fares on its way to the customer, on a channel that pushes.

    `state` is waiting, kept (for when the customer writes), sent, failed, unsure (it may have arrived) or dropped;
    `reason` says why it failed or waits.
    """

    id: str
    state: str
    reason: str


@dataclass(frozen=True)
class MessageInfo:
    """`text` is what the reader may see: for the contact what was said, for everybody else the masked text.

    `answer` (assistant messages) holds decision, confidence, language, citations. `outcome` (contacts' messages) is
    pending, replied, merged or left; `pressed` is the value of the button that they were said with.
    `verdict` is a member's on a refusal or a hand-over.
    """

    id: str
    conversation_id: str
    sequence: int
    author: str
    author_id: str
    author_name: str
    text: str
    created_at: datetime
    turn_id: str
    answer: dict[str, Any] | None
    outcome: str
    is_internal: bool
    thumb: str
    comment: str
    is_masked: bool
    attachments: tuple[AttachmentInfo, ...] = ()
    pressed: str = ""
    verdict: str = ""
    delivery: DeliveryState | None = None


def messages_before(actor: Actor, conversation_id: str, *, before: int | None, limit: int = 100) -> list[MessageInfo]:
    """The last messages with a sequence below `before` (None: the newest), in order; for members."""
    actor.require_role(Role.VIEWER)
    thread = get(actor, conversation_id)
    rows = Message.objects.of(actor.workspace_id).filter(conversation_id=thread.id)
    if before is not None:
        rows = rows.filter(sequence__lt=before)
    return message_infos(actor, list(rows.order_by("-sequence")[:limit])[::-1])


def messages(actor: Actor, conversation_id: str, *, after: int = 0, limit: int = 200) -> list[MessageInfo]:
    """Messages with a sequence above `after`, in order; internal notes only for members."""
    thread = get(actor, conversation_id)
    rows = Message.objects.of(actor.workspace_id).filter(conversation_id=thread.id, sequence__gt=after)
    if actor.kind not in {"member", "system"}:
        rows = rows.filter(is_internal=False)
    return message_infos(actor, list(rows.order_by("sequence")[:limit]))


def message(actor: Actor, conversation_id: str, message_id: str) -> MessageInfo:
    """Raises NotFound also for an internal note that the actor may not read."""
    thread = get(actor, conversation_id)
    row = Message.objects.of(actor.workspace_id).filter(conversation_id=thread.id, id=message_id).first()
    if row is None or (row.is_internal and actor.kind not in {"member", "system"}):
        raise NotFound("There is no such message.", message=message_id)
    return message_infos(actor, [row])[0]


def words_to_read(actor: Actor, conversation_id: str, message_id: str) -> tuple[str, str]:
    """What an answer says, and its language ("" where nobody knows); whoever may read it may hear it.

    Raises NotFound for what a customer said and for internal notes.
    """
    found = message(actor, conversation_id, message_id)
    if found.author == "contact":
        raise NotFound("What a customer said is their own recording; an answer can be read aloud.", message=message_id)
    if found.is_internal:
        raise NotFound("A note is for colleagues to read; an answer can be read aloud.", message=message_id)
    return found.text, str((found.answer or {}).get("language", ""))


def _whole(actor: Actor, attachment_id: str) -> dict[str, Any]:
    found, data = attachment(actor, attachment_id)
    return {**vars(found), "base64": base64.b64encode(data).decode()}


def originals(actor: Actor, conversation_id: str) -> list[dict[str, Any]]:
    """Every message as it was said, for the contact's own copy of their data."""
    actor.require_role(Role.ADMIN)
    thread = get(actor, conversation_id)
    rows = Message.objects.of(actor.workspace_id).filter(conversation_id=thread.id, is_internal=False)
    return [
        {
            "author": row.author,
            "text": original(row),
            "created_at": row.created_at,
            "attachments": [_whole(actor, part["id"]) for part in row.attachments or ()],
        }
        for row in rows.order_by("sequence")
    ]


def reply_of(actor: Actor, turn_id: str) -> MessageInfo | None:
    """The assistant's message that a turn made, if it made one."""
    rows = Message.objects.of(actor.workspace_id).filter(turn_id=turn_id, author="assistant")
    found = message_infos(actor, list(rows[:1]))
    return found[0] if found else None


def message_infos(actor: Actor, rows: list[Message]) -> list[MessageInfo]:
    turn_ids = {row.turn_id for row in rows if row.turn_id and row.author == "contact"}
    turns = {row.id: row for row in _turns(turn_ids)} if turn_ids else {}
    names = member_names(actor.workspace_id, {row.author_id for row in rows if row.author == "member"})
    on_their_way = _deliveries(actor, rows)
    return [
        message_info(
            row,
            outcome=outcome_of(row, turns.get(row.turn_id)) if row.author == "contact" else "",
            author_name=names.get(row.author_id, ""),
            own=is_own(actor, row.author),
            delivery=on_their_way.get(row.id),
        )
        for row in rows
    ]


def _deliveries(actor: Actor, rows: list[Message]) -> dict[str, DeliveryState]:
    """How messages fare, by message; told to members, who look after what failed."""
    said = [row.id for row in rows if row.author != "contact" and not row.is_internal]
    if actor.kind not in {"member", "system"} or not said:
        return {}
    found = Delivery.objects.of(actor.workspace_id).filter(message_id__in=said)
    return {
        message_id: DeliveryState(delivery_id, _STATES.get(state, state), error)
        for message_id, delivery_id, state, error in found.values_list("message_id", "id", "state", "error")
    }


def _turns(ids: set[str]) -> Any:
    """What became of turns, without their long traces; told of a workspace too, SQLite reads all turns of it."""
    rows = Turn.objects.across_workspaces("the turns are of messages that the actor may read").filter(id__in=ids)
    return rows.only("id", "state", "outcome", "last_sequence")


def is_own(actor: Actor, author: str) -> bool:
    """Whether the reader gets a message as it was said: customers all of them, programs what they pass on to them."""
    if actor.kind == "visitor":
        return author in {"contact", "member", "assistant"}
    return actor.kind == "key" and author == "assistant"


def as_said(actor: Actor, conversation_id: str, text: str) -> str:
    """A piece of an assistant's reply in the making, as its reader will get the whole. Raises NotFound, NotAllowed."""
    thread = get(actor, conversation_id)
    return unmask(text, placeholders(thread)) if is_own(actor, "assistant") else text


def outcome_of(row: Message, its_turn: Turn | None) -> str:
    """What became of a contact's message: pending, replied, merged or left."""
    if row.answer:  # taken for what was asked after the end, and thanked for
        return "replied"
    if its_turn is None:
        return "left"
    if its_turn.state != "done":
        return "pending"
    if its_turn.outcome == "left":
        return "left"
    return "replied" if row.sequence == its_turn.last_sequence else "merged"


def message_info(
    row: Message, *, outcome: str, author_name: str = "", own: bool = False, delivery: DeliveryState | None = None
) -> MessageInfo:
    """A message as its reader sees it; with `own` as it was said, before masking."""
    return MessageInfo(
        id=row.id,
        conversation_id=row.conversation_id,
        sequence=row.sequence,
        author=row.author,
        author_id=row.author_id,
        author_name=author_name,
        text=original(row) if own else row.text,
        created_at=row.created_at,
        turn_id=row.turn_id,
        answer=row.answer if row.author == "assistant" else None,
        outcome=outcome,
        is_internal=row.is_internal,
        thumb=row.thumb,
        comment=row.comment,
        is_masked=not own and row.sealed_original is not None,
        attachments=tuple(_attachment(row, part, own=own) for part in row.attachments or ()),
        pressed=row.pressed,
        verdict=row.verdict,
        delivery=delivery,
    )


def _attachment(row: Message, part: dict[str, Any], *, own: bool) -> AttachmentInfo:
    name, sealed = part["name"], part.get("sealed_name")
    if own and sealed:
        name = unseal(workspace_key(row.workspace_id), base64.b64decode(sealed), about=part["id"]).decode()
    kind, told = kind_of(part["media_type"]), (part.get("label", ""), part.get("confidence"))
    return AttachmentInfo(part["id"], kind, name, part["media_type"], part["size"], *told)
