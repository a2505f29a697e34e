"""Reads of channels, conversations, messages and turns; access is checked before a row leaves."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kefu.contracts.engine import Said
from kefu.desk.accounts.queries import member_names, workspace_key
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.crypto import unseal
from kefu.desk.inbox.models import Channel, Conversation, Message, Turn
from kefu.desk.statements import marks, select, select_across_workspaces
from kefu.kit.errors import NotFound

HISTORY = 12  # messages looked back at: the ones of a burst, and the few before it that a follow-up refers to

_RECENT = """
    conversation_id IN ({ids}) AND NOT is_internal
    AND sequence > (SELECT last_sequence FROM inbox_conversation WHERE id = conversation_id) - %s
    ORDER BY sequence
"""


@dataclass(frozen=True)
class ChannelInfo:
    id: str
    workspace_id: str
    kind: str
    name: str
    settings: dict[str, Any]
    assistant_on: bool
    is_active: bool


@dataclass(frozen=True)
class ConversationInfo:
    id: str
    channel_id: str
    contact_id: str
    status: str
    assignee_id: str
    language: str
    created_at: datetime
    last_activity_at: datetime
    resolved_at: datetime | None
    resolved_by: str


@dataclass(frozen=True)
class MessageInfo:
    """`text` is what the reader may see: for the contact what was said, for everybody else the masked text.

    `answer` (assistant messages) holds decision, confidence, language, citations. `outcome` (contacts' messages) is
    pending, replied, merged or left.
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


@dataclass(frozen=True)
class TurnInfo:
    id: str
    conversation_id: str
    state: str
    outcome: str
    decision: str
    confidence: float | None
    trace: dict[str, Any] | None
    created_at: datetime
    finished_at: datetime | None


def channels(actor: Actor) -> list[ChannelInfo]:
    actor.require(scope=Scope.CONVERSATIONS, role=Role.VIEWER)
    return [channel_info(row) for row in Channel.objects.of(actor.workspace_id).order_by("created_at")]


def channel_for_visitors(channel_id: str) -> ChannelInfo:
    """A channel that browsers may come through.

    Raises NotFound for one that is switched off, or is no web channel.
    """
    row = Channel.objects.across_workspaces("a visitor knows only the channel's id").filter(id=channel_id).first()
    if row is None or not row.is_active or row.kind != "web":
        raise NotFound("There is no such channel.", channel=channel_id)
    return channel_info(row)


def channel_of_kind(actor: Actor, kind: str) -> ChannelInfo | None:
    row = Channel.objects.of(actor.workspace_id).filter(kind=kind, is_active=True).order_by("created_at").first()
    return channel_info(row) if row else None


def conversation(actor: Actor, conversation_id: str) -> ConversationInfo:
    """Raises NotFound also for a visitor who asks for somebody else's."""
    return conversation_info(get(actor, conversation_id))


def conversations(
    actor: Actor, *, status: str | None = None, contact_id: str | None = None, limit: int = 50
) -> list[ConversationInfo]:
    """Newest activity first. A visitor sees only their own."""
    rows = _visible(actor).order_by("-last_activity_at")
    if status:
        rows = rows.filter(status=status)
    if contact_id:
        rows = rows.filter(contact_id=contact_id)
    return [conversation_info(row) for row in rows[:limit]]


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


def originals(actor: Actor, conversation_id: str) -> list[dict[str, Any]]:
    """Every message as it was said, for the contact's own copy of their data."""
    actor.require_role(Role.ADMIN)
    thread = get(actor, conversation_id)
    rows = Message.objects.of(actor.workspace_id).filter(conversation_id=thread.id, is_internal=False)
    return [
        {"author": row.author, "text": original(row), "created_at": row.created_at} for row in rows.order_by("sequence")
    ]


def reply_of(actor: Actor, turn_id: str) -> MessageInfo | None:
    """The assistant's message that a turn made, if it made one."""
    rows = Message.objects.of(actor.workspace_id).filter(turn_id=turn_id, author="assistant")
    found = message_infos(actor, list(rows[:1]))
    return found[0] if found else None


def turn(actor: Actor, turn_id: str) -> TurnInfo:
    """Raises NotFound, NotAllowed: traces are for members and programs, not for visitors."""
    actor.require(scope=Scope.CONVERSATIONS, role=Role.VIEWER)
    row = Turn.objects.of(actor.workspace_id).filter(id=turn_id).first()
    if row is None:
        raise NotFound("There is no such turn.", turn=turn_id)
    return turn_info(row)


def history(conversation_ids: list[str]) -> dict[str, list[Message]]:
    """The last messages of several conversations at once, oldest first, without internal notes."""
    rows = select_across_workspaces(
        Message,
        "dispatch works for all; each conversation names its own",
        _RECENT.format(ids=marks(conversation_ids)),
        [*conversation_ids, HISTORY],
    )
    found: dict[str, list[Message]] = {conversation_id: [] for conversation_id in conversation_ids}
    for row in rows:
        found[row.conversation_id].append(row)
    return found


def said(rows: Iterable[Message]) -> tuple[Said, ...]:
    return tuple(Said(row.author, row.text) for row in rows)


def get(actor: Actor, conversation_id: str, *, lock: bool = False) -> Conversation:
    """The conversation's row if the actor may see it; with `lock`, held until the transaction ends."""
    where, values = "id = %s", [conversation_id]
    if actor.kind == "visitor":
        where, values = (
            f"{where} AND contact_id = %s AND channel_id = %s",
            [*values, actor.contact_id, actor.channel_id],
        )
    else:
        actor.require(scope=Scope.CONVERSATIONS, role=Role.VIEWER)
    found = select(Conversation, actor.workspace_id, where, values, lock=lock)
    if not found:
        raise NotFound("There is no such conversation.", conversation=conversation_id)
    found[0].channel = select(Channel, actor.workspace_id, "id = %s", [found[0].channel_id])[0]
    return found[0]


def placeholders(row: Conversation) -> dict[str, str]:
    """What the conversation's placeholders stand for: personal data, never to be stored or logged in the clear."""
    if row.sealed_placeholders is None:
        return {}
    key = workspace_key(row.workspace_id)
    known: dict[str, str] = json.loads(unseal(key, row.sealed_placeholders, about=row.id))
    return known


def original(row: Message) -> str:
    """What was said, before masking."""
    if row.sealed_original is None:
        return str(row.text)
    return unseal(workspace_key(row.workspace_id), row.sealed_original, about=row.id).decode()


def message_infos(actor: Actor, rows: list[Message]) -> list[MessageInfo]:
    turn_ids = {row.turn_id for row in rows if row.turn_id and row.author == "contact"}
    turns = {row.id: row for row in Turn.objects.of(actor.workspace_id).filter(id__in=turn_ids)} if turn_ids else {}
    names = member_names(actor.workspace_id, {row.author_id for row in rows if row.author == "member"})
    return [
        message_info(
            row,
            outcome=outcome_of(row, turns.get(row.turn_id)) if row.author == "contact" else "",
            author_name=names.get(row.author_id, ""),
            own=actor.kind == "visitor" and row.author in {"contact", "member"},
        )
        for row in rows
    ]


def outcome_of(row: Message, its_turn: Turn | None) -> str:
    """What became of a contact's message: pending, replied, merged or left."""
    if its_turn is None:
        return "left"
    if its_turn.state != "done":
        return "pending"
    if its_turn.outcome == "left":
        return "left"
    return "replied" if row.sequence == its_turn.last_sequence else "merged"


def channel_info(row: Channel) -> ChannelInfo:
    return ChannelInfo(row.id, row.workspace_id, row.kind, row.name, row.settings, row.assistant_on, row.is_active)


def conversation_info(row: Conversation) -> ConversationInfo:
    return ConversationInfo(
        row.id,
        row.channel_id,
        row.contact_id,
        row.status,
        row.assignee_id,
        row.language,
        row.created_at,
        row.last_activity_at,
        row.resolved_at,
        row.resolved_by,
    )


def turn_info(row: Turn) -> TurnInfo:
    return TurnInfo(
        row.id,
        row.conversation_id,
        row.state,
        row.outcome,
        row.decision,
        row.confidence,
        row.trace,
        row.created_at,
        row.finished_at,
    )


def message_info(row: Message, *, outcome: str, author_name: str = "", own: bool = False) -> MessageInfo:
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
        answer=row.answer,
        outcome=outcome,
        is_internal=row.is_internal,
        thumb=row.thumb,
        comment=row.comment,
    )


def _visible(actor: Actor) -> Any:
    rows = Conversation.objects.of(actor.workspace_id).select_related("channel")
    if actor.kind == "visitor":
        return rows.filter(contact_id=actor.contact_id, channel_id=actor.channel_id)
    actor.require(scope=Scope.CONVERSATIONS, role=Role.VIEWER)
    return rows
