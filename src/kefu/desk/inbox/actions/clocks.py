"""Clocks of what was promised about a conversation: they begin, pause and end with what happens in it.

A reply is owed from when a conversation waits for a person, or from the contact's message; a solution from then on,
but for the time in which the contact's answer is awaited. Snoozing and, where a promise says so, the night stop all of
them. The assistant promises nothing: what comes back to it is owed no more.
"""

from datetime import datetime, timedelta
from typing import Any

from kefu.desk.accounts.actions import announce
from kefu.desk.accounts.hours import ALWAYS, Hours, milliseconds, moment
from kefu.desk.accounts.team_queries import hours_in_force
from kefu.desk.inbox.actions.happenings import Happened, happened
from kefu.desk.inbox.models import Conversation, Message, SlaClock, SlaPolicy
from kefu.desk.inbox.queries.cases import case_of
from kefu.desk.inbox.sla import FIRST_REPLY, KINDS, NEXT_REPLY, RESOLUTION, Clock, Conditions
from kefu.desk.statements import update

_ALIVE = ("running", "paused")
_MILLISECOND = timedelta(milliseconds=1)
SHOWN = ("sla_clock", "sla_state", "sla_due_at")


def follow(thread: Conversation, event: Happened) -> None:
    """Move a conversation's clocks by what happened in it; the caller stores the row."""
    mover = _MOVERS.get(event.kind)
    if mover is not None:
        mover(thread, event)


def current(thread: Conversation) -> list[SlaClock]:
    """The clocks of a conversation's present stay with people, also those that have ended."""
    mine = SlaClock.objects.of(thread.workspace_id).filter(conversation_id=thread.id, is_current=True)
    return sorted(mine.select_related("policy"), key=lambda row: (row.created_at, KINDS.index(row.kind)))


def show(thread: Conversation, at: datetime) -> None:
    """Write the clock that ends first onto the conversation; the caller stores it. No clock's name: there are none."""
    clocks = current(thread)
    alive = [row for row in clocks if row.state in _ALIVE]
    running = [(row, ends) for row in alive if (ends := _ends(thread, row, at)) is not None]
    if running:
        row, ends = min(running, key=lambda each: (each[1], each[0].kind))
        state = "breached" if row.breached_at else "warned" if row.warned_at else "running"
        thread.sla_clock, thread.sla_state, thread.sla_due_at = row.kind, state, ends
    elif clocks:
        state = "paused" if alive else "done"
        thread.sla_clock, thread.sla_state, thread.sla_due_at = (alive or clocks)[-1].kind, state, None
    else:
        thread.sla_clock, thread.sla_state, thread.sla_due_at = "", "", None


def breach(thread: Conversation, row: SlaClock, at: datetime) -> bool:
    """Write down, once, that a promise was broken; gives whether it was not known. The rows are stored."""
    if row.breached_at is not None:
        return False
    row.breached_at, row.due_at = at, None
    row.save(update_fields=["breached_at", "due_at"])
    happened(thread, "sla_missed", by="sla", at=at, clock=row.kind, policy=row.policy_id, target=row.target)
    return True


def late_since(thread: Conversation, row: SlaClock, at: datetime) -> datetime:
    """The first moment at which a running clock was late, `at` at the latest."""
    ends = _ends(thread, row, at)
    return min(ends + _MILLISECOND, at) if ends is not None else at


def schedule(thread: Conversation, row: SlaClock, at: datetime) -> None:
    """Set when a running clock is looked at next, and store it."""
    hours, clock = hours_of(thread, row, at), clock_of(row)
    ends = clock.ends_at(hours)
    warns = None if row.warned_at else clock.warns_at(row.policy.warn_seconds * 1000, hours)
    wanted = None if row.breached_at else warns if warns is not None else ends
    # One millisecond later more than what was promised is spent.
    row.due_at = None if wanted is None else moment(wanted) + _MILLISECOND
    row.save()


def apply_policy(thread: Conversation, at: datetime, *, begin: bool) -> None:
    """Let the policy that fits a conversation now set what is promised; with `begin`, clocks that lack begin.

    A clock that runs keeps what it has spent. Costs one query where there are no policies.
    """
    policies = list(SlaPolicy.objects.of(thread.workspace_id).filter(is_active=True).order_by("place", "created_at"))
    clocks = {row.kind: row for row in current(thread)} if policies or thread.sla_clock else {}
    if not policies and not clocks:
        return
    chosen = fitting(thread, policies)
    promised = targets(chosen) if chosen is not None else {}
    for kind in KINDS:
        row = clocks.get(kind)
        if row is not None and row.state in _ALIVE:
            _promise_anew(thread, row, chosen, promised.get(kind), at)
        elif row is None and begin and chosen is not None and kind != NEXT_REPLY and kind in promised:
            _start(thread, chosen, kind, promised[kind], at)
    show(thread, at)


def fitting(thread: Conversation, policies: list[SlaPolicy]) -> SlaPolicy | None:
    """The first policy whose conditions a conversation meets."""
    read = [(row, Conditions.read(row.conditions)) for row in policies]
    case = case_of(thread, with_contact=any(conditions.contact for _, conditions in read))
    return next((row for row, conditions in read if conditions.fits(case)), None)


def targets(policy: SlaPolicy) -> dict[str, int]:
    """What a policy promises: milliseconds by kind of clock."""
    seconds = (policy.first_reply_seconds, policy.next_reply_seconds, policy.resolution_seconds)
    return {kind: each * 1000 for kind, each in zip(KINDS, seconds, strict=True) if each}


def hours_of(thread: Conversation, row: SlaClock, at: datetime) -> Hours:
    """The hours in which a clock runs."""
    return hours_in_force(thread.workspace_id, thread.team_id, at) if row.in_business_hours else ALWAYS


def clock_of(row: SlaClock) -> Clock:
    return Clock(row.target, row.spent, milliseconds(row.since) if row.since is not None else None)


def _waits(thread: Conversation, event: Happened) -> None:
    # Where the assistant is off, a conversation waits before anything was said: nothing is owed yet.
    if event.by != "off" and thread.status in {"bot", "resolved"}:
        apply_policy(thread, event.at, begin=True)


def _message(thread: Conversation, event: Happened) -> None:
    if thread.status not in {"waiting", "open"}:
        return
    if event.detail["author"] == "contact":
        _asked(thread, event.at)
    elif event.detail["author"] == "member" and thread.sla_clock:
        _replied(thread, event.at)


def _asked(thread: Conversation, at: datetime) -> None:
    """The contact wrote: a reply is owed, and the solution is ours to work on."""
    clocks = current(thread) if thread.sla_clock else []
    if not clocks:
        apply_policy(thread, at, begin=True)
        return
    by_kind = {row.kind: row for row in clocks if row.state in _ALIVE}
    solution, policy = by_kind.get(RESOLUTION), clocks[-1].policy
    if solution is not None and not thread.is_snoozed:
        _resume(thread, solution, at)
    if FIRST_REPLY not in by_kind and NEXT_REPLY not in by_kind and (target := targets(policy).get(NEXT_REPLY)):
        _start(thread, policy, NEXT_REPLY, target, at)
    show(thread, at)


def _replied(thread: Conversation, at: datetime) -> None:
    """A member wrote: what was owed is given, and the solution waits for the contact."""
    for row in current(thread):
        if row.state not in _ALIVE:
            continue
        if row.kind == RESOLUTION:
            _pause(thread, row, at)
        else:
            _end(thread, row, at)
    show(thread, at)


def _resolved(thread: Conversation, event: Happened) -> None:
    _close(thread, event.at, solved=True)


def _back(thread: Conversation, event: Happened) -> None:
    _close(thread, event.at, solved=False)


def _close(thread: Conversation, at: datetime, *, solved: bool) -> None:
    """The stay with people is over: solved, or the assistant's again; replies are owed no more."""
    if not thread.sla_clock:
        return
    for row in current(thread):
        if row.state in _ALIVE:
            if solved and row.kind == RESOLUTION:
                _end(thread, row, at)
            else:
                _drop(thread, row, at)
        row.is_current = False
        row.save(update_fields=["is_current"])
    thread.sla_clock, thread.sla_state, thread.sla_due_at = "", "", None


def _snoozed(thread: Conversation, event: Happened) -> None:
    _all(thread, event.at, _pause)


def _woken(thread: Conversation, event: Happened) -> None:
    if thread.sla_clock:
        owed = _last_author(thread) != "member"  # whose turn it is stays as it was
        for row in current(thread):
            if row.state == "paused" and (row.kind != RESOLUTION or owed):
                _resume(thread, row, event.at)
        show(thread, event.at)


def _changed(thread: Conversation, event: Happened) -> None:
    if thread.status in {"waiting", "open"}:
        apply_policy(thread, event.at, begin=False)


def _all(thread: Conversation, at: datetime, move: Any) -> None:
    if thread.sla_clock:
        for row in current(thread):
            if row.state in _ALIVE:
                move(thread, row, at)
        show(thread, at)


def _start(thread: Conversation, policy: SlaPolicy, kind: str, target: int, at: datetime) -> None:
    row = SlaClock(
        workspace_id=thread.workspace_id,
        conversation_id=thread.id,
        policy=policy,
        kind=kind,
        target=target,
        in_business_hours=policy.in_business_hours,
        since=at,
        created_at=at,
    )
    schedule(thread, row, at)


def _pause(thread: Conversation, row: SlaClock, at: datetime) -> None:
    if row.state == "running":
        _stand(thread, row, at)
        row.state, row.due_at = "paused", None
        row.save()


def _resume(thread: Conversation, row: SlaClock, at: datetime) -> None:
    if row.state == "paused":
        row.state, row.since = "running", at
        schedule(thread, row, at)


def _end(thread: Conversation, row: SlaClock, at: datetime) -> None:
    """What was promised is done: in time, or late."""
    _stand(thread, row, at)
    row.state, row.due_at, row.ended_at = "missed" if row.breached_at else "met", None, at
    row.save()
    if row.state == "met":
        happened(
            thread, "sla_met", by="sla", at=at, clock=row.kind, policy=row.policy_id, target=row.target, spent=row.spent
        )


def _drop(thread: Conversation, row: SlaClock, at: datetime) -> None:
    _stand(thread, row, at)
    row.state, row.due_at, row.ended_at = "missed" if row.breached_at else "dropped", None, at
    row.save()


def _stand(thread: Conversation, row: SlaClock, at: datetime) -> None:
    """Count what was spent up to now; that it was too much is known at once, before dispatch comes by."""
    if row.since is None:
        return
    hours, clock = hours_of(thread, row, at), clock_of(row)
    if clock.is_late(milliseconds(at), hours):
        breach(thread, row, late_since(thread, row, at))
    row.spent, row.since = clock.spent_by(milliseconds(at), hours), None


def _promise_anew(
    thread: Conversation, row: SlaClock, policy: SlaPolicy | None, target: int | None, at: datetime
) -> None:
    if policy is None or target is None:
        _drop(thread, row, at)
    elif (row.policy_id, row.target, row.in_business_hours) != (policy.id, target, policy.in_business_hours):
        is_running = row.state == "running"
        _stand(thread, row, at)
        row.policy, row.target, row.in_business_hours = policy, target, policy.in_business_hours
        row.warned_at = None
        if is_running:
            row.since = at
            schedule(thread, row, at)
        else:
            row.save()
    elif row.state == "running":
        schedule(thread, row, at)  # the team's hours may be others


def _last_author(thread: Conversation) -> str | None:
    said = Message.objects.of(thread.workspace_id).filter(conversation_id=thread.id, is_internal=False)
    people = said.filter(author__in=("contact", "member")).order_by("-sequence")
    return people.values_list("author", flat=True).first()


def _ends(thread: Conversation, row: SlaClock, at: datetime) -> datetime | None:
    ends = clock_of(row).ends_at(hours_of(thread, row, at))
    return moment(ends) if ends is not None else None


_MOVERS = {
    "waits": _waits,
    "message": _message,
    "resolved": _resolved,
    "assistant": _back,
    "snoozed": _snoozed,
    "woken": _woken,
    "teamed": _changed,
    "prioritise": _changed,
    "labelled": _changed,
}


def store(thread: Conversation) -> None:
    """Store what clocks changed of a conversation, and tell of it."""
    update(thread, [*SHOWN, "clock"])
    announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)
