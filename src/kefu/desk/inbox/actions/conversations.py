"""Writes of conversations: who deals with them, and until when."""

from typing import Any

from django.db import transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.accounts.queries import actor_of_member
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.contacts.actions import meet
from kefu.desk.contacts.care import seen
from kefu.desk.contacts.queries import contact
from kefu.desk.inbox import texts
from kefu.desk.inbox.actions.attachments import erase_attachments
from kefu.desk.inbox.actions.channels import make_channel
from kefu.desk.inbox.actions.happenings import began, erased
from kefu.desk.inbox.actions.messages import keep_address, tell
from kefu.desk.inbox.actions.state import (
    IDLE_WITH_ASSISTANT,
    close,
    language_of,
    own,
    save,
    to_assistant,
    wait,
)
from kefu.desk.inbox.models import Arrival, Channel, Conversation, Happening, Message, ReadMark, Turn
from kefu.desk.inbox.queries import ConversationInfo, channel_of_kind, conversation_info, get, owner_name, with_names
from kefu.desk.rows import now
from kefu.desk.statements import insert, select
from kefu.kit.errors import BadInput, Conflict, NotAllowed, NotFound

_MAY_INTERFERE = frozenset({Role.OWNER, Role.ADMIN, Role.SUPERVISOR})


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
            channel = channel_for(actor, actor.channel_id)
            contact_id = str(actor.contact_id)
        else:
            actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
            channel = channel_for(actor, channel_id)
            contact_id = meet(actor, channel_id=channel.id, external_id=external_id, profile=profile)
        at = now()
        row = Conversation(
            workspace_id=actor.workspace_id,
            channel=channel,
            contact_id=contact_id,
            language=seen(actor.workspace_id, contact_id).language,
            created_at=at,
            last_activity_at=at,
            due_at=at + IDLE_WITH_ASSISTANT,
        )
        began(row)
        insert(row)
        announce(actor.workspace_id, "conversation.created", row.id, row.id)
        if not channel.assistant_on:
            wait(row, at, by="off")
            save(row, at)
    return with_names(row)


def go_on(actor: Actor, *, external_id: str, channel_id: str | None = None) -> ConversationInfo:
    """The latest thread with a program's customer on a channel, or a new one where there is none.

    Raises as `start_conversation` does.
    """
    actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
    with transaction.atomic():
        channel = channel_for(actor, channel_id)
        contact_id = meet(actor, channel_id=channel.id, external_id=external_id, profile=None)
        known = Conversation.objects.of(actor.workspace_id).filter(contact_id=contact_id, channel_id=channel.id)
        latest = known.order_by("-last_activity_at").first()
        if latest is not None:
            return conversation_info(latest)
        return start_conversation(actor, channel_id=channel.id, external_id=external_id)


def take(actor: Actor, *, conversation_id: str) -> ConversationInfo:
    """Make a conversation the member's own; the assistant is silent and the customer told who is there.

    Harmless for who owns it. Raises Conflict that names the owner if somebody else does, Conflict for a resolved one,
    NotFound, NotAllowed.
    """
    member_only(actor)
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        refuse_resolved(thread)
        take_locked(actor, thread)
    return with_names(thread)


def give_back(actor: Actor, *, conversation_id: str) -> ConversationInfo:
    """Let the assistant go on. Raises Conflict where it is not on duty or somebody else owns the conversation."""
    member_only(actor)
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        refuse_resolved(thread)
        refuse_others(actor, thread, supervisors_may=True)
        if not thread.channel.assistant_on:
            raise Conflict(f"The assistant is switched off on {thread.channel.name}.", channel=thread.channel_id)
        if thread.status != "bot":
            to_assistant(thread)
            audit(actor, "conversation.given_back", thread.id)
            tell(thread, "given_back")
    return with_names(thread)


def reopen_for_member(actor: Actor, *, conversation_id: str) -> ConversationInfo:
    """Open a resolved conversation again, as the member's own. Raises Conflict for one that is not resolved."""
    member_only(actor)
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        if thread.status != "resolved":
            raise Conflict(f"This conversation is {thread.status}, not resolved.", conversation_status=thread.status)
        take_locked(actor, thread)
    return with_names(thread)


def assign(actor: Actor, *, conversation_id: str, member_id: str | None) -> ConversationInfo:
    """Give a conversation to a member, or with None back to those who wait. Agents give what is theirs or nobody's.

    Raises Conflict that names the owner, BadInput for somebody who cannot own one, NotFound, NotAllowed.
    """
    member_only(actor)
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        refuse_resolved(thread)
        refuse_others(actor, thread, supervisors_may=True)
        before = thread.assignee_id
        if member_id is None:
            wait(thread, now(), by=actor.id)
            save(thread, now())
        elif member_id != before or thread.status != "open":
            _may_own(actor.workspace_id, member_id)
            own(thread, member_id)
            _tell_joined(thread)
        audit(actor, "conversation.assigned", thread.id, before={"member": before}, after={"member": member_id})
    return with_names(thread)


def release(actor: Actor, *, member_id: str) -> int:
    """Put a member's open conversations back before everybody, since the member leaves; gives how many."""
    actor.require_role(Role.ADMIN)
    released = 0
    with transaction.atomic():
        mine = Conversation.objects.of(actor.workspace_id).select_for_update(of=("self",)).select_related("channel")
        for thread in mine.filter(assignee_id=member_id, status="open"):
            wait(thread, now(), by=actor.id)
            save(thread, now())
            audit(actor, "conversation.assigned", thread.id, before={"member": member_id}, after={"member": None})
            released += 1
    return released


def mark_read(actor: Actor, *, conversation_id: str, sequence: int) -> None:
    """The member has read up to this message. Never goes back. Raises NotFound, NotAllowed."""
    actor.require_role(Role.VIEWER)
    thread = get(actor, conversation_id)
    read = min(sequence, thread.last_sequence)
    with transaction.atomic():
        mine = ReadMark.objects.of(actor.workspace_id).filter(conversation_id=thread.id, member_id=actor.id)
        if mine.filter(sequence__lt=read).update(sequence=read) or mine.exists():
            return
        # Two windows of one member may be the first at the same moment.
        ReadMark.objects.bulk_create(
            [ReadMark(workspace_id=thread.workspace_id, conversation=thread, member_id=actor.id, sequence=read)],
            ignore_conflicts=True,
        )


def leave_address(actor: Actor, *, conversation_id: str, email: str) -> ConversationInfo:
    """The contact, for whom nobody came, leaves an address; it is kept in their profile. Raises BadInput, NotFound."""
    may_act(actor)
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        keep_address(thread, email)
    return with_names(thread)


def tell_nobody_came(thread: Conversation) -> None:
    """Tell the contact of a locked conversation that nobody is free, once, in the caller's transaction."""
    thread.nobody_told_at, thread.address_wanted = now(), True
    own_text = thread.channel.settings.get("nobody_came_text")
    if isinstance(own_text, dict):
        own_text = own_text.get(language_of(thread))
    if not own_text:
        language = language_of(thread)
        keys = ["nobody_came", *(["or_assistant"] if thread.channel.assistant_on else [])]
        own_text = " ".join(texts.to_customer(key, language) for key in keys)
    tell(thread, "nobody_came", text=own_text)
    announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)


def take_locked(actor: Actor, thread: Conversation) -> None:
    """Make a locked conversation the actor's, in the caller's transaction. Raises Conflict that names its owner."""
    if thread.status == "open" and thread.assignee_id == actor.id:
        return
    refuse_others(actor, thread)
    own(thread, actor.id)
    audit(actor, "conversation.taken", thread.id)
    _tell_joined(thread)


def refuse_others(actor: Actor, thread: Conversation, *, supervisors_may: bool = False) -> None:
    """Raise Conflict, naming the owner, if an open conversation is another member's."""
    if thread.status != "open" or thread.assignee_id in {"", actor.id}:
        return
    if supervisors_may and actor.role in _MAY_INTERFERE:
        return
    name = owner_name(thread)
    raise Conflict(f"{name or 'A colleague'} has this conversation.", owner={"id": thread.assignee_id, "name": name})


def refuse_resolved(thread: Conversation) -> None:
    if thread.status == "resolved":
        raise Conflict("This conversation is resolved; reopen it first.", conversation_status="resolved")


def member_only(actor: Actor) -> None:
    """Raises NotAllowed for all but members who may answer customers."""
    actor.require_role(Role.AGENT)
    if actor.kind != "member":
        raise NotAllowed("Only a member can own a conversation.")


def may_act(actor: Actor) -> None:
    """Let visitors, keys with the scope and members who may answer pass. Raises NotAllowed."""
    if actor.kind != "visitor":
        actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)


def _may_own(workspace_id: str, member_id: str) -> None:
    try:
        actor_of_member(workspace_id, member_id).require_role(Role.AGENT)
    except NotAllowed:
        raise BadInput("This person cannot answer customers here.", field="member", member=member_id) from None


def _tell_joined(thread: Conversation) -> None:
    name = owner_name(thread)
    tell(thread, "joined" if name else "joined_nameless", name=name)


def resolve(actor: Actor, *, conversation_id: str) -> ConversationInfo:
    """End a conversation: the contact, a member or a program says that it is solved. Twice is harmless.

    Raises Conflict that names the owner if it is another member's, NotFound, NotAllowed.
    """
    may_act(actor)
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        if thread.status != "resolved":
            if actor.kind == "member":
                refuse_others(actor, thread, supervisors_may=True)
                audit(actor, "conversation.resolved", thread.id)
            close(thread, by="contact" if actor.kind == "visitor" else f"{actor.kind}:{actor.id}")
    return with_names(thread)


def ask_for_member(actor: Actor, *, conversation_id: str) -> ConversationInfo:
    """The contact, or a program for them, wants a person; twice is harmless. Raises NotFound, NotAllowed."""
    may_act(actor)
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        if thread.status in {"bot", "resolved"}:
            at = now()
            thread.resolved_at, thread.resolved_by = None, ""
            wait(thread, at, by="contact")
            save(thread, at)
    return with_names(thread)


def move_conversations(actor: Actor, *, from_contact: str, to_contact: str) -> int:
    """Make one contact's conversations another's, since they are one person; gives how many.

    Raises NotFound, NotAllowed.
    """
    actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
    with transaction.atomic():
        contact(actor, to_contact)
        mine = Conversation.objects.of(actor.workspace_id).filter(contact_id=from_contact)
        ids = list(mine.values_list("id", flat=True))
        said = Message.objects.of(actor.workspace_id).filter(conversation_id__in=ids, author="contact")
        said.update(author_id=to_contact)
        mine.update(contact_id=to_contact)
        for conversation_id in ids:
            announce(actor.workspace_id, "conversation.updated", conversation_id, conversation_id)
    return len(ids)


def speak(actor: Actor, *, contact_id: str, language: str) -> None:
    """Answer a contact in this language where what they write next does not tell its own. Raises NotAllowed."""
    actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
    mine = Conversation.objects.of(actor.workspace_id).filter(contact_id=contact_id)
    mine.exclude(language=language).update(language=language)


def erase_conversations(actor: Actor, *, contact_id: str) -> int:
    """Delete all that a contact said, sent and was told; gives how many conversations."""
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        mine = Conversation.objects.of(actor.workspace_id).filter(contact_id=contact_id)
        ids = list(mine.values_list("id", flat=True))
        erase_attachments(actor.workspace_id, ids)
        erased(actor.workspace_id, ids)
        for model in (Message, Turn, ReadMark, Happening):
            model.objects.of(actor.workspace_id).filter(conversation_id__in=ids).delete()
        mine.delete()
        for conversation_id in ids:
            announce(actor.workspace_id, "conversation.erased", conversation_id, conversation_id)
        audit(actor, "conversations.erased", contact_id, after={"conversations": len(ids)})
    return len(ids)


def erase_empty(actor: Actor, *, conversation_id: str) -> None:
    """Delete a conversation in which nothing was said and nothing more is about to be; any other stays."""
    with transaction.atomic():
        row = get(actor, conversation_id, lock=True)
        arriving = Arrival.objects.of(actor.workspace_id).filter(conversation_id=row.id).exclude(state="dropped")
        if row.last_sequence or arriving.exists():
            return
        erased(actor.workspace_id, [row.id])
        Happening.objects.of(actor.workspace_id).filter(conversation_id=row.id).delete()
        Conversation.objects.of(actor.workspace_id).filter(id=row.id).delete()
        announce(actor.workspace_id, "conversation.erased", row.id, row.id)


def channel_for(actor: Actor, channel_id: str | None) -> Channel:
    """A channel that is in use; the API's own, made if need be, where none is named. Raises NotFound."""
    if channel_id is None:
        found = channel_of_kind(actor, "api")
        channel_id = (
            found.id if found else make_channel(Actor(actor.workspace_id, "system", "kefu"), kind="api", name="API").id
        )
    rows = select(Channel, actor.workspace_id, "id = %s AND is_active", [channel_id])
    if not rows:
        raise NotFound("There is no such channel.", channel=channel_id)
    return rows[0]
