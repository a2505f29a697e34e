"""What every report gives: columns that say what they hold, rows, and the same as CSV."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kefu.desk.insights.metrics import METRICS, Metric
from kefu.desk.insights.queries.period import Period

# A spreadsheet takes a cell that begins so for a formula, and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Column:
    """`unit` is count, seconds, share (of 1), score, money, text or time."""

    key: str
    unit: str
    title: Mapping[str, str]
    definition: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """Rows by the columns' keys; `totals` is one row of everything; `more` is what only this report has."""

    name: str
    period: Period
    columns: tuple[Column, ...]
    rows: list[dict[str, Any]]
    totals: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


def column(key: str, unit: str, en: str, zh: str, *meaning: str) -> Column:
    """`meaning`, in English and Chinese, defines what a figure is; names and times need none."""
    return Column(key, unit, {"en": en, "zh": zh}, dict(zip(("en", "zh"), meaning, strict=False)))


def of_metric(metric: Metric) -> Column:
    return Column(metric.name, metric.unit, metric.title, metric.definition)


def of_metrics(names: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(of_metric(METRICS[name]) for name in names)


def rounded(value: float | None) -> float | int | None:
    """A figure as it is shown: shares to a hundredth of a percent, seconds to a millisecond."""
    return value if value is None or isinstance(value, int) else round(value, 4)


def as_csv(report: Report, language: str = "en") -> str:
    """A report as CSV with a header in a language; it begins with the mark without which Excel spoils Chinese."""
    text = io.StringIO()
    writer = csv.writer(text)
    titles = [_title(each, language) for each in report.columns]
    writer.writerow([f"\ufeff{titles[0]}", *titles[1:]])
    for row in report.rows:
        writer.writerow([_cell(row.get(each.key)) for each in report.columns])
    return text.getvalue()


def _title(shown: Column, language: str) -> str:
    title = shown.title.get(language) or shown.title["en"]
    return f"{title} (s)" if shown.unit == "seconds" else title


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    if isinstance(value, list):
        return " | ".join(str(each) for each in value)
    return "" if value is None else value
