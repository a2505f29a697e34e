"""What dispatch runs: claiming and finishing turns, closing idle conversations. All safe to run twice."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, Window
from django.db.models.functions import RowNumber

from kefu.contracts.engine import Said
from kefu.contracts.turn import Decision, TurnOutcome
from kefu.desk.accounts.actions import announce
from kefu.desk.actor import system
from kefu.desk.inbox.actions import close, leave_pending, say
from kefu.desk.inbox.models import Conversation, Message, Turn
from kefu.desk.inbox.queries import MessageInfo, history, message_infos, said
from kefu.desk.rows import now

ATTEMPTS = 3  # a turn that ended three workers is not tried again: a member gets it


@dataclass(frozen=True)
class ClaimedTurn:
    """A turn that this worker alone may finish until its lease ends."""

    id: str
    workspace_id: str
    conversation_id: str
    text: str
    history: tuple[Said, ...]
    refusals_in_a_row: int
    language: str
    attempts: int


@dataclass(frozen=True)
class FinishedTurn:
    """What came of a turn: its reply as stored, or None when the conversation had passed to a member meanwhile."""

    turn_id: str
    conversation_id: str
    status: str
    reply: MessageInfo | None


def claim_turns(*, worker: str, limit: int, lease_seconds: float) -> list[ClaimedTurn]:
    """Take up to `limit` turns that are due: the first of each workspace before the second of any.

    A conversation with a turn in work is passed over; a claim whose lease has ended is taken over.
    """
    at = now()
    with transaction.atomic():
        ids = _due_turns(at, limit)
        if not ids:
            return []
        mine = Turn.objects.across_workspaces("dispatch works for all").filter(id__in=ids)
        mine.update(
            state="claimed",
            claimed_by=worker,
            lease_until=at + timedelta(seconds=lease_seconds),
            attempts=F("attempts") + 1,
        )
        turns = list(mine.select_related("conversation"))
        past = history([turn.conversation_id for turn in turns])
    order = {turn_id: place for place, turn_id in enumerate(ids)}
    turns.sort(key=lambda turn: order[turn.id])
    return [_claimed(turn, past[turn.conversation_id]) for turn in turns]


def keep_claims(*, worker: str, turn_ids: list[str], lease_seconds: float) -> None:
    """A sign of life for turns in work."""
    mine = Turn.objects.across_workspaces("dispatch works for all").filter(id__in=turn_ids, claimed_by=worker)
    mine.filter(state="claimed").update(lease_until=now() + timedelta(seconds=lease_seconds))


def finish_turns(*, worker: str, outcomes: list[tuple[str, TurnOutcome, dict[str, Any]]]) -> list[FinishedTurn | None]:
    """Store the outcomes (turn id, outcome, trace) in one transaction; None for a turn that was no longer ours."""
    with transaction.atomic():
        return [_finish(worker, turn_id, outcome, trace) for turn_id, outcome, trace in outcomes]


def leave_turn(*, worker: str, turn_id: str, text: str) -> FinishedTurn | None:
    """Give up on a turn: the customer is told `text`, a member gets the conversation."""
    outcome = TurnOutcome(text, Decision.HAND_OVER, 0.0, "", reason="failed")
    return finish_turns(worker=worker, outcomes=[(turn_id, outcome, {"reason": "failed"})])[0]


def close_idle(*, limit: int = 100) -> int:
    """Resolve conversations in which nothing was said for long; gives how many."""
    at = now()
    late = Conversation.objects.across_workspaces("dispatch works for all").filter(due_at__lte=at)
    closed = 0
    for conversation_id in list(late.order_by("due_at").values_list("id", flat=True)[:limit]):
        with transaction.atomic():
            thread = late.select_for_update().filter(id=conversation_id).first()
            if thread is not None and not _has_work(thread):
                close(thread, by="idle")
                closed += 1
    return closed


def _due_turns(at: Any, limit: int) -> list[str]:
    everywhere = Turn.objects.across_workspaces("dispatch works for all")
    in_work = everywhere.filter(conversation_id=OuterRef("conversation_id"), state="claimed")
    ready = Q(state="pending", due_at__lte=at) & ~Exists(in_work)
    lapsed = Q(state="claimed", lease_until__lt=at)
    ranked = (
        everywhere.exclude(state="done")
        .filter(ready | lapsed)
        .annotate(rank=Window(RowNumber(), partition_by=[F("workspace_id")], order_by=[F("due_at").asc()]))
        .order_by("rank", "due_at")
        .values_list("id", flat=True)
    )
    ids = list(ranked[:limit])
    if connection.vendor != "postgresql" or not ids:
        return ids
    # Window functions cannot lock rows, so they are locked by id; what another process holds is left to it.
    held = everywhere.select_for_update(skip_locked=True).filter(id__in=ids).filter(ready | lapsed)
    still = set(held.values_list("id", flat=True))
    return [turn_id for turn_id in ids if turn_id in still]


def _claimed(turn: Turn, rows: list[Message]) -> ClaimedTurn:
    mine = [row for row in rows if row.turn_id == turn.id and row.author == "contact"]
    first = mine[0].sequence if mine else turn.last_sequence
    return ClaimedTurn(
        id=turn.id,
        workspace_id=turn.workspace_id,
        conversation_id=turn.conversation_id,
        text="\n".join(row.text for row in mine),
        history=said(row for row in rows if row.sequence < first),
        refusals_in_a_row=turn.conversation.refusals_in_a_row,
        language=turn.conversation.language,
        attempts=turn.attempts,
    )


def _finish(worker: str, turn_id: str, outcome: TurnOutcome, trace: dict[str, Any]) -> FinishedTurn | None:
    turn = (
        Turn.objects.across_workspaces("dispatch works for all")
        .filter(id=turn_id, state="claimed", claimed_by=worker)
        .first()
    )
    if turn is None:
        return None
    thread = (
        Conversation.objects.of(turn.workspace_id)
        .select_for_update(of=("self",))
        .select_related("channel")
        .get(id=turn.conversation_id)
    )
    on_duty = thread.status == "bot"
    reply = _reply(thread, turn, outcome) if on_duty else None
    turn.state, turn.outcome, turn.finished_at = "done", "replied" if on_duty else "left", now()
    turn.decision, turn.confidence, turn.trace = outcome.decision, outcome.confidence, trace
    turn.save(update_fields=["state", "outcome", "finished_at", "decision", "confidence", "trace"])
    announce(turn.workspace_id, "turn.finished", turn.id, thread.id)
    shown = message_infos(system(turn.workspace_id), [reply])[0] if reply is not None else None
    return FinishedTurn(turn.id, thread.id, thread.status, shown)


def _reply(thread: Conversation, turn: Turn, outcome: TurnOutcome) -> Message:
    refused = outcome.decision == Decision.REFUSE
    thread.refusals_in_a_row = thread.refusals_in_a_row + 1 if refused else 0
    thread.language = outcome.language or thread.language
    if outcome.decision == Decision.HAND_OVER:
        thread.status, thread.waiting_since = "waiting", now()
        leave_pending(thread)
        announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)
    return say(
        system(thread.workspace_id),
        thread,
        author="assistant",
        author_id="",
        text=outcome.text,
        turn_id=turn.id,
        answer=answer_of(outcome),
    )


def answer_of(outcome: TurnOutcome) -> dict[str, Any]:
    """What of an outcome is stored with the reply and shown to whoever reads it."""
    return {
        "decision": outcome.decision.value,
        "confidence": round(outcome.confidence, 4),
        "language": outcome.language,
        "citations": [
            {
                "title": citation.title,
                "text": citation.text,
                "url": citation.url,
                "document": citation.document,
                "start": citation.start,
                "end": citation.end,
            }
            for citation in outcome.citations
        ],
        "quick_replies": list(outcome.quick_replies),
        "timings_ms": {
            **{step.name: round(step.ms, 2) for step in outcome.steps},
            "total": round(sum(step.ms for step in outcome.steps), 2),
        },
    }


def _has_work(thread: Conversation) -> bool:
    undone = Turn.objects.of(thread.workspace_id).filter(conversation_id=thread.id).exclude(state="done")
    return bool(undone.exists())
