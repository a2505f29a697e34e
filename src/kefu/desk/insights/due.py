"""What dispatch runs: figures rolled up, unanswered questions grouped, weekly reports sent. All safe to run twice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.db import transaction

from kefu.desk.inbox.timelines import questions
from kefu.desk.insights import rolling, weekly
from kefu.desk.insights.grouping import Group, begun, join, near, nearest, unit
from kefu.desk.insights.models import QuestionGroup, UnansweredQuestion
from kefu.desk.rows import now

_GROUPS_COMPARED = 2_000  # the newest of a workspace: what nobody asked for long is begun anew
_GROUPS_DAYS = timedelta(days=120)
_BATCH = 64  # questions at a time: a second of an encoder
_LONGEST = 500  # characters of a question that are kept; what comes after does not tell what is asked

# Vectors of (text, language) in order, each with the key of the encoder that made it.
EmbedQuestions = Callable[[str, Sequence[tuple[str, str]]], list[tuple[str, np.ndarray]]]


def roll_up() -> bool:
    """Put new figures into the roll-ups; gives whether so many did that more may wait.

    Not whether any did: while customers write some always wait, and each few would take a transaction of their own.
    """
    return rolling.roll_up() == rolling.AT_ONCE


def send_weekly() -> int:
    """Send the weekly reports that are due; gives how many."""
    return weekly.send_due()


def due_questions() -> list[str]:
    """Workspaces with unanswered questions that stand in no group yet."""
    new = UnansweredQuestion.objects.across_workspaces("dispatch works for all").filter(group_id="")
    return list(new.values_list("workspace_id", flat=True).distinct())


def group_questions(workspace_id: str, *, embed: EmbedQuestions, limit: int = _BATCH) -> int:
    """Put a workspace's oldest new questions into groups; gives how many. Blocking: engines compute."""
    new = UnansweredQuestion.objects.of(workspace_id).filter(group_id="").order_by("id")[:limit]
    rows = {(row.conversation_id, row.sequence): row for row in new}
    said = questions(workspace_id, list(rows))
    gone = [row.id for place, row in rows.items() if not said.get(place, "").strip()]
    UnansweredQuestion.objects.of(workspace_id).filter(id__in=gone).delete()
    asked = [_Asked(row, said[place].strip()[:_LONGEST]) for place, row in rows.items() if row.id not in gone]
    if not asked:
        return len(gone)
    made = embed(workspace_id, [(each.text, each.row.language) for each in asked])
    by_encoder: dict[str, list[tuple[_Asked, np.ndarray]]] = {}
    for each, (encoder, vector) in zip(asked, made, strict=True):
        by_encoder.setdefault(encoder, []).append((each, unit(vector)))
    for encoder, some in by_encoder.items():
        with transaction.atomic():
            _put_in(workspace_id, encoder, some)
    return len(rows)


@dataclass(frozen=True)
class _Asked:
    row: UnansweredQuestion
    text: str


def _put_in(workspace_id: str, encoder: str, asked: list[tuple[_Asked, np.ndarray]]) -> None:
    kept = QuestionGroup.objects.of(workspace_id).select_for_update()
    there = kept.filter(encoder=encoder, last_at__gt=now() - _GROUPS_DAYS).order_by("-last_at")
    rows = [row for row in there[:_GROUPS_COMPARED] if row.dimension == len(asked[0][1])]
    groups = [Group(_vector(row), row.size, row.question, row.nearness) for row in rows]
    for each, vector in asked:
        # Two processes may have taken the same question: the first to come here has it.
        still = UnansweredQuestion.objects.of(workspace_id).filter(id=each.row.id, group_id="")
        if not still.exists():
            continue
        place = nearest(vector, groups, near(encoder))
        if place is None:
            place = len(groups)
            groups.append(begun(vector, each.text))
            rows.append(_new(workspace_id, encoder, vector, each))
        else:
            join(groups[place], vector, each.text)
        _store(rows[place], groups[place], each)
        still.update(group_id=rows[place].id, text=each.text)


def _new(workspace_id: str, encoder: str, vector: np.ndarray, asked: _Asked) -> QuestionGroup:
    return QuestionGroup(
        workspace_id=workspace_id,
        encoder=encoder,
        dimension=len(vector),
        language=asked.row.language,
        last_at=asked.row.at,
    )


def _store(row: QuestionGroup, group: Group, asked: _Asked) -> None:
    row.question, row.nearness, row.size = group.question, group.nearness, group.size
    row.rows = group.middle.astype(np.float16).tobytes()
    row.last_at = max(row.last_at, asked.row.at)
    row.save()


def _vector(row: QuestionGroup) -> np.ndarray:
    return np.frombuffer(bytes(row.rows), dtype=np.float16).astype(np.float32)
