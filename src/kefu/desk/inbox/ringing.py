"""What dispatch runs: clocks of what was promised that are due, to warn or to say that it is late. Safe to repeat."""

from datetime import datetime

from django.db import transaction

from kefu.desk.accounts.actions import announce
from kefu.desk.accounts.hours import milliseconds
from kefu.desk.accounts.team_queries import team_rows, told_of_trouble
from kefu.desk.inbox.actions.clocks import breach, clock_of, hours_of, late_since, schedule, show, store
from kefu.desk.inbox.actions.routes import MOVED, to_priority, to_team
from kefu.desk.inbox.handing import mail_members
from kefu.desk.inbox.models import Conversation, SlaClock
from kefu.desk.inbox.routing import PRIORITIES
from kefu.desk.rows import now
from kefu.desk.statements import update


def due_clocks(*, limit: int = 100) -> list[str]:
    """Ids of clocks to be looked at now."""
    due = SlaClock.objects.across_workspaces("dispatch works for all").filter(due_at__lte=now())
    return list(due.order_by("due_at").values_list("id", flat=True)[:limit])


def ring(clock_ids: list[str]) -> int:
    """Warn of clocks that end soon, and write down, once, those that have ended; gives how many changed something."""
    return sum(_ring(each) for each in clock_ids)


def _ring(clock_id: str) -> bool:
    everywhere = SlaClock.objects.across_workspaces("dispatch works for all")
    with transaction.atomic():
        place = everywhere.filter(id=clock_id).values_list("workspace_id", "conversation_id").first()
        if place is None:
            return False
        # The conversation first: whoever writes in it holds it before its clocks.
        held = Conversation.objects.of(place[0]).select_for_update(of=("self",), skip_locked=True)
        thread = held.select_related("channel").filter(id=place[1]).first()
        at = now()
        due = SlaClock.objects.of(place[0]).select_related("policy")
        row = due.filter(id=clock_id, state="running", due_at__lte=at).first()
        if thread is None or row is None:
            return False
        late = clock_of(row).is_late(milliseconds(at), hours_of(thread, row, at))
        told = _breached(thread, row) if late else _warned(thread, row, at)
        show(thread, at)
        store(thread)
    return told


def _warned(thread: Conversation, row: SlaClock, at: datetime) -> bool:
    warns = clock_of(row).warns_at(row.policy.warn_seconds * 1000, hours_of(thread, row, at))
    is_time = row.warned_at is None and warns is not None and warns <= milliseconds(at)
    if is_time:
        row.warned_at = at
        announce(thread.workspace_id, "conversation.sla_warned", thread.id, thread.id)
        mail_members(thread, _concerned(thread), "sla_warned", about=row.id)
    schedule(thread, row, at)
    return is_time


def _breached(thread: Conversation, row: SlaClock) -> bool:
    is_new = breach(thread, row, late_since(thread, row, now()))
    if is_new:
        announce(thread.workspace_id, "conversation.sla_breached", thread.id, thread.id)
        _act(thread, row)
    return is_new


def _act(thread: Conversation, row: SlaClock) -> None:
    """What the company wants done when it is late."""
    wanted = row.policy.on_breach
    if wanted.get("mail"):
        mail_members(thread, _concerned(thread), "sla_breached", about=row.id)
    priority = wanted.get("priority")
    if priority and PRIORITIES.index(priority) > thread.priority:
        to_priority(thread, priority, by="sla")
    team = wanted.get("team")
    if team and team != thread.team_id and team in team_rows(thread.workspace_id):
        to_team(thread, team, by="sla")
    else:
        update(thread, MOVED)


def _concerned(thread: Conversation) -> list[str]:
    """Its owner, the team's leads, and supervisors."""
    owner = [thread.assignee_id] if thread.assignee_id else []
    return list(dict.fromkeys([*owner, *told_of_trouble(thread.workspace_id, thread.team_id)]))
