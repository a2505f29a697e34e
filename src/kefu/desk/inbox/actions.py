"""Writes of channels, conversations and messages. Claiming and finishing turns is dispatch's: `due.py`."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.contacts.actions import meet
from kefu.desk.crypto import seal
from kefu.desk.inbox.models import Channel, Conversation, Message, Turn
from kefu.desk.inbox.queries import (
    ChannelInfo,
    ConversationInfo,
    MessageInfo,
    channel_info,
    channel_of_kind,
    conversation_info,
    get,
    message_info,
    message_infos,
    original,
    placeholders,
)
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, Busy, Conflict, NotFound
from kefu.kit.ids import new_id
from kefu.kit.settings import settings
from kefu.knowledge.masking import mask

TEXT_LIMIT = 8_000  # characters of one message: a long mail; more is a file
IDLE_WITH_ASSISTANT = timedelta(minutes=30)
IDLE_WITH_MEMBER = timedelta(hours=24)


@dataclass(frozen=True)
class ReceivedMessage:
    """A stored message and the turn that will deal with it (None: a member will). `repeated`: stored before."""

    message: MessageInfo
    turn_id: str | None
    repeated: bool = False


def make_channel(
    actor: Actor, *, kind: str, name: str, settings: dict[str, Any] | None = None, assistant_on: bool = True
) -> ChannelInfo:
    """Raises Conflict for a name that is taken, NotAllowed."""
    actor.require_role(Role.ADMIN)
    try:
        with transaction.atomic():
            row = Channel.objects.create(
                workspace_id=actor.workspace_id,
                kind=kind,
                name=name,
                settings=settings or {},
                assistant_on=assistant_on,
            )
            announce(actor.workspace_id, "channel.created", row.id)
            audit(actor, "channel.created", row.id, after={"kind": kind, "name": name})
    except IntegrityError:
        raise Conflict(f"There is a channel {name!r} already.", name=name) from None
    return channel_info(row)


def start_conversation(
    actor: Actor,
    *,
    channel_id: str | None = None,
    external_id: str | None = None,
    profile: dict[str, Any] | None = None,
) -> ConversationInfo:
    """Open a thread: a visitor's on their own channel, a program's on the channel it names, else on the API's own.

    Raises NotFound for a channel of another workspace, BadInput for a bad contact.
    """
    with transaction.atomic():
        if actor.kind == "visitor":
            channel = _channel(actor, actor.channel_id)
            contact_id = str(actor.contact_id)
        else:
            actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
            channel = _channel(actor, channel_id)
            contact_id = meet(actor, channel_id=channel.id, external_id=external_id, profile=profile)
        at = now()
        row = Conversation(
            workspace_id=actor.workspace_id,
            channel=channel,
            contact_id=contact_id,
            status="bot" if channel.assistant_on else "waiting",
            waiting_since=None if channel.assistant_on else at,
            created_at=at,
            last_activity_at=at,
            due_at=at + IDLE_WITH_ASSISTANT,
        )
        row.save(force_insert=True)
        announce(actor.workspace_id, "conversation.created", row.id, row.id)
    return conversation_info(row)


def receive_message(
    actor: Actor, *, conversation_id: str, text: str, idempotency_key: str | None = None
) -> ReceivedMessage:
    """Store what a contact said and, if the assistant is on duty, its turn; one transaction.

    A key seen before gives the message it stored. Raises BadInput for an empty or too long text, Conflict for a key
    used with another text, Busy when the workspace's queue is full, NotFound.
    """
    _check_text(text, idempotency_key)
    try:
        with transaction.atomic():
            thread = get(actor, conversation_id, lock=True)
            repeated = _stored_before(actor, thread, idempotency_key)
            if repeated is not None:
                return _repeated(actor, repeated, text)
            at = now()
            _reopen(thread, at)
            row = _store(actor, thread, author="contact", author_id=thread.contact_id, text=text, at=at, commit=False)
            row.idempotency_key = idempotency_key
            if thread.status == "bot":
                row.turn_id = _turn_for(thread, row.sequence, at)
            row.save(force_insert=True)
            _save_thread(thread, at)
            announce(actor.workspace_id, "message.created", row.id, thread.id)
    except IntegrityError:  # the same key arrived twice at the same moment, on a database with many writers
        return receive_message(actor, conversation_id=conversation_id, text=text, idempotency_key=idempotency_key)
    outcome = "pending" if row.turn_id else "left"
    return ReceivedMessage(message_info(row, outcome=outcome, own=actor.kind == "visitor"), row.turn_id or None)


def reveal(actor: Actor, *, message_id: str) -> str:
    """The original of a masked message; who looked is kept. Raises NotFound, NotAllowed."""
    actor.require_role(Role.AGENT)
    with transaction.atomic():
        row = Message.objects.of(actor.workspace_id).filter(id=message_id).first()
        if row is None:
            raise NotFound("There is no such message.", message=message_id)
        audit(actor, "message.revealed", message_id)
    return original(row)


def resolve(actor: Actor, *, conversation_id: str) -> ConversationInfo:
    """End a conversation: the contact, a member or a program says that it is solved. Twice is harmless."""
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        if thread.status != "resolved":
            close(thread, by="contact" if actor.kind == "visitor" else f"{actor.kind}:{actor.id}")
    return conversation_info(thread)


def ask_for_member(actor: Actor, *, conversation_id: str) -> ConversationInfo:
    """The contact, or a program for them, wants a person; twice is harmless. Raises NotFound, NotAllowed."""
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        if thread.status in {"bot", "resolved"}:
            at = now()
            _reopen(thread, at)
            thread.status, thread.waiting_since = "waiting", at
            _save_thread(thread, at)
            leave_pending(thread)
            announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)
    return conversation_info(thread)


def give_feedback(actor: Actor, *, conversation_id: str, message_id: str, value: str, comment: str = "") -> None:
    """Thumbs `up` or `down` on an assistant's message; the last one counts. Raises NotFound, BadInput."""
    if value not in {"up", "down"}:
        raise BadInput(f"Feedback is up or down, not {value!r}.", field="value")
    with transaction.atomic():
        thread = get(actor, conversation_id)
        mine = Message.objects.of(actor.workspace_id).filter(conversation_id=thread.id, author="assistant")
        said = mask(comment, thread.language or None, known=placeholders(thread)).text if comment else ""
        if not mine.filter(id=message_id).update(thumb=value, comment=said):
            raise NotFound("There is no such answer.", message=message_id)
        announce(actor.workspace_id, "message.rated", message_id, thread.id)


def erase_conversations(actor: Actor, *, contact_id: str) -> int:
    """Delete all that a contact said and was told; gives how many conversations."""
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        mine = Conversation.objects.of(actor.workspace_id).filter(contact_id=contact_id)
        ids = list(mine.values_list("id", flat=True))
        for model in (Message, Turn):
            model.objects.of(actor.workspace_id).filter(conversation_id__in=ids).delete()
        mine.delete()
        for conversation_id in ids:
            announce(actor.workspace_id, "conversation.erased", conversation_id, conversation_id)
        audit(actor, "conversations.erased", contact_id, after={"conversations": len(ids)})
    return len(ids)


def close(thread: Conversation, *, by: str) -> None:
    """Mark a locked conversation as resolved, in the caller's transaction; waiting turns are left."""
    thread.status, thread.resolved_at, thread.resolved_by = "resolved", now(), by
    thread.due_at, thread.waiting_since, thread.refusals_in_a_row = None, None, 0
    thread.save(update_fields=["status", "resolved_at", "resolved_by", "due_at", "waiting_since", "refusals_in_a_row"])
    leave_pending(thread)
    announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)


def leave_pending(thread: Conversation) -> None:
    """Turns that nobody claimed yet will not be answered: what they hold is left to a member."""
    waiting = Turn.objects.of(thread.workspace_id).filter(conversation_id=thread.id, state="pending")
    waiting.update(state="done", outcome="left", finished_at=now())


def say(actor: Actor, thread: Conversation, *, author: str, author_id: str, text: str, **fields: Any) -> Message:
    """Store what the assistant, a member or the system says in a locked conversation, in the caller's transaction."""
    at = now()
    row = _store(actor, thread, author=author, author_id=author_id, text=text, at=at, commit=False)
    for name, value in fields.items():
        setattr(row, name, value)
    row.save(force_insert=True)
    _save_thread(thread, at)
    announce(actor.workspace_id, "message.created", row.id, thread.id)
    return row


def _store(
    actor: Actor, thread: Conversation, *, author: str, author_id: str, text: str, at: datetime, commit: bool
) -> Message:
    message_id = new_id("msg")
    thread.last_sequence += 1
    row = Message(
        id=message_id,
        workspace_id=actor.workspace_id,
        conversation_id=thread.id,
        sequence=thread.last_sequence,
        author=author,
        author_id=author_id,
        text=text,
        created_at=at,
    )
    if author in {"contact", "member"}:
        _mask(row, thread)
    if commit:
        row.save(force_insert=True)
    return row


def _mask(row: Message, thread: Conversation) -> None:
    masked = mask(row.text, thread.language or None, known=placeholders(thread))
    if not masked.entities and masked.text == row.text:
        return
    key = workspace_key(thread.workspace_id)
    row.sealed_original = seal(key, row.text, about=row.id)
    row.text = masked.text
    thread.sealed_placeholders = seal(key, json.dumps(dict(masked.placeholders)), about=thread.id)


def _save_thread(thread: Conversation, at: datetime) -> None:
    thread.last_activity_at = at
    idle = {"bot": IDLE_WITH_ASSISTANT, "open": IDLE_WITH_MEMBER}.get(thread.status)
    thread.due_at = at + idle if idle else None
    thread.save(
        update_fields=[
            "last_sequence",
            "last_activity_at",
            "due_at",
            "status",
            "waiting_since",
            "refusals_in_a_row",
            "language",
            "sealed_placeholders",
            "resolved_at",
            "resolved_by",
            "assignee_id",
        ]
    )


def _reopen(thread: Conversation, at: datetime) -> None:
    if thread.status != "resolved":
        return
    on_duty = thread.channel.assistant_on
    thread.status = "bot" if on_duty else "waiting"
    thread.waiting_since = None if on_duty else at
    thread.resolved_at, thread.resolved_by, thread.assignee_id = None, "", ""
    announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)


def _turn_for(thread: Conversation, sequence: int, at: datetime) -> str:
    waiting = Turn.objects.of(thread.workspace_id).filter(state="pending")
    mine = waiting.filter(conversation_id=thread.id)
    pause = timedelta(seconds=float(thread.channel.settings.get("pause_seconds", 0)))
    known = mine.values_list("id", flat=True).first()
    if known is not None:
        mine.update(last_sequence=sequence, due_at=at + pause)
        return str(known)
    limit = settings().pending_turns_per_workspace
    if waiting.count() >= limit:
        raise Busy("Too many messages are waiting for an answer; try again soon.", retry_after=2, waiting=limit)
    turn = Turn(
        workspace_id=thread.workspace_id,
        conversation_id=thread.id,
        last_sequence=sequence,
        created_at=at,
        due_at=at + pause,
    )
    turn.save(force_insert=True)
    return str(turn.id)


def _stored_before(actor: Actor, thread: Conversation, idempotency_key: str | None) -> Message | None:
    if idempotency_key is None:
        return None
    mine = Message.objects.of(actor.workspace_id).filter(conversation_id=thread.id, idempotency_key=idempotency_key)
    return mine.first()


def _repeated(actor: Actor, row: Message, text: str) -> ReceivedMessage:
    if original(row) != text:
        raise Conflict("This Idempotency-Key was used with another text.", idempotency_key=row.idempotency_key)
    return ReceivedMessage(message_infos(actor, [row])[0], row.turn_id or None, repeated=True)


def _check_text(text: str, idempotency_key: str | None) -> None:
    if not text.strip():
        raise BadInput("The message is empty.", field="text")
    if len(text) > TEXT_LIMIT:
        raise BadInput(f"A message has at most {TEXT_LIMIT} characters; this has {len(text)}.", field="text")
    if "\x00" in text:
        raise BadInput("A message cannot hold NUL characters.", field="text")
    if idempotency_key is not None and not 0 < len(idempotency_key) <= 200:
        raise BadInput("An Idempotency-Key has 1 to 200 characters.", field="Idempotency-Key")


def _channel(actor: Actor, channel_id: str | None) -> Channel:
    if channel_id is None:
        found = channel_of_kind(actor, "api")
        channel_id = (
            found.id if found else make_channel(Actor(actor.workspace_id, "system", "kefu"), kind="api", name="API").id
        )
    row = Channel.objects.of(actor.workspace_id).filter(id=channel_id, is_active=True).first()
    if row is None:
        raise NotFound("There is no such channel.", channel=channel_id)
    return row
