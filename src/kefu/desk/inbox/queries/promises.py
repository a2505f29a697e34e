"""Reads of what is promised, and of the clocks of a conversation."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kefu.desk.accounts.hours import ALWAYS, milliseconds, moment
from kefu.desk.accounts.team_queries import hours_in_force
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.models import SlaClock, SlaPolicy
from kefu.desk.inbox.queries.rows import get
from kefu.desk.inbox.sla import KINDS, Clock
from kefu.desk.rows import now
from kefu.kit.errors import NotFound


@dataclass(frozen=True)
class PolicyInfo:
    """What is promised, in seconds (None: nothing), for which conversations; see `models.SlaPolicy`."""

    id: str
    name: str
    place: int
    first_reply_seconds: int | None
    next_reply_seconds: int | None
    resolution_seconds: int | None
    in_business_hours: bool
    warn_seconds: int
    conditions: dict[str, Any]
    on_breach: dict[str, Any]


@dataclass(frozen=True)
class ClockInfo:
    """A clock of a conversation. `left_seconds` may be below zero; `ends_at` None: it stands, or is over."""

    kind: str
    state: str
    policy_id: str
    policy_name: str
    target_seconds: float
    left_seconds: float
    in_business_hours: bool
    ends_at: datetime | None
    warned_at: datetime | None
    breached_at: datetime | None
    ended_at: datetime | None


def policies(actor: Actor) -> list[PolicyInfo]:
    """All promises in the order in which they are tried. Raises NotAllowed."""
    actor.require_role(Role.VIEWER)
    rows = SlaPolicy.objects.of(actor.workspace_id).filter(is_active=True).order_by("place", "created_at")
    return [policy_info(row) for row in rows]


def policy_row(workspace_id: str, policy_id: str) -> SlaPolicy:
    """Raises NotFound, also for one that was removed."""
    row = SlaPolicy.objects.of(workspace_id).filter(id=policy_id, is_active=True).first()
    if row is None:
        raise NotFound("There is no such promise.", policy=policy_id)
    return row


def policy_info(row: SlaPolicy) -> PolicyInfo:
    return PolicyInfo(
        row.id,
        row.name,
        row.place,
        row.first_reply_seconds,
        row.next_reply_seconds,
        row.resolution_seconds,
        row.in_business_hours,
        row.warn_seconds,
        dict(row.conditions),
        dict(row.on_breach),
    )


def clocks(actor: Actor, conversation_id: str) -> list[ClockInfo]:
    """The clocks that a conversation ever had, the oldest first. Raises NotFound, NotAllowed."""
    actor.require_role(Role.VIEWER)
    thread = get(actor, conversation_id)
    rows = SlaClock.objects.of(actor.workspace_id).filter(conversation_id=thread.id).select_related("policy")
    at = now()
    hours = hours_in_force(thread.workspace_id, thread.team_id, at)
    found = []
    for row in sorted(rows, key=lambda each: (each.created_at, KINDS.index(each.kind))):
        clock = Clock(row.target, row.spent, milliseconds(row.since) if row.since else None)
        chosen = hours if row.in_business_hours else ALWAYS
        ends = clock.ends_at(chosen)
        left = row.target - clock.spent_by(milliseconds(at), chosen)
        found.append(
            ClockInfo(
                row.kind,
                row.state,
                row.policy_id,
                row.policy.name,
                row.target / 1000,
                left / 1000,
                row.in_business_hours,
                moment(ends) if ends is not None else None,
                row.warned_at,
                row.breached_at,
                row.ended_at,
            )
        )
    return found
