"""Sums of what was measured, by time and dimension: from roll-ups where they tell it, else from the figures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet, Sum

from kefu.desk.insights.measure import bucket
from kefu.desk.insights.models import ReportingEvent, RollUp
from kefu.desk.insights.queries.period import Period, whole_days
from kefu.kit.errors import BadInput

# What figures can be grouped and filtered by: the roll-ups' name, and the figures' column.
DIMENSIONS: dict[str, tuple[str, str]] = {
    "channel": ("", "channel_id"),
    "member": ("member", "member_id"),
    "team": ("team", "team_id"),
    "label": ("label", "labels"),
    "intent": ("intent", "intent"),
    "language": ("language", "language"),
    "who": ("who", "who"),
    "detail": ("detail", "detail"),
}
_BUCKETS = {"": "bucket", "assistant": "bucket_assistant", "person": "bucket_person"}

Sums = dict[str, tuple[int, int, int]]  # by stored metric: count, total, business


@dataclass(frozen=True)
class Filters:
    """Of what is counted: a value for each dimension that is narrowed; nothing is everything."""

    values: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, **given: str | None) -> "Filters":
        """Raises BadInput for a dimension that there is not."""
        unknown = sorted(set(given) - set(DIMENSIONS))
        if unknown:
            raise BadInput(f"Figures have {', '.join(DIMENSIONS)}; not {', '.join(unknown)}.", field=unknown[0])
        return cls({name: value for name, value in given.items() if value})

    @property
    def channel(self) -> str:
        return self.values.get("channel", "")

    @property
    def others(self) -> dict[str, str]:
        return {name: value for name, value in self.values.items() if name != "channel"}


def totals(workspace_id: str, metrics: Iterable[str], period: Period, filters: Filters) -> Sums:
    """Sums of the whole period."""
    return by_value(workspace_id, metrics, period, filters, "").get("", {})


def by_value(
    workspace_id: str, metrics: Iterable[str], period: Period, filters: Filters, dimension: str
) -> dict[str, Sums]:
    """Sums of the whole period by the values of a dimension; a conversation with two labels counts for each of them.

    Dimension "" gives one value, "". Raises BadInput for a dimension that there is not.
    """
    if dimension and dimension not in DIMENSIONS:
        raise BadInput(f"Figures have {', '.join(DIMENSIONS)}; not {dimension!r}.", field="by")
    found: dict[str, dict[str, list[int]]] = {}
    for metric, value, *added in _grouped(workspace_id, list(metrics), period, filters, dimension):
        for each in value.strip(",").split(",") if dimension == "label" else [value]:
            _add(found.setdefault(each, {}).setdefault(metric, [0, 0, 0]), added)
    sums_of = {value: _frozen(sums) for value, sums in found.items()}
    return {value: sums for value, sums in sums_of.items() if sums}


def by_hour(workspace_id: str, metrics: Iterable[str], period: Period, filters: Filters) -> dict[datetime, Sums]:
    """Sums by when it was: by hours of UTC, by quarters of them where the period's clock is not at whole hours."""
    names = list(metrics)
    if not period.has_whole_hours or set(filters.others) - {"who"}:
        rows = _figures(workspace_id, names, filters, period.start, period.end)
        found: dict[datetime, dict[str, list[int]]] = {}
        for metric, at, *added in rows.values_list("metric", "at", "count", "value", "business").iterator():
            quarter = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
            _add(found.setdefault(quarter, {}).setdefault(metric, [0, 0, 0]), added)
        return {at: _frozen(sums) for at, sums in found.items()}
    rolled = _rolled(workspace_id, names, filters, "").filter(grain="h", start__gte=period.start, start__lt=period.end)
    hours: dict[datetime, Sums] = {}
    for metric, start, *added in rolled.values_list("metric", "start", "count", "total", "business"):
        hours.setdefault(start, {})[metric] = (added[0], added[1], added[2])
    return hours


def lengths(
    workspace_id: str, metrics: Iterable[str], period: Period, filters: Filters
) -> dict[tuple[str, str], dict[int, int]]:
    """How often times were how long: counts by `measure.bucket`, by stored metric and who ("": all together)."""
    names = list(metrics)
    whos = [filters.values["who"]] if "who" in filters.values else list(_BUCKETS)
    counts: dict[tuple[str, str], dict[int, int]] = {(name, who): {} for name in names for who in whos}
    are_rolled = set(filters.others) <= {"who"}
    for start, end in _edges(period) if are_rolled else [(period.start, period.end)]:
        rows = _figures(workspace_id, names, filters, start, end).values_list("metric", "who", "value", "count")
        for metric, who, value, count in rows.iterator():
            for each in {"", who} & set(whos):
                _more(counts[metric, each], bucket(value * count), count)
    if are_rolled:
        found = {_BUCKETS[who]: who for who in whos}
        rolled = RollUp.objects.of(workspace_id).filter(
            metric__in=names, grain="d", dimension__in=list(found), channel_id=filters.channel, **_days(period)
        )
        sums = rolled.values_list("metric", "dimension", "value").annotate(Sum("count")).order_by()
        for metric, dimension, value, number in sums:
            _more(counts[metric, found[dimension]], int(value), number)
    return counts


def rated_in(workspace_id: str, period: Period, filters: Filters, conversation_ids: list[str]) -> set[str]:
    """Which of these conversations have a rating of the period that the filters let pass."""
    rows = _figures(workspace_id, ["csat"], filters, period.start, period.end)
    stand = rows.filter(conversation_id__in=conversation_ids).values("conversation_id").annotate(stand=Sum("count"))
    return set(stand.filter(stand__gt=0).order_by().values_list("conversation_id", flat=True))


def _grouped(
    workspace_id: str, metrics: list[str], period: Period, filters: Filters, dimension: str
) -> list[tuple[Any, ...]]:
    """Rows of metric, value, count, total, business: days from roll-ups, what is left of days from the figures."""
    column = DIMENSIONS[dimension][1] if dimension else ""
    if _needs_figures(filters, dimension):
        return _counted(_figures(workspace_id, metrics, filters, period.start, period.end), column)
    found: list[tuple[Any, ...]] = []
    for start, end in _edges(period):
        found += _counted(_figures(workspace_id, metrics, filters, start, end), column)
    rows = _rolled(workspace_id, metrics, filters, dimension).filter(grain="d", **_days(period))
    shown = ("channel_id" if dimension == "channel" else "value",) if dimension else ()
    sums = rows.values_list("metric", *shown).annotate(Sum("count"), Sum("total"), Sum("business")).order_by()
    return [*found, *(row if dimension else (row[0], "", *row[1:]) for row in sums)]


def _counted(figures: Any, column: str) -> list[tuple[Any, ...]]:
    keys = ("metric", column) if column else ("metric",)
    rows = figures.values_list(*keys).annotate(Sum("count"), Sum("value"), Sum("business")).order_by()
    return [row if column else (row[0], "", *row[1:]) for row in rows]


def _needs_figures(filters: Filters, dimension: str) -> bool:
    """Roll-ups tell one dimension beside the channel: two together are only in the figures."""
    asked = set(filters.others) | ({dimension} - {"", "channel"})
    return len(asked) > 1 or (dimension == "channel" and bool(filters.others))


def _rolled(workspace_id: str, metrics: list[str], filters: Filters, dimension: str) -> "QuerySet[RollUp]":
    rows = RollUp.objects.of(workspace_id).filter(metric__in=metrics)
    if dimension == "channel":
        rows = rows.filter(dimension="")
        return rows.filter(channel_id=filters.channel) if filters.channel else rows.exclude(channel_id="")
    rows = rows.filter(channel_id=filters.channel)
    narrowed = next(iter(filters.others.items()), None)
    if narrowed is None:
        return rows.filter(dimension=DIMENSIONS[dimension][0] if dimension else "")
    name, value = narrowed
    rows = rows.filter(dimension=DIMENSIONS[name][0])
    return rows.filter(value__contains=f",{value},") if name == "label" else rows.filter(value=value)


def _figures(
    workspace_id: str, metrics: list[str], filters: Filters, start: datetime, end: datetime
) -> "QuerySet[ReportingEvent]":
    rows = ReportingEvent.objects.of(workspace_id).filter(metric__in=metrics, at__gte=start, at__lt=end, rolled=True)
    for name, value in filters.values.items():
        column = DIMENSIONS[name][1]
        rows = rows.filter(labels__contains=f",{value},") if name == "label" else rows.filter(**{column: value})
    return rows


def _days(period: Period) -> dict[str, datetime]:
    """Days of UTC that lie within the period, as a condition on roll-ups."""
    first, last = whole_days(period.start, period.end)
    return {"start__gte": first, "start__lt": last}


def _edges(period: Period) -> list[tuple[datetime, datetime]]:
    """What of the period lies before and after its days of UTC: less than a day each, by the clock of any zone."""
    first, last = whole_days(period.start, period.end)
    if first == last:
        return [(period.start, period.end)]
    return [(start, end) for start, end in ((period.start, first), (last, period.end)) if start < end]


def _more(counts: dict[int, int], place: int, number: int) -> None:
    counts[place] = counts.get(place, 0) + number


def _add(cell: list[int], added: Iterable[int]) -> None:
    for place, value in enumerate(added):
        cell[place] += value


def _frozen(sums: dict[str, list[int]]) -> Sums:
    """Sums without those of which everything was taken back."""
    return {metric: (cell[0], cell[1], cell[2]) for metric, cell in sums.items() if any(cell)}
