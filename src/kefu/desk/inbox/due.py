"""What dispatch runs: claiming and finishing turns, closing idle conversations. All safe to run twice."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from kefu.contracts.engine import Said
from kefu.contracts.turn import Decision, TurnOutcome
from kefu.desk.accounts.actions import announce
from kefu.desk.actor import system
from kefu.desk.contacts.queries import with_profile
from kefu.desk.inbox import actions
from kefu.desk.inbox.actions import close, keep, save, say, tell_member, turn_facts, wait
from kefu.desk.inbox.actions.keeping import keep_flow
from kefu.desk.inbox.actions.state import wake
from kefu.desk.inbox.closed import said_instead
from kefu.desk.inbox.models import Conversation, Message, Turn
from kefu.desk.inbox.queries import Line, MessageInfo, history, message_info, placeholders
from kefu.desk.rows import now
from kefu.desk.statements import execute, marks, select_across_workspaces, update
from kefu.knowledge.masking import unmask

# The first of each workspace before the second of any; a conversation with a turn in work is passed over. NOT (state =
# 'done') follows from the rest, but SQLite reads the index of undone turns only where its condition stands word for
# word, and else every turn there ever was.
_DUE = """
    SELECT id FROM (
        SELECT id, due_at, ROW_NUMBER() OVER (PARTITION BY workspace_id ORDER BY due_at) AS place
        FROM inbox_turn AS turn
        WHERE NOT (state = 'done') AND (
            (state = 'pending' AND due_at <= %s AND NOT EXISTS (
                SELECT 1 FROM inbox_turn AS other
                WHERE other.conversation_id = turn.conversation_id AND other.state = 'claimed'))
            OR (state = 'claimed' AND lease_until < %s))
    ) AS ranked ORDER BY place, due_at LIMIT %s
"""
_HOLD = """
    SELECT id FROM inbox_turn WHERE id IN ({ids}) AND (state = 'pending' OR lease_until < %s) FOR UPDATE SKIP LOCKED
"""
_CLAIM = """
    UPDATE inbox_turn SET state = 'claimed', claimed_by = %s, lease_until = %s, attempts = attempts + 1
    WHERE id IN ({ids})
"""
_FINISHED = ("state", "outcome", "finished_at", "decision", "confidence", "trace")
TAKEN_OVER = "taken_over"  # the brain's reason when a member took the conversation while it worked
ATTEMPTS = 3  # a turn that ended three workers is not tried again: a member gets it


@dataclass(frozen=True)
class ClaimedTurn:
    """A turn that this worker alone may finish until its lease ends.

    `said` is each message's text with its place in the conversation, `text` all of them joined, empty where only files
    were sent; `wordless` where any message is one or more files alone. `pressed` is the value of the button that all of
    it was said with. `state` and `remembered` are what earlier turns kept. `has_profile`: anything is known of the
    contact.
    """

    id: str
    workspace_id: str
    conversation_id: str
    text: str
    history: tuple[Said, ...]
    refusals_in_a_row: int
    language: str
    attempts: int
    contact_id: str = ""
    channel_id: str = ""
    state: dict[str, Any] | None = None
    remembered: dict[str, Any] = field(default_factory=dict)
    wordless: bool = False
    pressed: str | None = None
    said: tuple[tuple[int, str], ...] = ()
    has_profile: bool = True


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
        lease_until = at + timedelta(seconds=lease_seconds)
        execute(_CLAIM.format(ids=marks(ids)), [worker, lease_until, *ids])
        turns = select_across_workspaces(Turn, "dispatch works for all", f"id IN ({marks(ids)})", ids)
        threads = _threads([turn.conversation_id for turn in turns])
        known = with_profile([thread.contact_id for thread in threads.values()])
        past = history(ids)
    order = {turn_id: place for place, turn_id in enumerate(ids)}
    turns.sort(key=lambda turn: order[turn.id])
    return [_claimed(turn, threads[turn.conversation_id], past[turn.id], known) for turn in turns]


def keep_claims(*, worker: str, turn_ids: list[str], lease_seconds: float) -> None:
    """A sign of life for turns in work."""
    mine = Turn.objects.across_workspaces("dispatch works for all").filter(id__in=turn_ids, claimed_by=worker)
    mine.filter(state="claimed").update(lease_until=now() + timedelta(seconds=lease_seconds))


def finish_turns(*, worker: str, outcomes: list[tuple[str, TurnOutcome, dict[str, Any]]]) -> list[FinishedTurn | None]:
    """Store the outcomes (turn id, outcome, trace) in one transaction; None for a turn that was no longer ours."""
    with transaction.atomic():
        mine = {turn.id: turn for turn in _mine(worker, [turn_id for turn_id, *_ in outcomes])}
        threads = _threads([turn.conversation_id for turn in mine.values()], lock=True)
        finished: list[FinishedTurn | None] = []
        for turn_id, outcome, trace in outcomes:
            turn = mine.pop(turn_id, None)  # once: a worker that was late may have taken over its own claim
            finished.append(_finish(turn, threads[turn.conversation_id], outcome, trace) if turn is not None else None)
    return finished


def leave_turn(*, worker: str, turn_id: str, text: str) -> FinishedTurn | None:
    """Give up on a turn: the customer is told `text`, a member gets the conversation."""
    outcome = TurnOutcome(text, Decision.HAND_OVER, 0.0, "", reason="failed")
    return finish_turns(worker=worker, outcomes=[(turn_id, outcome, {"reason": "failed"})])[0]


def status_of(workspace_id: str, conversation_id: str) -> str:
    """A conversation's status now; "resolved" for one that is gone."""
    rows = Conversation.objects.of(workspace_id).filter(id=conversation_id)
    return rows.values_list("status", flat=True).first() or "resolved"


def close_idle(*, limit: int = 100) -> int:
    """Resolve conversations in which nothing was said for long; gives how many."""
    at = now()
    late = _late(at, "bot", "open").filter(is_snoozed=False)
    closed = 0
    for conversation_id in list(late.order_by("due_at").values_list("id", flat=True)[:limit]):
        with transaction.atomic():
            thread = late.select_for_update().filter(id=conversation_id).first()
            if thread is not None and not _has_work(thread):
                close(thread, by="idle")
                closed += 1
    return closed


def wake_snoozed(*, limit: int = 100) -> int:
    """Put conversations back on their owners' lists whose time has come; gives how many."""
    late = _late(now(), "open").filter(is_snoozed=True)
    woken = 0
    for conversation_id in list(late.order_by("due_at").values_list("id", flat=True)[:limit]):
        with transaction.atomic():
            thread = late.select_for_update().filter(id=conversation_id).first()
            if thread is not None:
                wake(thread, by="time")
                save(thread, now())
                woken += 1
    return woken


def tell_nobody_came(*, limit: int = 100) -> int:
    """Tell contacts who have waited too long that nobody is free, each once; gives how many."""
    late = _late(now(), "waiting")
    told = 0
    for conversation_id in list(late.order_by("due_at").values_list("id", flat=True)[:limit]):
        with transaction.atomic():
            thread = late.select_for_update().filter(id=conversation_id).first()
            if thread is not None:
                actions.tell_nobody_came(thread)
                told += 1
    return told


def forget_uploads(*, limit: int = 100) -> int:
    """Throw away files that no message named in time; gives how many."""
    return actions.forget_uploads(now(), limit=limit)


def _late(at: datetime, *statuses: str) -> Any:
    everywhere = Conversation.objects.across_workspaces("dispatch works for all")
    return everywhere.filter(due_at__lte=at, status__in=statuses)


def _due_turns(at: datetime, limit: int) -> list[str]:
    ids = [str(row[0]) for row in execute(_DUE, [at, at, limit])]
    if connection.vendor != "postgresql" or not ids:
        return ids
    # Window functions cannot lock rows, so they are locked by id; what another process holds is left to it.
    held = execute(_HOLD.format(ids=marks(ids)), [*ids, at])
    still = {str(row[0]) for row in held}
    return [turn_id for turn_id in ids if turn_id in still]


def _mine(worker: str, turn_ids: list[str]) -> list[Turn]:
    where = f"id IN ({marks(turn_ids)}) AND state = 'claimed' AND claimed_by = %s"
    return select_across_workspaces(Turn, "dispatch works for all", where, [*turn_ids, worker])


def _threads(ids: list[str], *, lock: bool = False) -> dict[str, Conversation]:
    # Locked in one order, so that two who store outcomes wait for each other and never for both.
    where = f"id IN ({marks(ids)}) ORDER BY id"
    rows = select_across_workspaces(Conversation, "dispatch works for all", where, ids, lock=lock) if ids else []
    return {row.id: row for row in rows}


def _claimed(turn: Turn, thread: Conversation, lines: list[Line], known: set[str]) -> ClaimedTurn:
    mine = [line for line in lines if line.turn_id == turn.id and line.author == "contact"]
    first = mine[0].sequence if mine else turn.last_sequence
    return ClaimedTurn(
        id=turn.id,
        workspace_id=turn.workspace_id,
        conversation_id=turn.conversation_id,
        text="\n".join(line.text for line in mine if line.text),
        # A message that is nothing but a file has no words to refer to.
        history=tuple(Said(line.author, line.text) for line in lines if line.sequence < first and line.text),
        refusals_in_a_row=thread.refusals_in_a_row,
        language=thread.language,
        attempts=turn.attempts,
        contact_id=thread.contact_id,
        channel_id=thread.channel_id,
        state=thread.assistant_state,
        remembered=thread.remembered,
        wordless=any(not line.text for line in mine),
        pressed=(mine[0].pressed or None) if len(mine) == 1 else None,
        said=tuple((line.sequence, line.text) for line in mine),
        has_profile=thread.contact_id in known,
    )


def _finish(turn: Turn, thread: Conversation, outcome: TurnOutcome, trace: dict[str, Any]) -> FinishedTurn:
    # An outcome that was cut short is empty, and stays so when the assistant has the conversation back by now.
    on_duty = thread.status == "bot" and outcome.reason != TAKEN_OVER
    turn.decision, turn.confidence, turn.trace = outcome.decision, outcome.confidence, trace
    reply = _reply(thread, turn, outcome) if on_duty else None
    turn.state, turn.outcome, turn.finished_at = "done", "replied" if on_duty else "left", now()
    update(turn, _FINISHED)
    announce(turn.workspace_id, "turn.finished", turn.id, thread.id)
    shown = message_info(reply, outcome="", own=True) if reply is not None else None  # for the customer who waits
    return FinishedTurn(turn.id, thread.id, thread.status, shown)


def _reply(thread: Conversation, turn: Turn, outcome: TurnOutcome) -> Message:
    refused = outcome.decision == Decision.REFUSE
    thread.refusals_in_a_row = thread.refusals_in_a_row + 1 if refused else 0
    thread.language = outcome.language or thread.language
    originals = placeholders(thread) if "<" in outcome.text else {}
    if outcome.kept is not None:
        keep(thread, outcome.kept)
        keep_flow(thread, turn.trace)
    team, at = outcome.kept.team if outcome.kept is not None else None, now()
    if outcome.decision == Decision.HAND_OVER:
        wait(thread, at, by="assistant", team=team)
    facts = turn_facts(
        asked_at=turn.created_at,
        last_sequence=turn.last_sequence,
        decision=outcome.decision.value,
        language=outcome.language,
        trace=turn.trace,
    )
    thread.intent = facts["intent"][:64] or thread.intent
    text = said_instead(thread, outcome.text, outcome.promise, wanted=team or "", at=at)
    reply = say(
        system(thread.workspace_id),
        thread,
        author="assistant",
        author_id="",
        text=text,
        original=unmask(text, originals),
        turn=facts,
        turn_id=turn.id,
        answer=answer_of(outcome),
    )
    if outcome.kept is not None:
        tell_member(thread, outcome.kept)
    return reply


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
        "quick_reply_values": list(outcome.quick_reply_values or outcome.quick_replies),
        "timings_ms": {
            **{step.name: round(step.ms, 2) for step in outcome.steps},
            "total": round(sum(step.ms for step in outcome.steps), 2),
        },
    }


def trace_of(outcome: TurnOutcome) -> dict[str, Any]:
    """What of an outcome explains it, as stored with the turn."""
    return {
        "reason": outcome.reason,
        "steps": [{"name": step.name, "ms": round(step.ms, 3), **step.detail} for step in outcome.steps],
        "versions": dict(outcome.versions),
        "passages": [
            {"id": each.passage_id, "document": each.document, "score": round(each.score, 4)}
            for each in outcome.citations
        ],
    }


def _has_work(thread: Conversation) -> bool:
    undone = Turn.objects.of(thread.workspace_id).filter(conversation_id=thread.id).exclude(state="done")
    return bool(undone.exists())
