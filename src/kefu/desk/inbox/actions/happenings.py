"""What happens in conversations, kept in order and told to whoever watches, in the transaction of the change.

The figures (desk/insights) are made from this. With the messages and turns, the kept happenings are all that is needed
to make every figure again.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from kefu.desk.accounts.actions import announce
from kefu.desk.inbox.listeners import FOLLOWERS, WATCHERS
from kefu.desk.inbox.models import Conversation, Happening, Message
from kefu.desk.rows import now
from kefu.desk.statements import insert, new


@dataclass(frozen=True)
class Happened:
    """One thing that happened in a conversation.

    Kinds: began, message · waits, owned, assistant, resolved, reopened (by the contact) · thumbed, judged, surveyed,
    rated, teamed, prioritise, labelled · snoozed, woken · offered, passed (to and by a `member`), sla_met, sla_missed ·
    flowed.
    `by` is a member's id, or who else did it: contact, assistant, off (the assistant is switched off), idle, time,
    routing, sla, key:… `detail` by kind: author, sequence and, of an assistant's, `turn` of message;
    `member` of owned; `old` and `new` of thumbed and, with the `decision`, of judged; `score` (1 to 5) of rated; `team`
    of teamed; `labels` (the ids of all of them) of labelled; `until` of snoozed; `priority` of prioritise; `clock`,
    `policy` and `target` of sla_…; `flow`, `version`, `step`, `path`, `events` and `outcome` of flowed, a flow's turn.
    """

    kind: str
    at: datetime
    by: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Watcher:
    """`told` may change the row's `clock`, which is stored with it; `erased` gets a workspace and conversation ids."""

    told: Callable[[Conversation, Happened], None]
    erased: Callable[[str, list[str]], None]


def happened(thread: Conversation, kind: str, *, by: str = "", at: datetime | None = None, **detail: Any) -> None:
    """Keep what happened in a locked conversation and tell the watchers. The caller stores the row afterwards."""
    event = Happened(kind, at or now(), by, detail)
    row = new(
        Happening,
        workspace_id=thread.workspace_id,
        conversation_id=thread.id,
        sequence=thread.last_sequence,
        kind=kind,
        by=by[:40],
        detail=detail,
        created_at=event.at,
    )
    insert(row)
    announce(thread.workspace_id, "conversation.happened", str(row.id), thread.id)
    _tell(thread, event)


def began(thread: Conversation) -> None:
    """A conversation is about to be stored; the row itself keeps that."""
    _tell(thread, Happened("began", thread.created_at))


def said(thread: Conversation, row: Message, turn: Mapping[str, Any] | None = None) -> None:
    """A message is about to be stored with its conversation; `turn` is what `turn_facts` tells of an assistant's."""
    if not row.is_internal and row.author != "system":
        event = message_happened(
            at=row.created_at, sequence=row.sequence, author=row.author, author_id=row.author_id, turn=turn
        )
        _tell(thread, event)


def erased(workspace_id: str, conversation_ids: list[str]) -> None:
    """Conversations are about to be deleted with all that was said."""
    for watcher in WATCHERS:
        watcher.erased(workspace_id, conversation_ids)


def set_clocks(workspace_id: str, clocks: dict[str, dict[str, Any]]) -> None:
    """Store clocks that were made again, by conversation, in the caller's transaction, which has locked them."""
    statement = "UPDATE inbox_conversation SET clock = %s WHERE id = %s AND workspace_id = %s"
    with connection.cursor() as cursor:
        cursor.executemany(statement, [(json.dumps(clock), each, workspace_id) for each, clock in clocks.items()])


def message_happened(
    *, at: datetime, sequence: int, author: str, author_id: str, turn: Mapping[str, Any] | None
) -> Happened:
    """A message as watchers are told of it, live or from the rows."""
    by = author_id if author == "member" else author
    return Happened("message", at, by, {"author": author, "sequence": sequence, "turn": turn})


def turn_facts(
    *, asked_at: datetime, last_sequence: int, decision: str, language: str, trace: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What figures need of a turn that was answered: which messages it answers, how, and what they were about."""
    found = trace or {}
    senses: Mapping[str, Any] = next((step for step in found.get("steps", ()) if step.get("name") == "sense"), {})
    return {
        "asked_at": asked_at,
        "last_sequence": last_sequence,
        "decision": str(decision),
        "reason": str(found.get("reason", "")),
        "language": language,
        "intent": "" if senses.get("out_of_scope") else str(senses.get("intent", "")),
    }


def _tell(thread: Conversation, event: Happened) -> None:
    for watcher in WATCHERS:
        watcher.told(thread, event)
    for follower in FOLLOWERS:
        follower(thread, event)
