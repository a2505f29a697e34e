"""What happens in conversations, kept in order and told to whoever watches, in the transaction of the change.

The figures (desk/insights) are made from this. With the messages and turns, the kept happenings are all that is needed
to make every figure again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kefu.contracts.turn import Decision
from kefu.desk.inbox.models import Conversation, Happening, Message, Turn
from kefu.desk.rows import now
from kefu.desk.statements import insert, new


@dataclass(frozen=True)
class Happened:
    """One thing that happened in a conversation.

    Kinds: began, message · waits, owned, assistant, resolved, reopened (by the contact) · thumbed, surveyed, rated,
    teamed, labelled. `by` is a member's id, or who else did it: contact, assistant, off (the assistant is switched
    off), idle, key:…; `detail` by kind: `turn` of an assistant's message; `member` of owned; `old` and `new` of
    thumbed; `score` (1 to 5) of rated; `team` of teamed; `labels` (all of them) of labelled.
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


def watch(watcher: Watcher) -> None:
    """Tell a watcher, too; it is told inside the transactions, so what it raises undoes the change."""
    if watcher not in _watchers:
        _watchers.append(watcher)


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
    _tell(thread, event)


def began(thread: Conversation) -> None:
    """A conversation is about to be stored; the row itself keeps that."""
    _tell(thread, Happened("began", thread.created_at))


def said(thread: Conversation, row: Message, turn: Mapping[str, Any] | None = None) -> None:
    """A message is about to be stored with its conversation; `turn` is what `turn_facts` tells of an assistant's."""
    if not row.is_internal and row.author != "system":
        _tell(thread, message_happened(row, turn))


def erased(workspace_id: str, conversation_ids: list[str]) -> None:
    """Conversations are about to be deleted with all that was said."""
    for watcher in _watchers:
        watcher.erased(workspace_id, conversation_ids)


def message_happened(row: Message, turn: Mapping[str, Any] | None) -> Happened:
    by = row.author_id if row.author == "member" else row.author
    detail: dict[str, Any] = {"author": row.author, "id": row.id}
    return Happened("message", row.created_at, by, {**detail, "turn": turn} if turn is not None else detail)


def turn_facts(turn: Turn, language: str, trace: Mapping[str, Any] | None) -> dict[str, Any]:
    """What figures need of a turn that was answered: when it was asked, how it was decided, what it was about."""
    found = trace or {}
    senses: Mapping[str, Any] = next((step for step in found.get("steps", ()) if step.get("name") == "sense"), {})
    return {
        "asked_at": turn.created_at,
        "decision": str(Decision(turn.decision)),
        "reason": str(found.get("reason", "")),
        "language": language,
        "intent": "" if senses.get("out_of_scope") else str(senses.get("intent", "")),
    }


def _tell(thread: Conversation, event: Happened) -> None:
    for watcher in _watchers:
        watcher.told(thread, event)


_watchers: list[Watcher] = []
