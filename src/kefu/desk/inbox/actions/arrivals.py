"""Writes of what arrives through pushing channels: each message once, however often its sender repeats it."""

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from kefu.contracts.channel import Incoming, Part
from kefu.desk.accounts.actions import announce
from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, system
from kefu.desk.contacts.care import count_refused
from kefu.desk.contacts.queries import keyed_digest
from kefu.desk.crypto import seal, unseal
from kefu.desk.inbox import texts
from kefu.desk.inbox.actions.attachments import add_attachment
from kefu.desk.inbox.actions.conversations import erase_empty, start_conversation
from kefu.desk.inbox.actions.letting_in import let_in
from kefu.desk.inbox.actions.messages import TEXT_LIMIT, receive_into, tell
from kefu.desk.inbox.actions.messages import Incoming as Heard
from kefu.desk.inbox.actions.state import language_of
from kefu.desk.inbox.models import Arrival, Conversation, Delivery, Reach
from kefu.desk.inbox.queries import ChannelInfo, get
from kefu.desk.rows import now
from kefu.desk.statements import execute, insert, new, select, update
from kefu.kit.errors import BadInput, NotFound
from kefu.kit.settings import settings

_PROFILE_VALUE = 200  # characters of a name or an address that a channel tells
_TEXT = TEXT_LIMIT - 500  # characters of one part: places and names of files have room beside it
_FILES = frozenset({"audio", "image", "file"})

_UNDONE = """
    SELECT 1 FROM inbox_arrival WHERE workspace_id = %s AND conversation_id = %s AND state IN ('waiting', 'claimed')
    LIMIT 1
"""
_WAKE_KEPT = """
    UPDATE inbox_delivery SET state = 'pending', due_at = %s
    WHERE workspace_id = %s AND conversation_id = %s AND state = 'kept'
    RETURNING id
"""


@dataclass(frozen=True)
class Brought:
    """What came in through a channel. `held`: replies go back with the request that brought it."""

    channel: ChannelInfo
    incoming: Incoming
    held: bool = False


@dataclass(frozen=True)
class Arrived:
    """What became of something that came in.

    `state` is stored, waiting (its files are fetched next), or open (the caller keeps its files now and then calls
    `store_arrival`). `tries` counts how often it came. `turn_id` is empty where no turn deals with it.
    """

    id: str
    workspace_id: str
    conversation_id: str
    message_id: str
    turn_id: str
    state: str
    tries: int
    repeated: bool


def arrive(channel: ChannelInfo, incoming: Incoming, *, held: bool = False) -> Arrived:
    """Store what came in, in one transaction with its message and turn; what is known already is only counted.

    What has files waits for them, and so does what the same customer says meanwhile. `held`: replies go back with a
    request. Raises Busy when the workspace's queue is full; nothing is stored then.
    """
    incoming = fit(incoming)
    try:
        with transaction.atomic():
            return _arrive(channel, incoming, held)
    # The same message, or the same customer's first two, arrived at the same moment; or their conversation, in which
    # nothing had been said, went meanwhile.
    except (IntegrityError, NotFound):
        with transaction.atomic():
            return _arrive(channel, incoming, held)


def arrive_together(brought: Sequence[Brought]) -> list[Arrived | Exception]:
    """Store what several customers sent, in order and in one transaction; each is stored or refused by itself.

    As `receive_messages` does, and for the same reason.
    """
    arrived: list[Arrived | Exception] = []
    try:
        with transaction.atomic():
            for each in brought:
                arrived.append(_arrive(each.channel, fit(each.incoming), each.held))
    except Exception:
        if len(arrived) == len(brought):  # nothing is wrong with any of them: the commit itself failed
            raise
        return [_alone(each) for each in brought]
    return arrived


def keep_part(arrived: Arrived, part: Part) -> str | None:
    """Keep a part's bytes for the message that will hold it; gives the upload's id, None for one of an unfit kind.

    Raises TooLarge, Busy past what one customer may send in a day.
    """
    actor = _actor(arrived.workspace_id)
    try:
        kept = add_attachment(actor, conversation_id=arrived.conversation_id, name=part.name, data=part.data or b"")
    except BadInput as error:
        if error.fields.get("reason") in {"kind", "empty", "off"}:
            return None
        raise
    return kept.id


def store_arrival(
    workspace_id: str, arrival_id: str, incoming: Incoming, *, uploads: Sequence[str], unfit: Sequence[str] = ()
) -> Arrived:
    """Make messages of an arrival whose files were kept. Harmless for one that is stored already.

    `unfit` are names of files that could not be kept, of which the message tells. Raises Busy, NotFound.
    """
    incoming = fit(incoming)
    with transaction.atomic():
        row = Arrival.objects.of(workspace_id).select_for_update().filter(id=arrival_id).first()
        if row is None:
            raise NotFound("There is no such arrival.", arrival=arrival_id)
        if row.state in {"stored", "dropped"}:
            return _arrived(row, repeated=True)
        thread, is_blocked = let_in(_actor(workspace_id), row.conversation_id)
        if is_blocked:  # meanwhile, while its files were fetched
            row.state, row.sealed_incoming, row.lease_until = "dropped", None, None
            row.save(update_fields=["state", "sealed_incoming", "lease_until"])
            count_refused(workspace_id, thread.contact_id)
            return _arrived(row)
        _say(row, thread, incoming, uploads, unfit)
        row.save()
        return _arrived(row)


def drop_arrival(workspace_id: str, arrival_id: str) -> None:
    """Nothing of it can be kept: its files are refused, and it said nothing besides.

    A conversation that began with it, and in which nothing was said, goes with it.
    """
    with transaction.atomic():
        row = Arrival.objects.of(workspace_id).select_for_update().filter(id=arrival_id).first()
        if row is None:
            return
        row.state, row.sealed_incoming, row.claimed_by, row.lease_until = "dropped", None, "", None
        row.save(update_fields=["state", "sealed_incoming", "claimed_by", "lease_until"])
        erase_empty(_actor(workspace_id), conversation_id=row.conversation_id)


def incoming_of(row: Arrival) -> Incoming:
    """What came, of an arrival whose files are still to be fetched."""
    held = json.loads(unseal(workspace_key(row.workspace_id), row.sealed_incoming or b"", about=row.id))
    at = datetime.fromisoformat(held["at"]) if held["at"] else None
    parts = tuple(Part(**{**part, "data": part["data"] and base64.b64decode(part["data"])}) for part in held["parts"])
    return Incoming(**{**held, "at": at, "parts": parts})


def wants_files(incoming: Incoming) -> bool:
    """Whether files come along that are still to be fetched."""
    return any(part.kind in _FILES and part.data is None for part in incoming.parts)


def fit(incoming: Incoming) -> Incoming:
    """Without what no database takes; a text that is too long for a message comes as a file besides."""
    parts: list[Part] = []
    for part in incoming.parts:
        text = part.text.replace("\0", "").encode("utf-8", "replace").decode()
        if part.kind == "text" and len(text) > _TEXT:
            parts.append(replace(part, text=f"{text[: _TEXT - 1]}…"))
            parts.append(Part("file", data=text.encode(), name="message.txt"))
        else:
            parts.append(replace(part, text=text))
    return replace(incoming, parts=tuple(parts))


def _alone(brought: Brought) -> Arrived | Exception:
    try:
        return arrive(brought.channel, brought.incoming, held=brought.held)
    except Exception as error:  # it belongs to this one; the others are stored
        return error


def _arrive(channel: ChannelInfo, incoming: Incoming, held: bool) -> Arrived:
    workspace_id = channel.workspace_id
    digest = keyed_digest(workspace_id, incoming.external_id)
    for known in select(Arrival, workspace_id, "channel_id = %s AND digest = %s", [channel.id, digest], lock=True):
        known.tries += 1
        update(known, ["tries"])
        return _arrived(known, repeated=True)
    thread, is_blocked = _reached(channel, incoming, held)
    row = new(
        Arrival, workspace_id=workspace_id, channel_id=channel.id, digest=digest, conversation_id=thread.id, state=""
    )
    row.state = _state(thread, incoming)
    if is_blocked:  # acknowledged, so that nobody sends it again, and counted
        row.state = "dropped"
        insert(row)
        count_refused(workspace_id, thread.contact_id)
        return _arrived(row)
    if row.state == "stored":
        _say(row, thread, incoming, (), ())
        insert(row)
    else:
        if row.state == "waiting":
            row.sealed_incoming = seal(workspace_key(workspace_id), _json(incoming), about=row.id)
        insert(row)
        announce(workspace_id, "arrival.waiting", row.id, thread.id)
    return _arrived(row)


def _state(thread: Conversation, incoming: Incoming) -> str:
    """What has files to fetch waits for them; what is said meanwhile waits too, so that it stays in order."""
    if wants_files(incoming) or execute(_UNDONE, [thread.workspace_id, thread.id]):
        return "waiting"
    return "open" if any(part.data is not None for part in incoming.parts) else "stored"


def _reached(channel: ChannelInfo, incoming: Incoming, held: bool) -> tuple[Conversation, bool]:
    """The conversation of this customer, locked, whether they are blocked, and how to reach them from now on."""
    actor = _actor(channel.workspace_id)
    digest = keyed_digest(channel.workspace_id, f"{incoming.contact}\0{incoming.thread}")
    found = select(Reach, channel.workspace_id, "channel_id = %s AND digest = %s", [channel.id, digest])
    if found:
        conversation_id = found[0].conversation_id
    else:
        profile = {name: value[:_PROFILE_VALUE] for name, value in incoming.profile.items() if value}
        started = start_conversation(
            actor, channel_id=channel.id, external_id=incoming.contact, profile=profile or None
        )
        conversation_id = started.id
    thread, is_blocked = let_in(actor, conversation_id)
    address = {
        "to": incoming.contact,
        "thread": incoming.thread,
        "reply_to": incoming.external_id,
        "context": dict(incoming.context),
    }
    at = now()
    heard = {
        "sealed_address": seal(workspace_key(channel.workspace_id), json.dumps(address), about=thread.id),
        "last_inbound_at": at,
        "used": 0,
        "is_held": held,
        "gone_at": None,
    }
    if found:
        for name, value in heard.items():
            setattr(found[0], name, value)
        update(found[0], tuple(heard))
    else:
        placed = {"workspace_id": channel.workspace_id, "channel_id": channel.id, "conversation_id": thread.id}
        insert(new(Reach, **placed, digest=digest, **heard))
    if not held:
        execute(_WAKE_KEPT, [at, channel.workspace_id, thread.id])
    return thread, is_blocked


def _say(row: Arrival, thread: Conversation, incoming: Incoming, uploads: Sequence[str], unfit: Sequence[str]) -> None:
    """Store an arrival's messages, as many as its files need, nearly always one; what it became is in the row."""
    text = _words(incoming, thread, unfit)
    pressed = next((part.pressed for part in incoming.parts if part.pressed), "")
    actor, most = _actor(row.workspace_id), max(settings().attachments_per_message, 1)
    groups = [uploads[start : start + most] for start in range(0, len(uploads), most)] or [()]
    for number, group in enumerate(groups):
        said = text if number == 0 else ""
        if not said and not group:
            continue
        heard = Heard(actor, thread.id, said, group, pressed="" if number else pressed)
        received = receive_into(thread, heard)
        row.message_id, row.turn_id = received.message.id, received.turn_id or ""
    row.state, row.sealed_incoming, row.claimed_by, row.lease_until = "stored", None, "", None
    for part in incoming.parts:
        if part.kind == "event":
            _happened(thread, part.text)


def _happened(thread: Conversation, event: str) -> None:
    if event == "unsubscribe":
        Reach.objects.of(thread.workspace_id).filter(conversation_id=thread.id).update(gone_at=now())
        undone = Delivery.objects.of(thread.workspace_id).filter(conversation_id=thread.id)
        undone.filter(state__in=["pending", "kept"]).update(state="dropped", error="The customer has left.")
    elif event == "subscribe":
        greeting = thread.channel.settings.get("greeting")
        if isinstance(greeting, dict):
            greeting = greeting.get(language_of(thread)) or greeting.get("en")
        if greeting:
            locked = get(_actor(thread.workspace_id), thread.id, lock=True)
            tell(locked, "greeting", text=str(greeting))


def _words(incoming: Incoming, thread: Conversation, unfit: Sequence[str]) -> str:
    lines = [_line(part) for part in incoming.parts if part.kind in {"text", "location"}]
    lines += [texts.to_customer("file_unfit", language_of(thread), name=name).strip() for name in unfit]
    return "\n".join(line for line in lines if line.strip())[:TEXT_LIMIT]


def _line(part: Part) -> str:
    if part.kind == "text":
        return part.text
    place = f"{part.latitude:.6f}, {part.longitude:.6f}"
    return f"📍 {part.text} ({place})" if part.text else f"📍 {place}"


def _json(incoming: Incoming) -> str:
    held: dict[str, Any] = asdict(incoming)
    held["at"] = incoming.at.isoformat() if incoming.at else None
    for part in held["parts"]:
        part["data"] = part["data"] and base64.b64encode(part["data"]).decode()
    return json.dumps(held)


def _arrived(row: Arrival, *, repeated: bool = False) -> Arrived:
    return Arrived(
        row.id, row.workspace_id, row.conversation_id, row.message_id, row.turn_id, row.state, row.tries, repeated
    )


def _actor(workspace_id: str) -> Actor:
    return system(workspace_id, "channel")
