"""What goes on now: read from the rows as they are, and from the figures of the last minutes."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum

from kefu.desk.accounts.team_queries import AVAILABILITIES, staff_of
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.inbox.timelines import Standing, standing, standing_everywhere
from kefu.desk.insights.models import ReportingEvent
from kefu.desk.rows import now

__all__ = ["MINUTES", "Live", "live", "standing_everywhere", "waiting_figures", "watch_presence"]

MINUTES = 15  # of which answer times, refusals and errors are told: long enough for a few dozen answers
_VOLUME_MINUTES, _VOLUME_STEP = 60, 5
_COUNTED = ("incoming_messages", "outgoing_messages", "refusals", "failures", "conversations", "bot_handoffs")

Presence = Callable[[str], list[dict[str, str]]]


@dataclass(frozen=True)
class Live:
    """Seconds, and numbers of the last `MINUTES`. `online` is None where this process knows nobody's sockets.

    `people` who answer customers, by whether they are there. `engine_load`: how many answers were in the making at
    once, on average; over one, they wait for each other where only one is made at a time.
    """

    at: datetime
    standing: Standing
    longest_wait: float | None
    online: list[dict[str, str]] | None
    turn_time_p50: float | None
    turn_time_p95: float | None
    engine_load: float
    last: dict[str, int]
    volume: list[dict[str, object]]
    people: dict[str, int]


def live(actor: Actor) -> Live:
    """Raises NotAllowed."""
    actor.require(scope=Scope.INSIGHTS_READ, role=Role.VIEWER)
    at = now()
    found = standing(actor.workspace_id)
    waits = (at - found.waiting_since).total_seconds() if found.waiting_since else None
    recent = ReportingEvent.objects.of(actor.workspace_id).filter(at__gt=at - timedelta(minutes=MINUTES), at__lte=at)
    took: Counter[int] = Counter()
    for value, count in recent.filter(metric="turns").values_list("value", "count"):
        took[value * count] += count
    answered = sorted(took.elements())
    there = [each.availability for each in staff_of(actor.workspace_id).values()]
    counted = dict(recent.filter(metric__in=_COUNTED).values_list("metric").annotate(Sum("count")).order_by())
    return Live(
        at,
        found,
        waits,
        _presence(actor.workspace_id) if _presence is not None else None,
        _share(answered, 0.5),
        _share(answered, 0.95),
        sum(answered) / (MINUTES * 60_000),
        {"turns": len(answered), **{name: counted.get(name, 0) for name in _COUNTED}},
        _volume(actor.workspace_id, at),
        {each: there.count(each) for each in AVAILABILITIES},
    )


def waiting_figures() -> int:
    """How many figures of all workspaces are not rolled up yet."""
    return ReportingEvent.objects.across_workspaces("one figure for the installation").filter(rolled=False).count()


def watch_presence(presence: Presence | None) -> None:
    """Who is online is the gateway's to say, which holds the sockets."""
    global _presence  # noqa: PLW0603 - sockets are a process's
    _presence = presence


def _volume(workspace_id: str, at: datetime) -> list[dict[str, object]]:
    """Customers' messages of the last hour, in steps of five minutes, the oldest first."""
    step = timedelta(minutes=_VOLUME_STEP)
    end = at.replace(minute=at.minute // _VOLUME_STEP * _VOLUME_STEP, second=0, microsecond=0) + step
    first = end - timedelta(minutes=_VOLUME_MINUTES)
    rows = ReportingEvent.objects.of(workspace_id).filter(metric="incoming_messages", at__gte=first, at__lt=end)
    steps = [0] * (_VOLUME_MINUTES // _VOLUME_STEP)
    for moment, count in rows.values_list("at", "count"):
        steps[(moment - first) // step] += count
    return [{"at": first + step * place, "messages": number} for place, number in enumerate(steps)]


def _share(ordered: list[int], share: float) -> float | None:
    """The time in seconds that a share of times in milliseconds do not pass."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1000 if ordered else None


_presence: Presence | None = None
