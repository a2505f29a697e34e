"""What could not be answered: groups of questions, the most asked first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Window
from django.db.models.functions import RowNumber

from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.insights.models import QuestionGroup, UnansweredQuestion
from kefu.desk.insights.queries.cells import Filters
from kefu.desk.insights.queries.period import Period
from kefu.desk.insights.queries.table import Report, column
from kefu.kit.errors import BadInput

STATES = ("open", "drafted", "dismissed")
_SHOWN, _EXAMPLES = 100, 5
_NARROWED_BY = frozenset({"channel", "language"})


@dataclass(frozen=True)
class Asked:
    """One of a group's questions, masked."""

    text: str
    conversation_id: str
    at: datetime


def unanswered(actor: Actor, period: Period, filters: Filters, *, state: str = "open") -> Report:
    """Groups of questions asked in the period, the largest first, with examples. Raises BadInput, NotAllowed."""
    actor.require(scope=Scope.INSIGHTS_READ, role=Role.VIEWER)
    if state not in STATES:
        raise BadInput(f"Groups of questions are {', '.join(STATES)}; not {state!r}.", field="state")
    unknown = sorted(set(filters.values) - _NARROWED_BY)
    if unknown:
        raise BadInput(f"Unanswered questions are told by channel and language, not by {unknown[0]}.", field=unknown[0])
    rows = _asked(actor.workspace_id, period, filters)
    counted = rows.exclude(group_id="").values_list("group_id").annotate(number=Count("id"), last=Max("at")).order_by()
    numbers = {group: (number, last) for group, number, last in counted}
    groups = QuestionGroup.objects.of(actor.workspace_id).filter(state=state, id__in=_largest(numbers))
    found = sorted(groups.defer("rows"), key=lambda row: (-numbers[row.id][0], row.id))[:_SHOWN]
    examples = _examples(rows, [row.id for row in found])
    shown = [_row(row, numbers[row.id], examples.get(row.id, [])) for row in found]
    columns = (
        column("question", "text", "Question", "问题"),
        column("number", "count", "Times asked", "提问次数"),
        column("last_at", "time", "Last asked", "最近提问"),
        column("language", "text", "Language", "语言"),
        column("state", "text", "State", "状态"),
        column("texts", "text", "Asked as", "问法"),
    )
    waiting = rows.filter(group_id="").count()
    return Report(
        "unanswered",
        period,
        columns,
        shown,
        {"number": sum(n for n, _ in numbers.values()) + waiting},
        {"state": state, "not_grouped_yet": waiting},
    )


def _asked(workspace_id: str, period: Period, filters: Filters) -> Any:
    rows = UnansweredQuestion.objects.of(workspace_id).filter(at__gte=period.start, at__lt=period.end)
    if filters.channel:
        rows = rows.filter(channel_id=filters.channel)
    language = filters.values.get("language")
    return rows.filter(language=language) if language else rows


def _largest(numbers: dict[str, tuple[int, datetime]]) -> list[str]:
    """The groups asked most: enough that those in another state may be left out."""
    return sorted(numbers, key=lambda group: -numbers[group][0])[: _SHOWN * 5]


def _examples(rows: Any, ids: list[str]) -> dict[str, list[Asked]]:
    place = Window(RowNumber(), partition_by="group_id", order_by="-at")
    numbered = rows.filter(group_id__in=ids).annotate(place=place).filter(place__lte=_EXAMPLES)
    found: dict[str, list[Asked]] = {}
    for group, text, thread, at in numbered.values_list("group_id", "text", "conversation_id", "at"):
        found.setdefault(group, []).append(Asked(text, thread, at))
    return found


def _row(row: QuestionGroup, counted: tuple[int, datetime], examples: list[Asked]) -> dict[str, Any]:
    return {
        "id": row.id,
        "question": row.question,
        "number": counted[0],
        "last_at": counted[1].isoformat(),
        "language": row.language,
        "state": row.state,
        "source": row.source_id or None,
        "examples": [
            {"text": each.text, "conversation": each.conversation_id, "at": each.at.isoformat()} for each in examples
        ],
        "texts": list(dict.fromkeys(each.text for each in examples)),
    }
