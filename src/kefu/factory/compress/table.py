"""The ladder on paper: ladder.json for programs, a table for people."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from kefu.factory.compress.measure import Pace
from kefu.factory.evaluate.paired import Paired
from kefu.kit.errors import BadInstallation

LADDER = "ladder.json"
Outcome = Literal["kept", "refused", "skipped"]

_HEADER = (
    "| rung | MB | p50 ms | p95 ms | times fp32's speed | {measure} | ECE | OOS AUROC | against fp32 | |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |",
)
_LEGEND = (
    "Against fp32: points of {measure} won or lost, with their 95% interval; the rows that only this "
    "rung (+) or only fp32 (-) had right; p, how likely chance alone tells them so far apart. ECE: how far confidences "
    "are from the truth, 0 at best. OOS AUROC: how well texts that are out of scope are told, 1 at best."
)
# What a row's being right counts up to, by task.
MEASURES = {"score": "right signs", "embed": "Recall@5"}


@dataclass(frozen=True)
class Rung:
    """A rung and what came of it; one that was skipped has no figures."""

    name: str
    variant: str
    outcome: Outcome
    reason: str = ""
    size_mb: float | None = None
    pace: Pace | None = None
    accuracy: float | None = None
    figures: Mapping[str, float | None] | None = None
    against_fp32: Paired | None = None

    def table(self) -> dict[str, Any]:
        """As JSON."""
        found = asdict(self)
        if self.against_fp32 is not None:
            found["against_fp32"] = self.against_fp32.table()
        return found

    def figure(self, name: str) -> float | None:
        return (self.figures or {}).get(name)


@dataclass(frozen=True)
class Ladder:
    """The rungs in order, the `rows` they were judged on by `measure`, and the points that a rung may lose."""

    rungs: Sequence[Rung]
    rows: int
    allow: float
    measure: str = "accuracy"


def write_ladder(folder: Path, ladder: Ladder) -> None:
    """Write ladder.json."""
    rungs = ladder.rungs
    table = {
        "rows": ladder.rows,
        "measure": ladder.measure,
        "allowed_points": ladder.allow,
        "rungs": [each.table() for each in rungs],
    }
    text = json.dumps(table, ensure_ascii=False, indent=1) + "\n"
    (folder / LADDER).write_text(text, encoding="utf-8")


def read_ladder(folder: Path) -> Ladder:
    """The ladder.json in a model's folder. Raises BadInstallation."""
    try:
        table = json.loads((folder / LADDER).read_text(encoding="utf-8"))
        rungs = [_rung(each) for each in table["rungs"]]
        return Ladder(rungs, table["rows"], table["allowed_points"], table.get("measure", "accuracy"))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInstallation(f"{folder / LADDER} cannot be read: {error}.", folder=str(folder)) from error


def ladder_table(ladder: Ladder) -> list[str]:
    """Lines of Markdown: a table, and how it is read."""
    header, rule = _HEADER
    lines = [header.format(measure=ladder.measure), rule, *(_line(each) for each in ladder.rungs)]
    return [*lines, "", _LEGEND.format(measure=ladder.measure)]


def readme_section(ladder: Ladder) -> str:
    """What README.md says of how the model became small."""
    lines = ["", "## How it was compressed", "", *ladder_table(ladder), ""]
    judged = f"Judged on {ladder.rows:,} rows; a rung may lose {ladder.allow:g} points against fp32."
    lines.append(f"{judged} Times: one text, one thread.")
    return "\n".join(lines) + "\n"


def _rung(table: dict[str, Any]) -> Rung:
    pace, against = table.pop("pace"), table.pop("against_fp32")
    if against is not None:
        del against["sentence"]
    return Rung(**table, pace=Pace(**pace) if pace else None, against_fp32=Paired(**against) if against else None)


def _line(rung: Rung) -> str:
    return f"| {' | '.join(_cells(rung))} |"


def _cells(rung: Rung) -> Iterator[str]:
    pace, against = rung.pace, rung.against_fp32
    yield rung.name
    yield _number(rung.size_mb, ".1f")
    yield _number(pace.p50 if pace else None, ".1f")
    yield _number(pace.p95 if pace else None, ".1f")
    yield _number(pace.faster if pace else None, ".2f")
    yield _number(None if rung.accuracy is None else 100 * rung.accuracy, ".2f")
    yield _number(rung.figure("ece"), ".4f")
    yield _number(rung.figure("oos_auroc"), ".4f")
    if against is None:
        yield ""
    else:
        interval = f"{100 * against.low:+.2f} to {100 * against.high:+.2f}"
        yield f"{100 * against.difference:+.2f} ({interval}), +{against.wins} -{against.losses} rows, p {against.p:.2g}"
    yield rung.outcome + (f": {rung.reason}" if rung.reason else "")


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
