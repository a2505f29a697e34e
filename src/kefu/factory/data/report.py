"""A check's report as lines for a terminal."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from kefu.factory.data.findings import Report

_MOST = 10  # findings of one kind that are listed; all are in the JSON


def lines(report: Report, *, most: int = _MOST) -> Iterator[str]:
    """The report, a line each: what is in the data, then each kind of finding with its first few."""
    yield from _contents(report)
    yield from _section(
        "rows repeat a wording",
        report.duplicates,
        (f"lines {_rows(e.rows)}: {e.text}" for e in report.duplicates),
        most,
    )
    yield from _section(
        "wordings have several labels",
        report.contradictions,
        (f"lines {_rows(e.rows)}: {e.text} → {' / '.join(e.labels)}" for e in report.contradictions),
        most,
    )
    yield from _section(
        "pairs say nearly the same under different labels",
        report.near_contradictions,
        (
            f"lines {e.rows[0]} and {e.rows[1]} ({e.similarity:.2f}): "
            f"{e.texts[0]} → {e.labels[0]} | {e.texts[1]} → {e.labels[1]}"
            for e in report.near_contradictions
        ),
        most,
    )
    yield from _section(
        "validation rows are in the training file, too",
        report.leaks,
        (f"line {e.valid_row} is like line {e.train_row} ({e.similarity:.2f}): {e.text}" for e in report.leaks),
        most,
    )
    yield from _section("labels stand in the validation file only", report.unknown_labels, report.unknown_labels, most)
    yield from _section(
        "labels are probably wrong",
        report.suspects,
        (f"line {e.row}: {e.text} → {e.label}; rather {e.suggested} ({e.confidence:.2f})" for e in report.suspects),
        most,
    )
    yield from _section(
        "rows hold personal data",
        report.personal,
        (f"line {e.row}: {', '.join(e.kinds)}" for e in report.personal),
        most,
    )
    yield from report.notes
    yield "Something needs a look." if report.serious else "Nothing serious."


def _contents(report: Report) -> Iterator[str]:
    valid = f", and {report.valid_rows:,} to validate" if report.valid_rows else ""
    left_out = f" ({report.bad_rows:,} bad rows left out)" if report.bad_rows else ""
    yield f"{report.rows:,} examples{left_out}{valid}"
    if report.labels:
        names = list(report.labels)
        most, least = names[0], names[-1]
        yield (
            f"{len(names):,} labels, from {report.labels[least]:,} ({least}) to {report.labels[most]:,} ({most}) "
            f"examples each, 1 : {report.imbalance:.1f}"
        )
    if report.out_of_scope:
        yield f"{report.out_of_scope:,} out of scope"
    size = report.lengths
    if not report.languages:  # pictures
        return
    yield f"characters: {size.shortest} to {size.longest}, median {size.median}, 95% up to {size.p95}"
    yield "languages: " + ", ".join(f"{name} {count:,}" for name, count in report.languages.items())
    if report.near_duplicates:
        yield f"{report.near_duplicates:,} pairs say nearly the same"


def _section(title: str, found: Sequence[Any], shown: Iterable[str], most: int) -> Iterator[str]:
    if not found:
        return
    yield f"{len(found):,} {title}:"
    for _, line in zip(range(most), shown, strict=False):
        yield f"  {line}"
    if len(found) > most:
        yield f"  … and {len(found) - most:,} more"


def _rows(rows: Sequence[int]) -> str:
    listed = ", ".join(str(row) for row in rows[:5])
    return listed + (" …" if len(rows) > 5 else "")
