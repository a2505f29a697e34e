"""A hand-over is called off by the customer, as long as no member has taken it."""

from datetime import datetime

from django.db import transaction

from kefu.desk.actor import Actor
from kefu.desk.inbox.actions.conversations import may_act, refuse_resolved
from kefu.desk.inbox.actions.messages import tell, turn_for
from kefu.desk.inbox.actions.state import to_assistant
from kefu.desk.inbox.models import Conversation, Message
from kefu.desk.inbox.queries import ConversationInfo, get, owner_name, with_names
from kefu.desk.rows import now
from kefu.kit.errors import Conflict


def ask_assistant(actor: Actor, *, conversation_id: str) -> ConversationInfo:
    """The contact, or a program for them, would rather go on with the assistant than wait; twice is harmless.

    What they said while they waited is answered then. Raises Conflict where a member has the conversation, where it is
    resolved or the assistant is switched off; NotFound, NotAllowed.
    """
    may_act(actor)
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        refuse_resolved(thread)
        if thread.status == "open":
            name = owner_name(thread)
            raise Conflict(f"{name or 'A colleague'} has this conversation.", conversation_status="open")
        if not thread.channel.assistant_on:
            raise Conflict("The assistant is switched off here.", conversation_status=thread.status)
        if thread.status == "waiting":
            call_off(thread, now())
    return with_names(thread)


def call_off(thread: Conversation, at: datetime, *, but: Message | None = None) -> None:
    """Give a locked conversation that waits back to the assistant, in the caller's transaction, and tell the contact.

    What they said while they waited, `but` for the words that called, is answered as if it had just been said.
    """
    unanswered = Message.objects.of(thread.workspace_id).filter(
        conversation_id=thread.id, author="contact", turn_id="", created_at__gte=thread.waiting_since or at
    )
    if but is not None:
        unanswered = unanswered.exclude(id=but.id)
    last = unanswered.order_by("-sequence").values_list("sequence", flat=True).first()
    to_assistant(thread)
    tell(thread, "given_back")
    if last is not None:
        unanswered.update(turn_id=turn_for(thread, last, at))
