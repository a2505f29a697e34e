"""What dispatch runs for pushing channels: claiming deliveries and settling how their sending ended. Safe to run twice.

A claim is written first, and then that sending begins. A worker that dies leaves claims whose lease ends: what had not
begun is sent again, and so is the rest on a channel that takes the same key only once; else a member looks at it, since
nobody knows whether it arrived. What is pushed is counted against the channel's quota before it is sent, so that no
crash ever exceeds it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from kefu.contracts.channel import (
    Capabilities,
    NotKnown,
    Outgoing,
    QuotaUsedUp,
    RefusedForEver,
    SendResult,
    Sent,
    TryLater,
    manifest,
)
from kefu.desk.accounts.actions import announce
from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import system
from kefu.desk.crypto import seal, unseal
from kefu.desk.inbox import texts
from kefu.desk.inbox.actions import language_of, note_error, note_recovery, say
from kefu.desk.inbox.models import Arrival, Channel, Delivery, Reach, Turn
from kefu.desk.inbox.queries import get, outgoing
from kefu.desk.rows import now
from kefu.desk.statements import execute
from kefu.kit.errors import KefuError
from kefu.kit.settings import settings

ATTEMPTS = 12  # with the pauses below, some seven hours: a system that is down over night is heard in the morning
_SLOWER = 3  # each pause is so many times the one before
_LONGEST_PAUSE = 3600.0
_ERROR = 300  # characters, the column's

# The first undone delivery of a conversation, and none while one of it is on its way: replies arrive in order. That the
# state is one of two follows from the rest, but SQLite reads the index only where its condition stands word for word.
_DUE = """
    SELECT delivery.id FROM inbox_delivery AS delivery JOIN inbox_channel AS channel ON channel.id = delivery.channel_id
    WHERE delivery.state = 'pending' AND delivery.state IN ('pending', 'claimed') AND delivery.due_at <= %s
        AND channel.is_active AND channel.paused_at IS NULL
        AND NOT EXISTS (
            SELECT 1 FROM inbox_delivery AS other WHERE other.conversation_id = delivery.conversation_id
                AND (other.state = 'claimed' OR (other.state = 'pending' AND other.sequence < delivery.sequence)))
    ORDER BY delivery.due_at LIMIT %s
"""
_INTERRUPTED = """
    SELECT id FROM inbox_delivery WHERE state = 'claimed' AND state IN ('pending', 'claimed') AND lease_until < %s
    ORDER BY lease_until LIMIT %s
"""
_MAY_ANSWER = """
    SELECT 1 FROM inbox_arrival AS arrival WHERE arrival.id = %s AND arrival.workspace_id = %s
        AND (arrival.sealed_answer IS NOT NULL OR EXISTS (
            SELECT 1 FROM inbox_delivery AS delivery
            WHERE delivery.conversation_id = arrival.conversation_id AND delivery.state = 'kept'))
"""
_LOCKED = " FOR UPDATE OF delivery SKIP LOCKED"


@dataclass(frozen=True)
class ClaimedDelivery:
    """Deliveries of one conversation that go as one, and that this worker alone may send until its lease ends.

    `pieces_sent` of its messages have gone before.
    """

    batch: str
    workspace_id: str
    channel_id: str
    conversation_id: str
    worker: str
    pieces_sent: int
    attempts: int


def claim_deliveries(*, worker: str, limit: int, lease_seconds: float) -> list[ClaimedDelivery]:
    """Take what is due, the first of each conversation; what the quota does not allow is kept for later instead."""
    at = now()
    with transaction.atomic():
        lock = _LOCKED if connection.vendor == "postgresql" else ""
        ids = [str(row[0]) for row in execute(_DUE + lock, [at, limit])]
        leads = _rows(ids) if ids else []
        claimed = [_claim(lead, worker, at, lease_seconds) for lead in leads]
    return [each for each in claimed if each is not None]


def begin(claimed: ClaimedDelivery) -> bool:
    """Note that sending begins: from here on it may have arrived. False for a claim that is no longer ours."""
    with transaction.atomic():
        rows = _mine(claimed)
        if rows:
            _put(rows, state="claimed", begun_at=now())
    return bool(rows)


def keep_deliveries(*, worker: str, lease_seconds: float) -> None:
    """A sign of life for what is being sent."""
    mine = Delivery.objects.across_workspaces("dispatch works for all").filter(state="claimed", claimed_by=worker)
    mine.update(lease_until=now() + timedelta(seconds=lease_seconds))


def settle(claimed: ClaimedDelivery, result: SendResult, *, more: bool = False) -> bool:
    """Write down how sending one message ended; gives whether the batch's next message may be sent now.

    `more`: the batch has messages after this one. A claim that is no longer ours changes nothing.
    """
    with transaction.atomic():
        thread = get(system(claimed.workspace_id), claimed.conversation_id, lock=True)
        rows = _mine(claimed)
        if not rows:
            return False
        able = capabilities(thread.channel.kind)
        if isinstance(result, Sent):
            if _is_troubled(thread.channel):
                note_recovery(thread.channel_id, workspace_id=claimed.workspace_id)
            return _sent(rows, result, more, able)
        _not_sent(rows, result, able)
        return False


def take_up_interrupted(*, limit: int = 100) -> int:
    """Deal with deliveries whose worker died while it sent them; gives how many."""
    at = now()
    ids = [str(row[0]) for row in execute(_INTERRUPTED, [at, limit])]
    found = _rows(ids) if ids else []
    batches = {(row.workspace_id, row.conversation_id, row.batch, row.claimed_by, row.channel_id) for row in found}
    for workspace_id, conversation_id, batch, worker, channel_id in batches:
        claimed = ClaimedDelivery(batch, workspace_id, channel_id, conversation_id, worker, 0, 0)
        with transaction.atomic():
            get(system(workspace_id), conversation_id, lock=True)
            rows = _mine(claimed)
            if any(row.lease_until is None or row.lease_until >= at for row in rows):
                continue  # its worker lives after all
            has_begun = any(row.begun_at is not None for row in rows)
            maybe = NotKnown("Kefu stopped while it was sending")
            settle(claimed, maybe if has_begun else TryLater(maybe.reason, 0))
    return len(found)


def may_answer(arrival_id: str, *, workspace_id: str) -> bool:
    """Whether `answer_kept` may find something to go back with the request."""
    return bool(execute(_MAY_ANSWER, [arrival_id, workspace_id]))


def answer_kept(
    arrival_id: str, *, workspace_id: str, pieces: Callable[[Outgoing], Sequence[Outgoing]], answered_only: bool
) -> Outgoing | None:
    """The reply that goes back with a request, where the channel cannot send by itself; None where none waits.

    The same arrival is always given the same. `answered_only`: only once the arrival's own turn is done. It counts as
    sent from here on: a request that is cut off is repeated, and given it again.
    """
    with transaction.atomic():
        arrival = Arrival.objects.of(workspace_id).select_for_update().get(id=arrival_id)
        key = workspace_key(workspace_id)
        if arrival.sealed_answer is not None:
            return _said(json.loads(unseal(key, arrival.sealed_answer, about=arrival.id)))
        turn = Turn.objects.of(workspace_id).filter(id=arrival.turn_id).first() if arrival.turn_id else None
        if answered_only and turn is not None and turn.state != "done":
            return None
        get(system(workspace_id), arrival.conversation_id, lock=True)
        kept = Delivery.objects.of(workspace_id).filter(conversation_id=arrival.conversation_id, state="kept")
        rows = list(kept.order_by("sequence"))
        if not rows:
            return None
        batch = rows[0].batch or rows[0].id
        rows = [row for row in rows if row.batch in {"", batch}]
        _put(rows, batch=batch, state="kept")
        whole = list(pieces(outgoing(workspace_id, arrival.conversation_id, batch)))
        place = min(rows[0].pieces_sent, len(whole) - 1)
        piece = whole[place]
        _put(rows, state="kept" if place + 1 < len(whole) else "sent", pieces_sent=place + 1, sent_at=now(), error="")
        # A request is answered with text: of a file, its name.
        text = piece.text or ", ".join(file.name for file in piece.attachments)
        said = {"key": piece.key, "to": piece.to, "text": text, "quick_replies": list(piece.quick_replies)}
        arrival.sealed_answer = seal(key, json.dumps(said), about=arrival.id)
        arrival.save(update_fields=["sealed_answer"])
        return _said(said)


def capabilities(kind: str) -> Capabilities:
    """What a kind of channel can carry; of one that is not installed any more, nothing."""
    try:
        return manifest(kind).capabilities
    except KefuError:
        return Capabilities()


def _said(said: Mapping[str, Any]) -> Outgoing:
    return Outgoing(**{**said, "quick_replies": tuple(said["quick_replies"])})


def _claim(lead: Delivery, worker: str, at: datetime, lease_seconds: float) -> ClaimedDelivery | None:
    able = capabilities(lead.channel.kind)
    rows = _batch_of(lead, able)
    batch = lead.batch or lead.id
    if not _count(rows[0], able, at):
        _put(rows, state="kept", error="quota")
        _announce(rows)
        return None
    _put(
        rows,
        state="claimed",
        batch=batch,
        claimed_by=worker,
        lease_until=at + timedelta(seconds=lease_seconds),
        attempts=lead.attempts + 1,
    )
    return ClaimedDelivery(
        batch, lead.workspace_id, lead.channel_id, lead.conversation_id, worker, lead.pieces_sent, lead.attempts
    )


def _batch_of(lead: Delivery, able: Capabilities) -> list[Delivery]:
    """What goes with the first: what went with it before, else all that waits for the same customer."""
    if not able.merges and not lead.batch:
        return [lead]
    mates = Delivery.objects.of(lead.workspace_id).filter(conversation_id=lead.conversation_id, state="pending")
    mates = mates.filter(batch=lead.batch) if lead.batch else mates.filter(batch="", sequence__gte=lead.sequence)
    return list(mates.order_by("sequence"))


def _count(row: Delivery, able: Capabilities, at: datetime) -> bool:
    """Count one more push against the quota; False where none is left."""
    if able.quota is None:
        return True
    reaches = Reach.objects.of(row.workspace_id).select_for_update()
    reach = reaches.filter(conversation_id=row.conversation_id).first()
    if reach is None:
        return True
    is_over = at > reach.last_inbound_at + timedelta(seconds=able.quota.seconds)
    if is_over or reach.used >= able.quota.messages:
        return False
    reach.used += 1
    reach.save(update_fields=["used"])
    return True


def _give_back_quota(row: Delivery) -> None:
    """It was counted and not sent."""
    reach = Reach.objects.of(row.workspace_id).select_for_update().filter(conversation_id=row.conversation_id).first()
    if reach is not None and reach.used > 0:
        reach.used -= 1
        reach.save(update_fields=["used"])


def _sent(rows: list[Delivery], result: Sent, more: bool, able: Capabilities) -> bool:
    pieces = rows[0].pieces_sent + 1
    if not more:
        _put(rows, state="sent", pieces_sent=pieces, external_id=result.external_id[:200], error="", sent_at=now())
        _announce(rows)
        return False
    go_on = _count(rows[0], able, now())
    # What claimed_by and the lease say stays, where it goes on.
    _put(rows, state="claimed" if go_on else "kept", pieces_sent=pieces, error="" if go_on else "quota")
    return go_on


def _not_sent(rows: list[Delivery], result: SendResult, able: Capabilities) -> None:
    if isinstance(result, NotKnown):
        if able.idempotent:
            _later(rows, TryLater(result.reason), same_key=True)
        else:
            _fail(rows, "unsure", result.reason)
        return
    _give_back_quota(rows[0])
    if isinstance(result, TryLater):
        _later(rows, result, same_key=False)
    elif isinstance(result, QuotaUsedUp):
        _put(rows, state="kept", error=result.reason[:_ERROR], batch=_free_batch(rows[0]))
        _announce(rows)
    elif isinstance(result, RefusedForEver):
        _fail(rows, "dead", result.reason)


def _later(rows: list[Delivery], result: TryLater, *, same_key: bool) -> None:
    lead = rows[0]
    if lead.attempts >= ATTEMPTS:
        _fail(rows, "dead", result.reason)
        return
    seconds = pause_before(lead.attempts) if result.seconds is None else result.seconds
    batch = lead.batch if same_key else _free_batch(lead)
    _put(rows, state="pending", due_at=now() + timedelta(seconds=seconds), error=result.reason[:_ERROR], batch=batch)
    _note_error(lead, result.reason)


def _free_batch(row: Delivery) -> str:
    """What certainly did not go may go together with what was said since; what began to go goes on by itself."""
    return row.batch if row.pieces_sent else ""


def pause_before(attempts: int) -> float:
    """Seconds until the next try after so many."""
    return float(min(settings().delivery_retry_seconds * _SLOWER ** max(attempts - 1, 0), _LONGEST_PAUSE))


def _fail(rows: list[Delivery], state: str, reason: str) -> None:
    """Put deliveries before the members: in the list of what failed, and in the conversation itself."""
    lead = rows[0]
    _put(rows, state=state, error=reason[:_ERROR])
    _note_error(lead, reason)
    thread = get(system(lead.workspace_id), lead.conversation_id, lock=True)
    key = "not_delivered" if state == "dead" else "maybe_delivered"
    text = texts.to_customer(key, language_of(thread), reason=reason)
    say(system(lead.workspace_id), thread, author="system", author_id="", text=text, is_internal=True)
    for row in rows:
        announce(row.workspace_id, "delivery.failed", row.id, row.conversation_id)


def _announce(rows: list[Delivery]) -> None:
    for row in rows:
        announce(row.workspace_id, "delivery.updated", row.id, row.conversation_id)


def _note_error(row: Delivery, reason: str) -> None:
    note_error(row.channel_id, workspace_id=row.workspace_id, error=reason)


def _is_troubled(channel: Channel) -> bool:
    """Whether nothing has gone through since something failed: seldom, so that few sendings write it down."""
    failed, recovered = channel.last_error_at, channel.recovered_at
    return failed is not None and (recovered is None or recovered < failed)


def _mine(claimed: ClaimedDelivery) -> list[Delivery]:
    rows = Delivery.objects.of(claimed.workspace_id).select_for_update(of=("self",)).order_by("sequence")
    return list(
        rows.filter(
            conversation_id=claimed.conversation_id, batch=claimed.batch, state="claimed", claimed_by=claimed.worker
        )
    )


def _put(rows: list[Delivery], **columns: object) -> None:
    if columns.get("state") != "claimed":
        columns = {**columns, "claimed_by": "", "lease_until": None, "begun_at": None}
    Delivery.objects.of(rows[0].workspace_id).filter(id__in=[row.id for row in rows]).update(**columns)
    for row in rows:
        for name, value in columns.items():
            setattr(row, name, value)


def _rows(ids: list[str]) -> list[Delivery]:
    rows = Delivery.objects.across_workspaces("dispatch works for all").select_related("channel")
    return list(rows.filter(id__in=ids).order_by("due_at"))
