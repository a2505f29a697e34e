"""Writes of messages. Claiming and finishing the turns that answer them is dispatch's: `due.py`."""

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from kefu.brain.back import calls_assistant
from kefu.desk.accounts.actions import announce, audit
from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role, system
from kefu.desk.contacts.actions import change_profile
from kefu.desk.contacts.care import Blocked, count_refused
from kefu.desk.crypto import seal
from kefu.desk.inbox import texts
from kefu.desk.inbox.actions.attachments import put_into, uploaded
from kefu.desk.inbox.actions.deliveries import queue
from kefu.desk.inbox.actions.happenings import happened, said
from kefu.desk.inbox.actions.letting_in import let_in
from kefu.desk.inbox.actions.state import language_of, reopen, save, wake
from kefu.desk.inbox.listeners import AFTER_END
from kefu.desk.inbox.models import Attachment, Conversation, Message, Turn
from kefu.desk.inbox.queries import MessageInfo, get, message_info, message_infos, original, placeholders
from kefu.desk.rows import now
from kefu.desk.statements import execute, insert, new, update
from kefu.kit.errors import BadInput, Busy, Conflict, NotFound
from kefu.kit.ids import new_id
from kefu.kit.settings import settings
from kefu.knowledge.masking import mask
from kefu.knowledge.masking.find import find

TEXT_LIMIT = 8_000  # characters of one message: a long mail; more is a file

# NOT (state = 'done') names the index of undone turns; without it SQLite counts over all turns of the workspace.
_WAITING = """
    SELECT (SELECT id FROM inbox_turn WHERE workspace_id = %s AND conversation_id = %s AND state = 'pending'),
           (SELECT COUNT(*) FROM inbox_turn WHERE workspace_id = %s AND state = 'pending' AND NOT (state = 'done'))
"""
# Where there are many writers, dispatch may claim the turn between the two statements: its worker has read what to
# answer by then, so what came later needs a turn of its own.
_JOIN = """
    UPDATE inbox_turn SET last_sequence = %s, due_at = %s WHERE id = %s AND workspace_id = %s AND state = 'pending'
    RETURNING id
"""


@dataclass(frozen=True)
class ReceivedMessage:
    """A stored message and the turn that will deal with it (None: a member will). `repeated`: stored before."""

    message: MessageInfo
    turn_id: str | None
    repeated: bool = False


@dataclass(frozen=True)
class Taken:
    """A message after the end that answers what was asked then, and begins nothing anew.

    `mark` is kept with it; `keep` is called in its transaction once it is stored, with the conversation locked.
    """

    mark: dict[str, Any]
    keep: Callable[[], None]


@dataclass(frozen=True)
class Incoming:
    """What a contact said. `attachments` are ids of uploads; with any, the text may be empty.

    `pressed` is the value of the button that it was said with: counts where the assistant's last message offers it.
    Then the text may be empty, too, and is the button's.
    """

    actor: Actor
    conversation_id: str
    text: str
    attachments: Sequence[str] = ()
    idempotency_key: str | None = None
    pressed: str = ""


def receive_message(
    actor: Actor,
    *,
    conversation_id: str,
    text: str,
    attachments: Sequence[str] = (),
    idempotency_key: str | None = None,
    pressed: str = "",
) -> ReceivedMessage:
    """Store what a contact said and, if the assistant is on duty, its turn; one transaction.

    What the arguments are, `Incoming` says. A key seen before gives the message it stored.
    Raises BadInput for an empty or too long text, Conflict for a key used with another text, Busy when the workspace's
    queue is full, Blocked for a contact whose messages are not taken, NotFound.
    """
    incoming = Incoming(actor, conversation_id, text, attachments, idempotency_key, pressed)
    try:
        with transaction.atomic():
            return _receive(incoming)
    except IntegrityError:  # the same key arrived twice at the same moment, on a database with many writers
        with transaction.atomic():
            return _receive(incoming)
    except Blocked as error:
        count_refused(actor.workspace_id, error.fields["contact"])
        raise


def receive_messages(incoming: Sequence[Incoming]) -> list[ReceivedMessage | Exception]:
    """Store what several contacts said, in order and in one transaction; each is stored or refused by itself.

    For a database with one writer, where a transaction costs as much as what it stores: every one rewrites the same few
    pages. Many writers would lock each other's conversations.
    """
    stored: list[ReceivedMessage | Exception] = []
    try:
        with transaction.atomic():
            for each in incoming:
                stored.append(_receive(each))
    except Exception:
        if len(stored) == len(incoming):  # nothing is wrong with any of them: the commit itself failed
            raise
        return [_alone(each) for each in incoming]
    return stored


def reply(
    actor: Actor,
    *,
    conversation_id: str,
    text: str,
    attachments: Sequence[str] = (),
    idempotency_key: str | None = None,
) -> ReceivedMessage:
    """Say something to the customer as a member. A conversation that nobody owns becomes the member's own.

    Raises Conflict that names the owner if somebody else has it, Conflict for a resolved one, BadInput, NotFound,
    NotAllowed.
    """
    return _by_member(actor, conversation_id, text, attachments, idempotency_key, is_internal=False)


def note(
    actor: Actor,
    *,
    conversation_id: str,
    text: str,
    attachments: Sequence[str] = (),
    idempotency_key: str | None = None,
    mentions: Sequence[str] = (),
) -> ReceivedMessage:
    """Write something down that only members see; those with the ids `mentions` are told.

    Raises BadInput, Conflict, NotFound, NotAllowed.
    """
    return _by_member(actor, conversation_id, text, attachments, idempotency_key, is_internal=True, mentions=mentions)


def reveal(actor: Actor, *, message_id: str) -> str:
    """The original of a masked message; who looked is kept. Raises NotFound, NotAllowed."""
    actor.require_role(Role.AGENT)
    with transaction.atomic():
        row = Message.objects.of(actor.workspace_id).filter(id=message_id).first()
        if row is None:
            raise NotFound("There is no such message.", message=message_id)
        audit(actor, "message.revealed", message_id)
    return original(row)


def give_feedback(actor: Actor, *, conversation_id: str, message_id: str, value: str, comment: str = "") -> None:
    """Thumbs `up` or `down` on an assistant's message; the last one counts. Raises NotFound, BadInput."""
    if value not in {"up", "down"}:
        raise BadInput(f"Feedback is up or down, not {value!r}.", field="value")
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        mine = Message.objects.of(actor.workspace_id).filter(conversation_id=thread.id, author="assistant")
        words = mask(comment, thread.language or None, known=placeholders(thread)).text if comment else ""
        before = mine.filter(id=message_id).values_list("thumb", flat=True).first()
        if before is None:
            raise NotFound("There is no such answer.", message=message_id)
        mine.filter(id=message_id).update(thumb=value, comment=words)
        if before != value:
            happened(thread, "thumbed", by="contact", old=before, new=value)
            update(thread, ["clock"])
        announce(actor.workspace_id, "message.rated", message_id, thread.id)


def say(
    actor: Actor,
    thread: Conversation,
    *,
    author: str,
    author_id: str,
    text: str,
    files: Sequence[Attachment] = (),
    turn: Mapping[str, Any] | None = None,
    original: str | None = None,
    **fields: Any,
) -> Message:
    """Store what the assistant, a member or the system says in a locked conversation, in the caller's transaction.

    `turn` is what `turn_facts` tells of the turn that an assistant's message answers. `original` is what the customer
    reads where `text` has placeholders.
    """
    at = now()
    row = _new(actor, thread, author=author, author_id=author_id, text=text, at=at)
    for name, value in fields.items():
        setattr(row, name, value)
    if original is not None and original != text:
        row.sealed_original = seal(workspace_key(thread.workspace_id), original, about=row.id)
    put_into(row, files)
    insert(row)
    said(thread, row, turn)
    save(thread, at)
    if not row.is_internal:
        queue(thread, row)
    announce(actor.workspace_id, "message.created", row.id, thread.id)
    return row


def tell(thread: Conversation, key: str, *, text: str | None = None, **fields: str) -> None:
    """Say a sentence of the system's own, or `text`, to the customer in a locked conversation."""
    text = text or texts.to_customer(key, language_of(thread), **fields)
    say(system(thread.workspace_id), thread, author="system", author_id="", text=text)


def keep_address(thread: Conversation, email: str) -> None:
    """Keep the address in the contact's profile and thank them, in the caller's transaction. Raises BadInput."""
    change_profile(system(thread.workspace_id), contact_id=thread.contact_id, changes={"email": email})
    thread.address_wanted = False
    tell(thread, "address_kept")
    announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)


def _alone(incoming: Incoming) -> ReceivedMessage | Exception:
    try:
        with transaction.atomic():
            return _receive(incoming)
    except Exception as error:  # it belongs to this message; the others are stored
        if isinstance(error, Blocked):
            count_refused(incoming.actor.workspace_id, error.fields["contact"])
        return error


def _receive(incoming: Incoming) -> ReceivedMessage:
    """Store a contact's message and its turn in the caller's transaction."""
    thread, is_blocked = let_in(incoming.actor, incoming.conversation_id)
    if is_blocked:
        raise Blocked("The company takes no messages from you.", contact=thread.contact_id)
    return receive_into(thread, incoming)


def receive_into(thread: Conversation, incoming: Incoming) -> ReceivedMessage:
    """Store what a contact said in a locked conversation, in the caller's transaction. Raises as `receive_message`."""
    actor, text = incoming.actor, incoming.text
    pressed = ""
    if incoming.pressed:
        pressed, text = _pressed(thread, incoming)
    _check_text(text, incoming.idempotency_key, incoming.attachments)
    repeated = _stored_before(actor, thread, incoming.idempotency_key)
    if repeated is not None:
        return _repeated(actor, repeated, text, incoming.attachments)
    at = now()
    files = uploaded(actor, thread, incoming.attachments)
    taken = _taken(thread, text) if thread.status == "resolved" and not files else None
    if taken is None:
        reopen(thread, at)
    wake(thread, by="contact")
    row = _new(actor, thread, author="contact", author_id=thread.contact_id, text=text, at=at)
    row.idempotency_key = incoming.idempotency_key
    row.pressed = pressed
    put_into(row, files)
    if thread.status == "bot":
        row.turn_id = turn_for(thread, row.sequence, at)
    if taken is not None:
        row.answer = taken.mark
    insert(row)
    if taken is None:
        said(thread, row)
    save(thread, at)
    announce(actor.workspace_id, "message.created", row.id, thread.id)
    if taken is not None:
        taken.keep()
        update(thread, ["clock"])
    if thread.address_wanted:
        _look_for_address(thread, text)
    if thread.status == "waiting" and thread.channel.assistant_on and calls_assistant(text):
        _call_off(thread, row)
    outcome = "pending" if row.turn_id else "left" if taken is None else "replied"
    return ReceivedMessage(message_info(row, outcome=outcome, own=actor.kind == "visitor"), row.turn_id or None)


def _pressed(thread: Conversation, incoming: Incoming) -> tuple[str, str]:
    """What was pressed and what that says; a button that is not offered any more is no more than its words."""
    repeated = _stored_before(incoming.actor, thread, incoming.idempotency_key)
    if repeated is not None:
        return repeated.pressed, incoming.text or original(repeated)
    said = Message.objects.of(thread.workspace_id).filter(conversation_id=thread.id, author="assistant")
    answer = said.order_by("-sequence").values_list("answer", flat=True).first() or {}
    labels = answer.get("quick_replies") or []
    offered = dict(zip(answer.get("quick_reply_values") or labels, labels, strict=False))
    if incoming.pressed not in offered:
        return "", incoming.text
    return incoming.pressed, incoming.text or offered[incoming.pressed]


def _taken(thread: Conversation, text: str) -> Taken | None:
    found = (listener(thread, text) for listener in AFTER_END)
    return next((each for each in found if each is not None), None)


def _call_off(thread: Conversation, call: Message) -> None:
    # Imported here: calling a hand-over off says things too.
    from kefu.desk.inbox.actions.calling_off import call_off

    call_off(thread, call.created_at, but=call)


def _by_member(
    actor: Actor,
    conversation_id: str,
    text: str,
    attachments: Sequence[str],
    idempotency_key: str | None,
    *,
    is_internal: bool,
    mentions: Sequence[str] = (),
) -> ReceivedMessage:
    # Imported here: conversations say things too, when a member joins them.
    from kefu.desk.inbox.actions.conversations import member_only, refuse_resolved, take_locked
    from kefu.desk.inbox.actions.drafts import forget_draft
    from kefu.desk.inbox.actions.mentions import mention

    member_only(actor)
    _check_text(text, idempotency_key, attachments)
    # A member's keys must not meet the customer's, which are unique in the conversation as well.
    key = hashlib.sha256(f"{actor.id} {idempotency_key}".encode()).hexdigest() if idempotency_key else None
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        stored = _stored_before(actor, thread, key)
        if stored is not None:
            return _repeated(actor, stored, text, attachments)
        files = uploaded(actor, thread, attachments)
        if not is_internal:
            refuse_resolved(thread)
            take_locked(actor, thread)
        row = say(
            actor,
            thread,
            author="member",
            author_id=actor.id,
            text=text,
            files=files,
            idempotency_key=key,
            is_internal=is_internal,
        )
        forget_draft(actor, thread)
        if mentions:
            mention(actor, thread, row, mentions)
    return ReceivedMessage(message_infos(actor, [row])[0], None)


def _look_for_address(thread: Conversation, text: str) -> None:
    """The contact was asked for an address: one that stands in what they say is kept."""
    found = next((entity.text for entity in find(text) if entity.kind == "EMAIL"), None)
    if found is not None:
        with contextlib.suppress(BadInput):
            keep_address(thread, found)


def _new(actor: Actor, thread: Conversation, *, author: str, author_id: str, text: str, at: datetime) -> Message:
    """The conversation's next message, masked where a person wrote it, not yet stored."""
    message_id = new_id("msg")
    thread.last_sequence += 1
    row = new(
        Message,
        id=message_id,
        workspace_id=actor.workspace_id,
        conversation_id=thread.id,
        sequence=thread.last_sequence,
        author=author,
        author_id=author_id,
        text=text,
        created_at=at,
    )
    if text and author in {"contact", "member"}:
        mask_into(row, thread)
    return row


def mask_into(row: Message, thread: Conversation) -> None:
    """Mask a message's text and seal its original, with the conversation's own placeholders; neither is stored yet."""
    masked = mask(row.text, thread.language or None, known=placeholders(thread))
    if not masked.entities and masked.text == row.text:
        return
    key = workspace_key(thread.workspace_id)
    row.sealed_original = seal(key, row.text, about=row.id)
    row.text = masked.text
    thread.sealed_placeholders = seal(key, json.dumps(dict(masked.placeholders)), about=thread.id)


def turn_for(thread: Conversation, sequence: int, at: datetime) -> str:
    """The turn that the message joins, or a new one where none waits. Raises Busy when too many wait."""
    due_at = at + timedelta(seconds=float(thread.channel.settings.get("pause_seconds", 0)))
    [(known, waiting)] = execute(_WAITING, [thread.workspace_id, thread.id, thread.workspace_id])
    if known is not None and execute(_JOIN, [sequence, due_at, known, thread.workspace_id]):
        return str(known)
    limit = settings().pending_turns_per_workspace
    if waiting >= limit:
        raise Busy("Too many messages are waiting for an answer; try again soon.", retry_after=2, waiting=limit)
    turn = new(
        Turn,
        workspace_id=thread.workspace_id,
        conversation_id=thread.id,
        last_sequence=sequence,
        created_at=at,
        due_at=due_at,
    )
    insert(turn)
    return str(turn.id)


def _stored_before(actor: Actor, thread: Conversation, idempotency_key: str | None) -> Message | None:
    if idempotency_key is None:
        return None
    mine = Message.objects.of(actor.workspace_id).filter(conversation_id=thread.id, idempotency_key=idempotency_key)
    return mine.first()


def _repeated(actor: Actor, row: Message, text: str, attachments: Sequence[str]) -> ReceivedMessage:
    if original(row) != text or [part["id"] for part in row.attachments or ()] != list(attachments):
        raise Conflict("This Idempotency-Key was used with another text.", idempotency_key=row.idempotency_key)
    return ReceivedMessage(message_infos(actor, [row])[0], row.turn_id or None, repeated=True)


def _is_unicode(text: str) -> bool:
    # A JSON escape such as \\ud83d alone gives half of a character, which no database takes.
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_text(text: str, idempotency_key: str | None, attachments: Sequence[str]) -> None:
    if not text.strip() and (text or not attachments):
        raise BadInput("The message is empty.", field="text")
    if len(text) > TEXT_LIMIT:
        raise BadInput(f"A message has at most {TEXT_LIMIT} characters; this has {len(text)}.", field="text")
    if "\x00" in text or not _is_unicode(text):
        raise BadInput("A message cannot hold NUL characters or halves of characters.", field="text")
    if idempotency_key is not None and not 0 < len(idempotency_key) <= 200:
        raise BadInput("An Idempotency-Key has 1 to 200 characters.", field="Idempotency-Key")
