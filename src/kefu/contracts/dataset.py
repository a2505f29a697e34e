"""Labelled examples: what the data bench reads, recipes learn from and judges count on."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Example:
    """One labelled text. `row` is its line in the file it came from, 1 being the first.

    `label` None means out of scope, where a file says so. `group` is shared by variants of one text, which stay on one
    side of every split. `score` is a number to predict (the recipe `score`).
    """

    text: str
    label: str | None
    row: int
    language: str | None = None
    group: str | None = None
    score: float | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used: where, why, and how to mend it."""

    row: int
    column: str
    problem: str
    fix: str


@dataclass(frozen=True)
class Dataset:
    """A file's examples in its order. `sha256` is of their content, not of the file: a CSV and a JSONL may share it.

    `labels` are sorted. `mapping` says which column was read as what; `bad` the rows that were left out.
    """

    examples: tuple[Example, ...]
    labels: tuple[str, ...]
    mapping: Mapping[str, str]
    format: str
    sha256: str
    bad: tuple[BadRow, ...] = ()
