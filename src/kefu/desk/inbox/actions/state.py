"""A conversation's state, changed in the caller's transaction while its row is locked."""

from datetime import datetime, timedelta

from kefu.desk.accounts.actions import announce, drop_notifications, notify
from kefu.desk.accounts.queries import addresses, workspace, workspace_settings
from kefu.desk.actor import Role
from kefu.desk.inbox import texts
from kefu.desk.inbox.actions.happenings import happened
from kefu.desk.inbox.models import Conversation, Turn
from kefu.desk.rows import now
from kefu.desk.statements import changed, update
from kefu.kit.settings import settings

IDLE_WITH_ASSISTANT = timedelta(minutes=30)
IDLE_WITH_MEMBER = timedelta(hours=24)
_CHANGING = (
    "last_sequence",
    "last_activity_at",
    "due_at",
    "status",
    "waiting_since",
    "nobody_told_at",
    "address_wanted",
    "refusals_in_a_row",
    "language",
    "intent",
    "is_snoozed",
    "snoozed_until",
    "sealed_placeholders",
    "resolved_at",
    "resolved_by",
    "assignee_id",
    "clock",
    "assistant_state",
    "remembered",
    "team_id",
    "priority",
    "offered_to",
    "escalated_at",
    "sla_clock",
    "sla_state",
    "sla_due_at",
)


def save(thread: Conversation, at: datetime) -> None:
    """Store the row after something happened at `at`; its due time follows from its status."""
    thread.last_activity_at = at
    thread.due_at = _due(thread, at)
    # Most messages change three columns, and an index is written again for each column that is named.
    update(thread, changed(thread, _CHANGING))


def wait(thread: Conversation, at: datetime, *, by: str = "", team: str | None = None) -> None:
    """Put the conversation before the members; turns that wait are left to them. `save` it afterwards.

    `by`: who wants that, as in `Happened`; `team`: the name of the team whose business it is, if that is known.
    """
    wake(thread)
    happened(thread, "waits", at=at, by=by, **({"team": team} if team else {}))
    thread.status, thread.waiting_since, thread.assignee_id = "waiting", at, ""
    thread.assistant_state = None
    thread.nobody_told_at, thread.address_wanted = None, False
    leave_pending(thread)
    announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)
    _notify_members(thread)


def own(thread: Conversation, member_id: str) -> None:
    """Give the conversation to a member; the assistant is silent from now on. `save` it afterwards."""
    wake(thread)
    happened(thread, "owned", by=member_id, member=member_id)
    thread.status, thread.assignee_id, thread.waiting_since = "open", member_id, None
    thread.assistant_state = None
    thread.resolved_at, thread.resolved_by, thread.refusals_in_a_row = None, "", 0
    _wait_no_more(thread)
    leave_pending(thread)
    announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)


def to_assistant(thread: Conversation) -> None:
    """Give the conversation to the assistant. `save` it afterwards."""
    wake(thread)
    happened(thread, "assistant")
    thread.status, thread.assignee_id, thread.waiting_since = "bot", "", None
    thread.resolved_at, thread.resolved_by, thread.refusals_in_a_row = None, "", 0
    _wait_no_more(thread)
    announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)


def reopen(thread: Conversation, at: datetime) -> None:
    """A resolved conversation begins anew: with the assistant if it is on duty, else before the members."""
    if thread.status != "resolved":
        return
    happened(thread, "reopened", at=at, by="contact")
    thread.resolved_at, thread.resolved_by = None, ""
    if thread.channel.assistant_on:
        to_assistant(thread)
    else:
        wait(thread, at, by="off")


def close(thread: Conversation, *, by: str) -> None:
    """Mark as resolved and store; waiting turns are left."""
    wake(thread)
    thread.status, thread.resolved_at, thread.resolved_by = "resolved", now(), by
    happened(thread, "resolved", at=thread.resolved_at, by=by)
    thread.due_at, thread.waiting_since, thread.refusals_in_a_row = None, None, 0
    thread.assistant_state, thread.remembered = None, {}
    _wait_no_more(thread)
    update(thread, _CHANGING)
    leave_pending(thread)
    announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)


def snooze(thread: Conversation, until: datetime | None, *, by: str) -> None:
    """Take an open conversation off its owner's list, until a time or else until the contact writes.

    `save` it afterwards.
    """
    happened(thread, "snoozed", by=by, until=until.isoformat() if until else None)
    thread.is_snoozed, thread.snoozed_until = True, until
    announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)


def wake(thread: Conversation, *, by: str = "") -> bool:
    """Put a snoozed conversation back on its owner's list; gives whether it was snoozed. `save` it afterwards.

    `by` is who ends it by that alone: a member, contact or time; its owner is then told.
    """
    if not thread.is_snoozed:
        return False
    happened(thread, "woken", by=by)
    thread.is_snoozed, thread.snoozed_until = False, None
    announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)
    if by:
        announce(thread.workspace_id, "conversation.woken", thread.id, thread.id)
    return True


def leave_pending(thread: Conversation) -> None:
    """Turns that nobody claimed yet will not be answered: what they hold is left to a member. Who waits is told so."""
    waiting = Turn.objects.of(thread.workspace_id).filter(conversation_id=thread.id, state="pending")
    ids = list(waiting.select_for_update().values_list("id", flat=True))
    waiting.filter(id__in=ids).update(state="done", outcome="left", finished_at=now())
    for turn_id in ids:
        announce(thread.workspace_id, "turn.finished", turn_id, thread.id)


def language_of(thread: Conversation) -> str:
    """The customer's language, else the channel's, else the workspace's."""
    chosen = thread.language or str(thread.channel.settings.get("language") or "")
    return chosen or workspace(thread.workspace_id).default_language


def _due(thread: Conversation, at: datetime) -> datetime | None:
    if thread.status == "bot":
        return at + IDLE_WITH_ASSISTANT
    if thread.status == "open":
        return thread.snoozed_until if thread.is_snoozed else at + IDLE_WITH_MEMBER
    if thread.status != "waiting" or thread.nobody_told_at is not None:
        return None
    seconds = thread.channel.settings.get("nobody_came_seconds")
    if seconds is None:
        seconds = workspace_settings(thread.workspace_id).nobody_came_seconds
    return (thread.waiting_since or at) + timedelta(seconds=seconds) if seconds else None


def _wait_no_more(thread: Conversation) -> None:
    if thread.nobody_told_at is not None or thread.address_wanted:
        thread.nobody_told_at, thread.address_wanted = None, False
    if settings().smtp_url:
        drop_notifications(thread.workspace_id, about=thread.id)


def _notify_members(thread: Conversation) -> None:
    if not settings().smtp_url:
        return
    chosen = workspace_settings(thread.workspace_id)
    if not chosen.mail_on_hand_over:
        return
    here = workspace(thread.workspace_id)
    link = f"{settings().address}/console/inbox/{thread.id}"
    for address, language in addresses(thread.workspace_id, least=Role.AGENT):
        subject, text = texts.hand_over_mail(
            language or here.default_language, workspace=here.title, channel=thread.channel.name, link=link
        )
        notify(
            thread.workspace_id,
            about=thread.id,
            addresses=[address],
            subject=subject,
            text=text,
            after_seconds=chosen.mail_after_seconds,
        )
