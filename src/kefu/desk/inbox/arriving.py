"""What dispatch runs for arrivals whose files are still to be fetched. All safe to run twice."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction

from kefu.contracts.channel import Incoming
from kefu.desk.inbox.actions import incoming_of
from kefu.desk.inbox.models import Arrival
from kefu.desk.rows import now
from kefu.desk.statements import execute

ATTEMPTS = 8  # with the pauses below, some twenty minutes; providers keep files for days, but customers do not wait
_FIRST_PAUSE = 5.0
_KEPT = timedelta(days=30)  # no provider repeats a message after so long

# The first of each conversation, and none while one of it is in work.
_DUE = """
    SELECT arrival.id FROM inbox_arrival AS arrival JOIN inbox_channel AS channel ON channel.id = arrival.channel_id
    WHERE ((arrival.state = 'waiting' AND arrival.due_at <= %s)
            OR (arrival.state = 'claimed' AND arrival.lease_until < %s))
        AND arrival.state IN ('waiting', 'claimed') AND channel.is_active
        AND NOT EXISTS (
            SELECT 1 FROM inbox_arrival AS other WHERE other.conversation_id = arrival.conversation_id
                AND other.state IN ('waiting', 'claimed') AND other.id < arrival.id)
    ORDER BY arrival.due_at LIMIT %s
"""


@dataclass(frozen=True)
class ClaimedArrival:
    """An arrival whose files this worker fetches."""

    id: str
    workspace_id: str
    channel_id: str
    conversation_id: str
    incoming: Incoming
    attempts: int


def claim_arrivals(*, worker: str, limit: int, lease_seconds: float) -> list[ClaimedArrival]:
    """Take arrivals that wait for their files, of each conversation the oldest: what was said stays in order."""
    at = now()
    with transaction.atomic():
        lock = " FOR UPDATE OF arrival SKIP LOCKED" if connection.vendor == "postgresql" else ""
        ids = [str(row[0]) for row in execute(_DUE + lock, [at, at, limit])]
        rows = list(Arrival.objects.across_workspaces("dispatch works for all").filter(id__in=ids))
        for row in rows:
            row.state, row.claimed_by, row.attempts = "claimed", worker, row.attempts + 1
            row.lease_until = at + timedelta(seconds=lease_seconds)
            row.save(update_fields=["state", "claimed_by", "attempts", "lease_until"])
    return [
        ClaimedArrival(row.id, row.workspace_id, row.channel_id, row.conversation_id, incoming_of(row), row.attempts)
        for row in rows
    ]


def put_off(arrival: ClaimedArrival) -> bool:
    """Its files could not be fetched now. False where it was tried often enough, and the message goes without them."""
    if arrival.attempts >= ATTEMPTS:
        return False
    mine = Arrival.objects.of(arrival.workspace_id).filter(id=arrival.id, state="claimed")
    due_at = now() + timedelta(seconds=_FIRST_PAUSE * 2 ** (arrival.attempts - 1))
    mine.update(state="waiting", due_at=due_at, claimed_by="", lease_until=None)
    return True


def forget_arrivals(*, limit: int = 5_000) -> int:
    """Drop what is known of messages that nobody repeats any more; gives how many."""
    everywhere = Arrival.objects.across_workspaces("dispatch works for all")
    old = list(everywhere.filter(created_at__lt=now() - _KEPT, state__in=["stored", "dropped"])[:limit])
    if old:
        everywhere.filter(id__in=[row.id for row in old]).delete()
    return len(old)
