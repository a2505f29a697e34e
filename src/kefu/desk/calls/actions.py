"""Writes of calls: who is on the line, and until when. What is said in them the inbox stores."""

from datetime import timedelta
from typing import Any

from django.db import transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.actor import Actor, Role, system
from kefu.desk.calls import texts
from kefu.desk.calls.models import Call
from kefu.desk.calls.queries import CallInfo, call_info, may_be_called, row
from kefu.desk.contacts.care import Blocked, is_blocked
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox import queries as threads
from kefu.desk.rows import now
from kefu.kit.errors import Busy, Conflict, NotAllowed
from kefu.kit.settings import settings

LEASE = timedelta(seconds=60)  # a process that carries a call says three times within it that it lives


def begin_call(actor: Actor, *, conversation_id: str) -> CallInfo:
    """The customer calls; the call that is under way in the conversation goes on, if there is one.

    It rings at once where the assistant is not on duty. Raises NotAllowed where the channel takes no calls, Blocked,
    Busy where the workspace has as many as it may have, NotFound.
    """
    if actor.kind != "visitor":
        raise NotAllowed("Customers call; members answer.")
    with transaction.atomic():
        thread = threads.get(actor, conversation_id, lock=True)
        if is_blocked(actor.workspace_id, thread.contact_id):
            raise Blocked("The company takes no calls from you.", contact=thread.contact_id)
        if not may_be_called(threads.channel_info(thread.channel)):
            raise NotAllowed("This channel takes no calls.", channel=thread.channel_id)
        here = Call.objects.of(actor.workspace_id).exclude(state="ended")
        found = here.filter(conversation_id=thread.id).first()
        if found is not None:
            return _on_the_line(actor, found)
        most = settings().calls_per_workspace
        if here.count() >= most:
            raise Busy("All lines are taken; please try again in a moment, or write.", retry_after=30, limit=most)
        is_assistants = thread.status == "bot" or (thread.status == "resolved" and thread.channel.assistant_on)
        made = Call.objects.create(
            workspace_id=actor.workspace_id,
            conversation_id=thread.id,
            state="talking" if is_assistants else "ringing",
            lease_until=now() + LEASE,
        )
        announce(actor.workspace_id, "call.updated", made.id, thread.id)
    return call_info(actor, made)


def go_on_with_call(actor: Actor, *, call_id: str) -> CallInfo:
    """The customer comes back to their call; one that has ended stays so. Raises NotFound, NotAllowed."""
    if actor.kind != "visitor":
        raise NotAllowed("Customers call; members answer.")
    with transaction.atomic():
        return _on_the_line(actor, row(actor, call_id, lock=True))


def follow_status(workspace_id: str, *, call_id: str) -> CallInfo:
    """Let a call ring once its conversation waits for a person, and stop ringing once the assistant has it again."""
    actor = system(workspace_id, "calls")
    with transaction.atomic():
        thread, found = _locked(actor, call_id)
        status = thread.status
        if found.state == "talking" and status in {"waiting", "open"}:
            _change(found, state="ringing")
        elif found.state in {"ringing", "joined"} and status == "bot":
            _change(found, state="talking", member_id="")
    return call_info(actor, found)


def join_call(actor: Actor, *, call_id: str) -> CallInfo:
    """A member answers: the conversation becomes theirs. Once more is harmless.

    Raises Conflict for a call that has ended or that a colleague has answered, NotFound, NotAllowed.
    """
    actor.require_role(Role.AGENT)
    if actor.kind != "member":
        raise NotAllowed("Only a member can answer a call.")
    with transaction.atomic():
        thread, found = _locked(actor, call_id)
        if found.state == "ended":
            raise Conflict("This call has ended.", call=call_id)
        if found.state == "joined" and found.member_id != actor.id:
            raise Conflict("A colleague has answered this call.", call=call_id)
        if found.state != "joined":
            if thread.status == "resolved":
                inbox.reopen_for_member(actor, conversation_id=found.conversation_id)
            else:
                inbox.take(actor, conversation_id=found.conversation_id)
            audit(actor, "call.answered", found.id)
            _change(found, state="joined", member_id=actor.id, answered_at=now())
    return call_info(actor, found)


def leave_call(workspace_id: str, *, call_id: str) -> CallInfo:
    """The member's line is gone and does not come back: the call rings again."""
    actor = system(workspace_id, "calls")
    with transaction.atomic():
        _, found = _locked(actor, call_id)
        if found.state == "joined":
            _change(found, state="ringing", member_id="")
    return call_info(actor, found)


def end_call(actor: Actor, *, call_id: str, by: str) -> CallInfo:
    """End a call and say in the conversation how long it was; `by` is as in `Call.ended_by`. Twice is harmless.

    Raises NotFound, NotAllowed.
    """
    if actor.kind == "member":
        actor.require_role(Role.AGENT)
    with transaction.atomic():
        thread, found = _locked(actor, call_id)
        if found.state != "ended":
            _change(found, state="ended", ended_at=now(), ended_by=by)
            seconds = int((found.ended_at - found.created_at).total_seconds())  # type: ignore[operator]
            text = texts.ended(inbox.language_of(thread), seconds, was_lost=by == "lost")
            inbox.say(system(found.workspace_id), thread, author="system", author_id="", text=text)
    return call_info(actor, found)


def keep_calls(call_ids: list[str]) -> list[str]:
    """A sign of life for calls that this process carries; gives the ones that have not ended elsewhere."""
    mine = Call.objects.across_workspaces("a process carries calls of all").filter(id__in=call_ids)
    alive = mine.exclude(state="ended")
    alive.update(lease_until=now() + LEASE)
    return list(alive.values_list("id", flat=True))


def _locked(actor: Actor, call_id: str) -> tuple[Any, Call]:
    """A call and its conversation, both held: the conversation first, as by everybody who writes in it."""
    known = row(actor, call_id)
    thread = threads.get(actor, known.conversation_id, lock=True)
    return thread, row(actor, call_id, lock=True)


def _on_the_line(actor: Actor, found: Call) -> CallInfo:
    if found.state != "ended":
        found.lease_until = now() + LEASE
        found.save(update_fields=["lease_until"])
    return call_info(actor, found)


def _change(found: Call, **columns: object) -> None:
    for name, value in columns.items():
        setattr(found, name, value)
    found.save(update_fields=list(columns))
    announce(found.workspace_id, "call.updated", found.id, found.conversation_id)
