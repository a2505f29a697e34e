"""Writes of conversations: who deals with them, and until when."""

from typing import Any

from django.db import transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.contacts.actions import meet
from kefu.desk.inbox.actions.channels import make_channel
from kefu.desk.inbox.actions.state import IDLE_WITH_ASSISTANT, close, leave_pending, reopen, save
from kefu.desk.inbox.models import Channel, Conversation, Message, Turn
from kefu.desk.inbox.queries import ConversationInfo, channel_of_kind, conversation_info, get
from kefu.desk.rows import now
from kefu.kit.errors import NotFound


def start_conversation(
    actor: Actor,
    *,
    channel_id: str | None = None,
    external_id: str | None = None,
    profile: dict[str, Any] | None = None,
) -> ConversationInfo:
    """Open a thread: a visitor's on their own channel, a program's on the channel it names, else on the API's own.

    Raises NotFound for a channel of another workspace, BadInput for a bad contact.
    """
    with transaction.atomic():
        if actor.kind == "visitor":
            channel = _channel(actor, actor.channel_id)
            contact_id = str(actor.contact_id)
        else:
            actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
            channel = _channel(actor, channel_id)
            contact_id = meet(actor, channel_id=channel.id, external_id=external_id, profile=profile)
        at = now()
        row = Conversation(
            workspace_id=actor.workspace_id,
            channel=channel,
            contact_id=contact_id,
            status="bot" if channel.assistant_on else "waiting",
            waiting_since=None if channel.assistant_on else at,
            created_at=at,
            last_activity_at=at,
            due_at=at + IDLE_WITH_ASSISTANT,
        )
        row.save(force_insert=True)
        announce(actor.workspace_id, "conversation.created", row.id, row.id)
    return conversation_info(row)


def resolve(actor: Actor, *, conversation_id: str) -> ConversationInfo:
    """End a conversation: the contact, a member or a program says that it is solved. Twice is harmless."""
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        if thread.status != "resolved":
            close(thread, by="contact" if actor.kind == "visitor" else f"{actor.kind}:{actor.id}")
    return conversation_info(thread)


def ask_for_member(actor: Actor, *, conversation_id: str) -> ConversationInfo:
    """The contact, or a program for them, wants a person; twice is harmless. Raises NotFound, NotAllowed."""
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        if thread.status in {"bot", "resolved"}:
            at = now()
            reopen(thread, at)
            thread.status, thread.waiting_since = "waiting", at
            save(thread, at)
            leave_pending(thread)
            announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)
    return conversation_info(thread)


def erase_conversations(actor: Actor, *, contact_id: str) -> int:
    """Delete all that a contact said and was told; gives how many conversations."""
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        mine = Conversation.objects.of(actor.workspace_id).filter(contact_id=contact_id)
        ids = list(mine.values_list("id", flat=True))
        for model in (Message, Turn):
            model.objects.of(actor.workspace_id).filter(conversation_id__in=ids).delete()
        mine.delete()
        for conversation_id in ids:
            announce(actor.workspace_id, "conversation.erased", conversation_id, conversation_id)
        audit(actor, "conversations.erased", contact_id, after={"conversations": len(ids)})
    return len(ids)


def _channel(actor: Actor, channel_id: str | None) -> Channel:
    if channel_id is None:
        found = channel_of_kind(actor, "api")
        channel_id = (
            found.id if found else make_channel(Actor(actor.workspace_id, "system", "kefu"), kind="api", name="API").id
        )
    row = Channel.objects.of(actor.workspace_id).filter(id=channel_id, is_active=True).first()
    if row is None:
        raise NotFound("There is no such channel.", channel=channel_id)
    return row
