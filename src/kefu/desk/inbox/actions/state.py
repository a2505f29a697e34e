"""A conversation's state, changed in the caller's transaction while its row is locked."""

from datetime import datetime, timedelta

from kefu.desk.accounts.actions import announce
from kefu.desk.inbox.models import Conversation, Turn
from kefu.desk.rows import now
from kefu.desk.statements import update

IDLE_WITH_ASSISTANT = timedelta(minutes=30)
IDLE_WITH_MEMBER = timedelta(hours=24)
_CHANGING = (
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
)


def save(thread: Conversation, at: datetime) -> None:
    thread.last_activity_at = at
    idle = {"bot": IDLE_WITH_ASSISTANT, "open": IDLE_WITH_MEMBER}.get(thread.status)
    thread.due_at = at + idle if idle else None
    update(thread, _CHANGING)


def reopen(thread: Conversation, at: datetime) -> None:
    if thread.status != "resolved":
        return
    on_duty = thread.channel.assistant_on
    thread.status = "bot" if on_duty else "waiting"
    thread.waiting_since = None if on_duty else at
    thread.resolved_at, thread.resolved_by, thread.assignee_id = None, "", ""
    announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)


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
