"""Reads of channels, conversations, messages and turns; access is checked before a row leaves."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.files.storage import default_storage
from django.db.models import Count, Exists, OuterRef, Q

from kefu.desk.accounts.queries import member_names, workspace_key
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.contacts.queries import names as contact_names
from kefu.desk.crypto import unseal
from kefu.desk.inbox.kinds import Kind, kind_of
from kefu.desk.inbox.models import Attachment, Channel, Conversation, Message, Turn
from kefu.desk.rows import now
from kefu.desk.statements import execute, marks, select
from kefu.kit.errors import NotFound

HISTORY = 12  # messages from the first of a turn backwards: the few before it that a follow-up refers to

# Dispatch works for all workspaces; each turn names its own. All that a turn deals with is read, however long the
# burst, and what was said after it is not.
_ASKED = """
    SELECT turn.id, said.sequence, said.author, said.text, said.turn_id
    FROM inbox_turn AS turn JOIN inbox_message AS said ON said.conversation_id = turn.conversation_id
    WHERE turn.id IN ({ids}) AND NOT said.is_internal AND said.sequence <= turn.last_sequence
        AND said.sequence > (SELECT MIN(sequence) FROM inbox_message AS own WHERE own.turn_id = turn.id) - %s
    ORDER BY said.sequence
"""

_LAST = """
    conversation_id IN ({ids})
    AND sequence = (SELECT last_sequence FROM inbox_conversation WHERE inbox_conversation.id = conversation_id)
"""
_NOT_READ = """
    FROM inbox_message AS said JOIN inbox_conversation AS thread ON thread.id = said.conversation_id
    LEFT JOIN inbox_readmark AS mark ON mark.conversation_id = said.conversation_id AND mark.member_id = %s
    WHERE said.workspace_id = %s AND said.author = 'contact' AND said.sequence > COALESCE(mark.sequence, 0)
"""
_UNREAD = f"SELECT said.conversation_id, COUNT(*) {_NOT_READ} AND said.conversation_id IN ({{ids}}) GROUP BY 1"
_UNREAD_CONVERSATIONS = f"""
    SELECT thread.status, COUNT(DISTINCT thread.id) {_NOT_READ}
    AND (thread.status = 'waiting' OR (thread.status = 'open' AND thread.assignee_id = %s)) GROUP BY 1
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
    created_at: datetime
    has_identity_secret: bool


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
    waiting_since: datetime | None
    address_wanted: bool
    assignee_name: str = ""


@dataclass(frozen=True)
class ThreadInfo:
    """A conversation as the inbox lists it. `unread` counts the contact's messages that the member has not read."""

    conversation: ConversationInfo
    channel: ChannelInfo
    contact_name: str
    unread: int
    last_message: "MessageInfo | None"


@dataclass(frozen=True)
class Counts:
    """How many conversations there are: by status, the member's own, nobody's, and with something unread."""

    by_status: dict[str, int]
    mine: int
    unassigned: int
    unread_waiting: int
    unread_mine: int


@dataclass(frozen=True)
class AttachmentInfo:
    """A file of a conversation. `name` is what the reader may see of it; `size` is in bytes."""

    id: str
    kind: Kind
    name: str
    media_type: str
    size: int


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
    is_masked: bool
    attachments: tuple[AttachmentInfo, ...] = ()


@dataclass(frozen=True)
class Line:
    """A message as a turn needs it: masked."""

    sequence: int
    author: str
    text: str
    turn_id: str


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


def channel(actor: Actor, channel_id: str) -> ChannelInfo:
    """Raises NotFound, NotAllowed."""
    return channel_info(channel_row(actor, channel_id))


def channel_row(actor: Actor, channel_id: str, *, lock: bool = False) -> Channel:
    actor.require(scope=Scope.CONVERSATIONS, role=Role.VIEWER)
    rows = Channel.objects.of(actor.workspace_id)
    row = (rows.select_for_update() if lock else rows).filter(id=channel_id).first()
    if row is None:
        raise NotFound("There is no such channel.", channel=channel_id)
    return row


def identity_secret(channel: ChannelInfo) -> str | None:
    """What signs users' ids on a channel; None where no secret was made."""
    row = Channel.objects.of(channel.workspace_id).filter(id=channel.id).first()
    if row is None or row.sealed_identity_secret is None:
        return None
    return unseal(workspace_key(row.workspace_id), row.sealed_identity_secret, about=row.id).decode()


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
    return with_names(get(actor, conversation_id))


def conversations(
    actor: Actor, *, status: str | None = None, contact_id: str | None = None, limit: int = 50
) -> list[ConversationInfo]:
    """Newest activity first. A visitor sees only their own."""
    rows = _visible(actor).order_by("-last_activity_at")
    if status:
        rows = rows.filter(status=status)
    if contact_id:
        rows = rows.filter(contact_id=contact_id)
    found = list(rows[:limit])
    owners = member_names(actor.workspace_id, {row.assignee_id for row in found} - {""})
    return [conversation_info(row, assignee_name=owners.get(row.assignee_id, "")) for row in found]


def threads(
    actor: Actor,
    *,
    status: str | None = None,
    assignee: str | None = None,
    channel_id: str | None = None,
    search: str = "",
    before: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[ThreadInfo]:
    """Conversations for the inbox, newest activity first.

    `assignee` is a member's id, or "none"; `search` is looked for in (masked) messages; `before` is the last activity
    and id of the last one of the page before.
    """
    actor.require_role(Role.VIEWER)
    rows = Conversation.objects.of(actor.workspace_id).select_related("channel").order_by("-last_activity_at", "-id")
    if status:
        rows = rows.filter(status=status)
    if assignee:
        rows = rows.filter(assignee_id="" if assignee == "none" else assignee)
    if channel_id:
        rows = rows.filter(channel_id=channel_id)
    if search:
        said_so = Message.objects.of(actor.workspace_id).filter(conversation_id=OuterRef("id"), text__icontains=search)
        rows = rows.filter(Exists(said_so))
    if before is not None:
        rows = rows.filter(Q(last_activity_at__lt=before[0]) | Q(last_activity_at=before[0], id__lt=before[1]))
    return _threads(actor, list(rows[:limit]))


def thread(actor: Actor, conversation_id: str) -> ThreadInfo:
    """One conversation as the inbox lists it. Raises NotFound, NotAllowed."""
    actor.require_role(Role.VIEWER)
    return _threads(actor, [get(actor, conversation_id)])[0]


def counts(actor: Actor) -> Counts:
    actor.require_role(Role.VIEWER)
    rows = Conversation.objects.of(actor.workspace_id)
    found = {row["status"]: row["number"] for row in rows.values("status").annotate(number=Count("id")).order_by()}
    mine = rows.filter(status="open", assignee_id=actor.id)
    unread = execute(_UNREAD_CONVERSATIONS, [actor.id, actor.workspace_id, actor.id])
    by_status = {str(row[0]): int(row[1]) for row in unread}
    return Counts(
        by_status={status: found.get(status, 0) for status in ("bot", "waiting", "open", "resolved")},
        mine=mine.count(),
        unassigned=rows.filter(status__in=["waiting", "open"], assignee_id="").count(),
        unread_waiting=by_status.get("waiting", 0),
        unread_mine=by_status.get("open", 0),
    )


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


def attachment(actor: Actor, attachment_id: str, *, conversation_id: str | None = None) -> tuple[AttachmentInfo, bytes]:
    """A file with its bytes, its name as it was given.

    Raises NotFound also for what the actor may not see: somebody else's, one of an internal note, one that a member has
    not sent yet; NotAllowed for viewers, since a file is not masked.
    """
    if actor.kind != "visitor":
        actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
    rows = Attachment.objects.of(actor.workspace_id).filter(id=attachment_id)
    if conversation_id is not None:
        rows = rows.filter(conversation_id=get(actor, conversation_id).id)
    elif actor.kind == "visitor":
        rows = rows.none()
    row = rows.first()
    if row is None or not _may_see(actor, row):
        raise NotFound("There is no such file.", attachment=attachment_id)
    key = workspace_key(row.workspace_id)
    try:
        with default_storage.open(row.file) as file:
            data = unseal(key, file.read(), about=row.id)
    except FileNotFoundError:
        raise NotFound("The file is gone from the storage.", attachment=attachment_id) from None
    name = row.name if row.sealed_name is None else unseal(key, row.sealed_name, about=row.id).decode()
    return attachment_info(row, name=name), data


def _whole(actor: Actor, attachment_id: str) -> dict[str, Any]:
    found, data = attachment(actor, attachment_id)
    return {**vars(found), "base64": base64.b64encode(data).decode()}


def attachment_info(row: Attachment, *, name: str = "") -> AttachmentInfo:
    return AttachmentInfo(row.id, kind_of(row.media_type), name or row.name, row.media_type, row.size)


def _may_see(actor: Actor, row: Attachment) -> bool:
    if actor.kind in {"member", "system"} or (row.author == "contact" and not row.message_id):
        return True
    said = Message.objects.of(actor.workspace_id).filter(id=row.message_id, is_internal=False)
    return bool(said.exists())


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


def turn(actor: Actor, turn_id: str) -> TurnInfo:
    """Raises NotFound, NotAllowed: traces are for members and programs, not for visitors."""
    actor.require(scope=Scope.CONVERSATIONS, role=Role.VIEWER)
    row = Turn.objects.of(actor.workspace_id).filter(id=turn_id).first()
    if row is None:
        raise NotFound("There is no such turn.", turn=turn_id)
    return turn_info(row)


def confidences(actor: Actor, *, days: int = 30, limit: int = 5_000) -> list[float]:
    """How sure the assistant was of its last answers and refusals, newest first."""
    actor.require_role(Role.VIEWER)
    rows = Turn.objects.of(actor.workspace_id).filter(
        state="done",
        confidence__isnull=False,
        created_at__gt=now() - timedelta(days=days),
        decision__in=["approved", "extracted", "generated", "clarify", "refuse"],
    )
    return list(rows.order_by("-created_at").values_list("confidence", flat=True)[:limit])


def history(turn_ids: list[str]) -> dict[str, list[Line]]:
    """What each of several turns is about, by turn: its own messages and the last before, oldest first, no notes."""
    found: dict[str, list[Line]] = {turn_id: [] for turn_id in turn_ids}
    for turn_id, *rest in execute(_ASKED.format(ids=marks(turn_ids)), [*turn_ids, HISTORY]):
        found[turn_id].append(Line(*rest))
    return found


def contacts_of(conversation_ids: list[str]) -> dict[str, tuple[str, str]]:
    """The contact and the channel of conversations of any workspace, for handing out live events."""
    rows = Conversation.objects.across_workspaces("one reader a process").filter(id__in=conversation_ids)
    return {row[0]: (row[1], row[2]) for row in rows.values_list("id", "contact_id", "channel_id")}


def get(actor: Actor, conversation_id: str, *, lock: bool = False) -> Conversation:
    """The conversation's row if the actor may see it; with `lock`, held until the transaction ends."""
    where = "id = %s"
    values: list[str | None] = [conversation_id]
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


def _threads(actor: Actor, rows: list[Conversation]) -> list[ThreadInfo]:
    if not rows:
        return []
    ids = [row.id for row in rows]
    last = select(Message, actor.workspace_id, _LAST.format(ids=marks(ids)), ids)
    shown = {info.conversation_id: info for info in message_infos(actor, last)}
    unread = dict(execute(_UNREAD.format(ids=marks(ids)), [actor.id, actor.workspace_id, *ids]))
    owners = member_names(actor.workspace_id, {row.assignee_id for row in rows} - {""})
    contacts = contact_names(actor, {row.contact_id for row in rows})
    return [
        ThreadInfo(
            conversation=conversation_info(row, assignee_name=owners.get(row.assignee_id, "")),
            channel=channel_info(row.channel),
            contact_name=contacts.get(row.contact_id, ""),
            unread=unread.get(row.id, 0) if row.status in {"waiting", "open"} else 0,
            last_message=shown.get(row.id),
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
    return ChannelInfo(
        row.id,
        row.workspace_id,
        row.kind,
        row.name,
        row.settings,
        row.assistant_on,
        row.is_active,
        row.created_at,
        row.sealed_identity_secret is not None,
    )


def with_names(row: Conversation) -> ConversationInfo:
    """A conversation with its owner's name."""
    return conversation_info(row, assignee_name=owner_name(row))


def owner_name(row: Conversation) -> str:
    """The owner's name as customers see it; empty without one."""
    return member_names(row.workspace_id, {row.assignee_id} - {""}).get(row.assignee_id, "")


def conversation_info(row: Conversation, *, assignee_name: str = "") -> ConversationInfo:
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
        row.waiting_since,
        row.address_wanted,
        assignee_name,
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
        is_masked=not own and row.sealed_original is not None,
        attachments=tuple(_attachment(row, part, own=own) for part in row.attachments or ()),
    )


def _attachment(row: Message, part: dict[str, Any], *, own: bool) -> AttachmentInfo:
    name, sealed = part["name"], part.get("sealed_name")
    if own and sealed:
        name = unseal(workspace_key(row.workspace_id), base64.b64decode(sealed), about=part["id"]).decode()
    return AttachmentInfo(part["id"], kind_of(part["media_type"]), name, part["media_type"], part["size"])


def _visible(actor: Actor) -> Any:
    rows = Conversation.objects.of(actor.workspace_id).select_related("channel")
    if actor.kind == "visitor":
        return rows.filter(contact_id=actor.contact_id, channel_id=actor.channel_id)
    actor.require(scope=Scope.CONVERSATIONS, role=Role.VIEWER)
    return rows
