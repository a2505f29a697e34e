"""Writes of snoozes: a conversation is off its owner's list for a while."""

from datetime import datetime, timedelta

from django.db import transaction

from kefu.desk.accounts.actions import audit
from kefu.desk.actor import Actor
from kefu.desk.inbox.actions import state
from kefu.desk.inbox.actions.conversations import member_only, refuse_others
from kefu.desk.inbox.queries import ConversationInfo, get, with_names
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, Conflict

_LONGEST = timedelta(days=366)  # what is further away is nobody's task any more


def snooze(actor: Actor, *, conversation_id: str, until: datetime | None = None) -> ConversationInfo:
    """Take a conversation off its owner's list until a time, or without one until the contact writes.

    When the contact writes it comes back in either case. Raises BadInput for a time that has passed or is more than a
    year away, Conflict for a conversation that nobody owns or somebody else does, NotFound, NotAllowed.
    """
    member_only(actor)
    at = now()
    if until is not None and (until.tzinfo is None or not at < until <= at + _LONGEST):
        raise BadInput("Snooze until a time within the next year, with its zone.", field="until")
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        if thread.status != "open":
            raise Conflict(
                f"This conversation is {thread.status}; only one that somebody has taken can be snoozed.",
                conversation_status=thread.status,
            )
        refuse_others(actor, thread, supervisors_may=True)
        state.snooze(thread, until, by=actor.id)
        audit(actor, "conversation.snoozed", thread.id, after={"until": until.isoformat() if until else None})
        state.save(thread, thread.last_activity_at)
    return with_names(thread)


def wake(actor: Actor, *, conversation_id: str) -> ConversationInfo:
    """Put a snoozed conversation back on its owner's list; harmless for one that is not.

    Raises Conflict that names the owner if it is another member's, NotFound, NotAllowed.
    """
    member_only(actor)
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        refuse_others(actor, thread, supervisors_may=True)
        if state.wake(thread, by=actor.id):
            state.save(thread, now())
    return with_names(thread)
