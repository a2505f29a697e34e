"""Reads of conversations."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q

from kefu.desk.accounts.queries import member_names
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.contacts.queries import names as contact_names
from kefu.desk.inbox.models import Conversation, Message
from kefu.desk.inbox.queries.channels import ChannelInfo, channel_info
from kefu.desk.inbox.queries.messages import MessageInfo, message_infos
from kefu.desk.inbox.queries.rows import get
from kefu.desk.statements import execute, marks, select

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


def contacts_of(conversation_ids: list[str]) -> dict[str, tuple[str, str]]:
    """The contact and the channel of conversations of any workspace, for handing out live events."""
    rows = Conversation.objects.across_workspaces("one reader a process").filter(id__in=conversation_ids)
    return {row[0]: (row[1], row[2]) for row in rows.values_list("id", "contact_id", "channel_id")}


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


def _visible(actor: Actor) -> Any:
    rows = Conversation.objects.of(actor.workspace_id).select_related("channel")
    if actor.kind == "visitor":
        return rows.filter(contact_id=actor.contact_id, channel_id=actor.channel_id)
    actor.require(scope=Scope.CONVERSATIONS, role=Role.VIEWER)
    return rows
