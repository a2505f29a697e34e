"""Reads of conversations."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count

from kefu.desk.accounts.queries import member_names
from kefu.desk.accounts.team_queries import team_names
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.contacts.queries import names as contact_names
from kefu.desk.inbox.filters import Filter, Place, chosen, indexed, newest
from kefu.desk.inbox.models import Conversation, Mention, Message
from kefu.desk.inbox.queries.channels import ChannelInfo, channel_info
from kefu.desk.inbox.queries.labels import labels_of
from kefu.desk.inbox.queries.messages import MessageInfo, message_infos
from kefu.desk.inbox.queries.routing import place_in_queue
from kefu.desk.inbox.queries.rows import get
from kefu.desk.inbox.routing import PRIORITIES
from kefu.desk.inbox.searching import said_in
from kefu.desk.statements import execute, marks, select_across_workspaces

EVERY = Filter()
_MENTIONS_COUNTED = 1_000  # whoever was named so often reads the list, not the number
# Told of a workspace as well, SQLite may read all of it for fifty conversations.
_WHY = "the conversations are one workspace's, which the caller has read"

# A message that this member has not read, of a conversation whose row is `thread` and whose mark, if any, is `mark`.
_SAID = """
    inbox_message AS said WHERE said.conversation_id = thread.id AND said.author = 'contact'
    AND said.sequence > COALESCE(mark.sequence, 0)
"""

_MARKED = "LEFT JOIN inbox_readmark AS mark ON mark.conversation_id = thread.id AND mark.member_id = %s"

_UNREAD = f"""
    SELECT thread.id, (SELECT COUNT(*) FROM {_SAID}) FROM inbox_conversation AS thread {_MARKED}
    WHERE thread.id IN ({{ids}})
"""  # noqa: S608 - no value is in it

_ASKED = """
    SELECT thread.id, (
        SELECT said.text FROM inbox_message AS said WHERE said.conversation_id = thread.id AND said.author = 'contact'
        ORDER BY said.sequence DESC LIMIT 1
    ) FROM inbox_conversation AS thread WHERE thread.id IN ({ids})
"""

_UNREAD_CONVERSATIONS = f"""
    SELECT thread.status, COUNT(*) FROM {{table}} {_MARKED}
    WHERE thread.workspace_id = %s AND thread.status = {{status}} AND EXISTS (SELECT 1 FROM {_SAID}) GROUP BY 1
"""  # noqa: S608 - no value is in it
_OWN = "SELECT thread.is_snoozed, COUNT(*) FROM {table} WHERE {where} GROUP BY 1"
_OPEN_OF = "thread.workspace_id = %s AND thread.assignee_id = %s AND thread.status = 'open'"


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
    intent: str = ""
    labels: tuple[str, ...] = ()
    is_snoozed: bool = False
    snoozed_until: datetime | None = None
    team_id: str = ""
    priority: str = "none"
    offered_to: str = ""
    escalated_at: datetime | None = None
    sla_clock: str = ""
    sla_state: str = ""
    sla_due_at: datetime | None = None
    queue_position: int | None = None


@dataclass(frozen=True)
class ThreadInfo:
    """A conversation as the inbox lists it. `unread` counts the contact's messages that the member has not read.

    `asked` is what the contact said last, while they wait: what was said since is that somebody will come.
    """

    conversation: ConversationInfo
    channel: ChannelInfo
    contact_name: str
    unread: int
    last_message: "MessageInfo | None"
    team_name: str = ""
    offered_name: str = ""
    asked: str = ""


@dataclass(frozen=True)
class Counts:
    """How many conversations there are: by status, the member's own, nobody's, and with something unread.

    `mine` are those that are not `snoozed`; `mentions` are conversations with a note that names the member, not seen.
    """

    by_status: dict[str, int]
    mine: int
    unassigned: int
    unread_waiting: int
    unread_mine: int
    snoozed: int
    mentions: int


def conversation(actor: Actor, conversation_id: str) -> ConversationInfo:
    """With its place among those who wait. Raises NotFound also for a visitor who asks for somebody else's."""
    row = get(actor, conversation_id)
    return with_names(row)


def conversations(
    actor: Actor, *, status: str | None = None, contact_id: str | None = None, limit: int = 50
) -> list[ConversationInfo]:
    """Newest activity first. A visitor sees only their own."""
    rows = _visible(actor).order_by("-last_activity_at")
    if status:
        rows = rows.filter(status=status)
    if contact_id:
        rows = rows.filter(contact_id=contact_id)
    newest = list(rows[:limit])
    owners = member_names(actor.workspace_id, {row.assignee_id for row in newest} - {""})
    own = actor.kind == "visitor"
    return [
        conversation_info(
            row, assignee_name=owners.get(row.assignee_id, ""), place=place_in_queue(row) if own else None
        )
        for row in newest
    ]


def threads(
    actor: Actor,
    wanted: Filter = EVERY,
    *,
    search: str = "",
    before: Place | None = None,
    limit: int = 50,
) -> list[ThreadInfo]:
    """Conversations for the inbox, newest activity first.

    `search` is looked for in (masked) messages; `before` is the last activity and id of the last one of the page
    before.
    """
    actor.require_role(Role.VIEWER)
    among = chosen(actor, wanted, before)
    if search := search.replace("\0", ""):
        return _threads(actor, _of_ids(said_in(among, search, limit=limit)))
    return _threads(actor, _of_ids(newest(among, limit)))


def _of_ids(ids: list[str]) -> list[Conversation]:
    """Rows in the order of their ids, which are of what the actor may see."""
    everywhere = Conversation.objects.across_workspaces(_WHY).select_related("channel")
    rows = {row.id: row for row in everywhere.filter(id__in=ids)}
    return [rows[each] for each in ids if each in rows]


def thread(actor: Actor, conversation_id: str) -> ThreadInfo:
    """One conversation as the inbox lists it. Raises NotFound, NotAllowed."""
    actor.require_role(Role.VIEWER)
    return _threads(actor, [get(actor, conversation_id)])[0]


def counts(actor: Actor) -> Counts:
    actor.require_role(Role.VIEWER)
    rows = Conversation.objects.of(actor.workspace_id)
    numbers = {row["status"]: row["number"] for row in rows.values("status").annotate(number=Count("*")).order_by()}
    by_status, own = _unread_by_status(actor), _own_open(actor)
    return Counts(
        by_status={status: numbers.get(status, 0) for status in ("bot", "waiting", "open", "resolved")},
        mine=own.get(False, 0),
        unassigned=rows.filter(status__in=["waiting", "open"], assignee_id="").count(),
        unread_waiting=by_status.get("waiting", 0),
        unread_mine=by_status.get("open", 0),
        snoozed=own.get(True, 0),
        mentions=len(set(_unseen(actor).values_list("conversation_id", flat=True)[:_MENTIONS_COUNTED])),
    )


def _unread_by_status(actor: Actor) -> dict[str, int]:
    """Conversations that wait, and the member's own open ones, with something unread."""
    waiting = _UNREAD_CONVERSATIONS.format(table=indexed("conversation_inbox"), status="'waiting'")
    own = _UNREAD_CONVERSATIONS.format(table=indexed("conversation_owner"), status="'open' AND thread.assignee_id = %s")
    asked = [actor.id, actor.workspace_id, actor.id, actor.workspace_id, actor.id]
    return {str(row[0]): int(row[1]) for row in execute(f"{waiting} UNION ALL {own}", asked)}


def _own_open(actor: Actor) -> dict[bool, int]:
    """The member's open conversations by whether they are snoozed."""
    sql = _OWN.format(table=indexed("conversation_owner"), where=_OPEN_OF)
    return {bool(row[0]): int(row[1]) for row in execute(sql, [actor.workspace_id, actor.id])}


def _unseen(actor: Actor) -> Any:
    return Mention.objects.of(actor.workspace_id).filter(member_id=actor.id, seen_at__isnull=True)


def newest_contacts(actor: Actor, *, limit: int) -> list[str]:
    """The contacts of so many of the newest conversations, each once."""
    actor.require_role(Role.AGENT)
    rows = Conversation.objects.of(actor.workspace_id).order_by("-last_activity_at")
    return list(dict.fromkeys(rows.values_list("contact_id", flat=True)[:limit]))


def contacts_of(conversation_ids: list[str]) -> dict[str, tuple[str, str]]:
    """The contact and the channel of conversations of any workspace, for handing out live events."""
    rows = Conversation.objects.across_workspaces("one reader a process").filter(id__in=conversation_ids)
    return {row[0]: (row[1], row[2]) for row in rows.values_list("id", "contact_id", "channel_id")}


def _threads(actor: Actor, rows: list[Conversation]) -> list[ThreadInfo]:
    if not rows:
        return []
    shown = {info.conversation_id: info for info in message_infos(actor, _last_messages(rows))}
    unread = _unread(actor, [row.id for row in rows if row.status in {"waiting", "open"}])
    asked = _asked([row.id for row in rows if row.status == "waiting"])
    people = {row.assignee_id for row in rows} | {row.offered_to for row in rows}
    owners = member_names(actor.workspace_id, people - {""})
    teams = team_names(actor.workspace_id, {row.team_id for row in rows} - {""})
    contacts = contact_names(actor, {row.contact_id for row in rows})
    return [
        ThreadInfo(
            conversation=conversation_info(row, assignee_name=owners.get(row.assignee_id, "")),
            channel=channel_info(row.channel),
            contact_name=contacts.get(row.contact_id, ""),
            unread=unread.get(row.id, 0),
            last_message=shown.get(row.id),
            team_name=teams.get(row.team_id, ""),
            offered_name=owners.get(row.offered_to, ""),
            asked=asked.get(row.id) or "",
        )
        for row in rows
    ]


def _last_messages(rows: list[Conversation]) -> list[Message]:
    places = [value for row in rows for value in (row.id, row.last_sequence)]
    # For a list of pairs, SQLite would read the whole table.
    where = " OR ".join(["(conversation_id = %s AND sequence = %s)"] * len(rows))
    return select_across_workspaces(Message, _WHY, where, places)


def _unread(actor: Actor, ids: list[str]) -> dict[str, int]:
    """How many of the contact's messages the member has not read, by conversation."""
    return dict(execute(_UNREAD.format(ids=marks(ids)), [actor.id, *ids])) if ids else {}


def _asked(ids: list[str]) -> dict[str, str | None]:
    """What the contact said last, by conversation, masked; None where they have said nothing."""
    return dict(execute(_ASKED.format(ids=marks(ids)), ids)) if ids else {}


def with_names(row: Conversation) -> ConversationInfo:
    """A conversation with its owner's name, or with its place among those who wait."""
    return conversation_info(row, assignee_name=owner_name(row), place=place_in_queue(row))


def owner_name(row: Conversation) -> str:
    """The owner's name as customers see it; empty without one."""
    return member_names(row.workspace_id, {row.assignee_id} - {""}).get(row.assignee_id, "")


def conversation_info(row: Conversation, *, assignee_name: str = "", place: int | None = None) -> ConversationInfo:
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
        row.intent,
        labels_of(row.labels),
        row.is_snoozed,
        row.snoozed_until,
        row.team_id,
        PRIORITIES[row.priority],
        row.offered_to,
        row.escalated_at,
        row.sla_clock,
        row.sla_state,
        row.sla_due_at,
        place,
    )


def _visible(actor: Actor) -> Any:
    rows = Conversation.objects.of(actor.workspace_id).select_related("channel")
    if actor.kind == "visitor":
        return rows.filter(contact_id=actor.contact_id, channel_id=actor.channel_id)
    actor.require(scope=Scope.CONVERSATIONS, role=Role.VIEWER)
    return rows
