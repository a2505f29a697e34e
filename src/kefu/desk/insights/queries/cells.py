"""Sums of what was measured, by time and dimension: from roll-ups where they tell it, else from the figures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

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
    found: dict[str, dict[str, list[int]]] = {}
    for metric, value, *added in _grouped(workspace_id, list(metrics), period, filters, dimension):
        for each in value.strip(",").split(",") if dimension == "label" else [value]:
            _add(found.setdefault(each, {}).setdefault(metric, [0, 0, 0]), added)
    return {value: _frozen(sums) for value, sums in found.items()}


def by_hour(workspace_id: str, metrics: Iterable[str], period: Period, filters: Filters) -> dict[datetime, Sums]:
    """Sums by when it was: by hours of UTC, by quarters of them where the period's clock is not at whole hours."""
    names = list(metrics)
    if not period.has_whole_hours or _needs_figures(filters, ""):
        rows = _figures(workspace_id, names, period, filters).values_list("metric", "at", "value", "business")
        found: dict[datetime, dict[str, list[int]]] = {}
        for metric, at, value, business in rows.iterator():
            quarter = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
            _add(found.setdefault(quarter, {}).setdefault(metric, [0, 0, 0]), (1, value, business))
        return {at: _frozen(sums) for at, sums in found.items()}
    rows = _rolled(workspace_id, names, filters, "").filter(grain="h", start__gte=period.start, start__lt=period.end)
    grouped = rows.values_list("metric", "start").annotate(Sum("count"), Sum("total"), Sum("business")).order_by()
    hours: dict[datetime, Sums] = {}
    for metric, start, *added in grouped:
        hours.setdefault(start, {})[metric] = (added[0], added[1], added[2])
    return hours


def lengths(workspace_id: str, metric: str, period: Period, filters: Filters) -> dict[int, int]:
    """How often a time was how long: counts by `measure.bucket`."""
    others = filters.others
    who = others.pop("who", "")
    if others or not period.has_whole_hours:
        counts: dict[int, int] = {}
        for value in _figures(workspace_id, [metric], period, filters).values_list("value", flat=True).iterator():
            place = bucket(value)
            counts[place] = counts.get(place, 0) + 1
        return counts
    rows = RollUp.objects.of(workspace_id).filter(metric=metric, dimension=_BUCKETS[who], channel_id=filters.channel)
    found = rows.filter(_stretch(period)).values_list("value").annotate(Sum("count")).order_by()
    return {int(value): number for value, number in found}


def _grouped(
    workspace_id: str, metrics: list[str], period: Period, filters: Filters, dimension: str
) -> Iterable[tuple[Any, ...]]:
    """Rows of metric, value, count, total, business."""
    if dimension and dimension not in DIMENSIONS:
        raise BadInput(f"Figures have {', '.join(DIMENSIONS)}; not {dimension!r}.", field="by")
    if not period.has_whole_hours or _needs_figures(filters, dimension):
        column = DIMENSIONS[dimension][1] if dimension else ""
        figures = _figures(workspace_id, metrics, period, filters).order_by()
        return _counted(figures, column)
    rows = _rolled(workspace_id, metrics, filters, dimension).filter(_stretch(period))
    shown = "channel_id" if dimension == "channel" else "value"
    if not dimension:
        sums = rows.values_list("metric").annotate(Sum("count"), Sum("total"), Sum("business")).order_by()
        return [(metric, "", *added) for metric, *added in sums]
    return rows.values_list("metric", shown).annotate(Sum("count"), Sum("total"), Sum("business")).order_by()


def _counted(figures: Any, column: str) -> list[tuple[Any, ...]]:
    keys = ("metric", column) if column else ("metric",)
    rows = figures.values_list(*keys).annotate(Count("id"), Sum("value"), Sum("business"))
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


def _figures(workspace_id: str, metrics: list[str], period: Period, filters: Filters) -> "QuerySet[ReportingEvent]":
    rows = ReportingEvent.objects.of(workspace_id).filter(
        metric__in=metrics, at__gte=period.start, at__lt=period.end, rolled=True
    )
    for name, value in filters.values.items():
        column = DIMENSIONS[name][1]
        rows = rows.filter(labels__contains=f",{value},") if name == "label" else rows.filter(**{column: value})
    return rows


def _stretch(period: Period) -> Q:
    """Roll-ups that make up a period: of whole days where they lie within it, of hours before and after them."""
    first, last = whole_days(period.start, period.end)
    days = Q(grain="d", start__gte=first, start__lt=last)
    hours = Q(start__gte=period.start, start__lt=first) | Q(start__gte=last, start__lt=period.end)
    return days | (Q(grain="h") & hours) if first < last else Q(grain="h", start__gte=first, start__lt=period.end)


def _add(cell: list[int], added: Iterable[int]) -> None:
    for place, value in enumerate(added):
        cell[place] += value


def _frozen(sums: dict[str, list[int]]) -> Sums:
    return {metric: (cell[0], cell[1], cell[2]) for metric, cell in sums.items()}
