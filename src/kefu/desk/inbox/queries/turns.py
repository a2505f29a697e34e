"""Reads of turns."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.inbox.models import Turn
from kefu.desk.rows import now
from kefu.desk.statements import execute, marks
from kefu.kit.errors import NotFound

HISTORY = 12  # messages from the first of a turn backwards: the few before it that a follow-up refers to

# Dispatch works for all workspaces; each turn names its own. All that a turn deals with is read, however long the
# burst, and what was said after it is not.
_ASKED = """
    SELECT turn.id, said.sequence, said.author, said.text, said.turn_id, said.pressed
    FROM inbox_turn AS turn JOIN inbox_message AS said ON said.conversation_id = turn.conversation_id
    WHERE turn.id IN ({ids}) AND NOT said.is_internal AND said.sequence <= turn.last_sequence
        AND said.sequence > (SELECT MIN(sequence) FROM inbox_message AS own WHERE own.turn_id = turn.id) - %s
    ORDER BY said.sequence
"""


@dataclass(frozen=True)
class Line:
    """A message as a turn needs it: masked."""

    sequence: int
    author: str
    text: str
    turn_id: str
    pressed: str = ""


@dataclass(frozen=True)
class TurnInfo:
    id: str
    conversation_id: str
    state: str
    outcome: str
    decision: str
    confidence: float | None
    trace: dict[str, Any] | None
    created_at: datetime
    finished_at: datetime | None


def turn(actor: Actor, turn_id: str) -> TurnInfo:
    """Raises NotFound, NotAllowed: traces are for members and programs, not for visitors."""
    actor.require(scope=Scope.CONVERSATIONS, role=Role.VIEWER)
    row = Turn.objects.of(actor.workspace_id).filter(id=turn_id).first()
    if row is None:
        raise NotFound("There is no such turn.", turn=turn_id)
    return turn_info(row)


def confidences(actor: Actor, *, days: int = 30, limit: int = 5_000) -> list[float]:
    """How sure the assistant was of its last answers and refusals, newest first."""
    actor.require_role(Role.VIEWER)
    rows = Turn.objects.of(actor.workspace_id).filter(
        state="done",
        confidence__isnull=False,
        created_at__gt=now() - timedelta(days=days),
        decision__in=["approved", "extracted", "generated", "clarify", "refuse"],
    )
    return list(rows.order_by("-created_at").values_list("confidence", flat=True)[:limit])


def history(turn_ids: list[str]) -> dict[str, list[Line]]:
    """What each of several turns is about, by turn: its own messages and the last before, oldest first, no notes."""
    found: dict[str, list[Line]] = {turn_id: [] for turn_id in turn_ids}
    for turn_id, *rest in execute(_ASKED.format(ids=marks(turn_ids)), [*turn_ids, HISTORY]):
        found[turn_id].append(Line(*rest))
    return found


def turn_info(row: Turn) -> TurnInfo:
    return TurnInfo(
        row.id,
        row.conversation_id,
        row.state,
        row.outcome,
        row.decision,
        row.confidence,
        row.trace,
        row.created_at,
        row.finished_at,
    )
