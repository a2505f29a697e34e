"""What a check finds, as plain values: each row is the line in its file, each text is masked and cut for showing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Duplicate:
    """Rows of one wording; more than one label makes them a contradiction."""

    rows: tuple[int, ...]
    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class NearDuplicate:
    """Two rows that say nearly the same under different labels."""

    rows: tuple[int, int]
    texts: tuple[str, str]
    labels: tuple[str, str]
    similarity: float


@dataclass(frozen=True)
class Leak:
    """A row of the validation file that the training file holds too, wholly (similarity 1) or nearly."""

    valid_row: int
    train_row: int
    text: str
    similarity: float


@dataclass(frozen=True)
class Suspect:
    """A row whose label is probably wrong, with the label it looks like and that one's probability."""

    row: int
    text: str
    label: str
    suggested: str
    confidence: float


@dataclass(frozen=True)
class Personal:
    """A row with personal data, and of which kinds; never the data."""

    row: int
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Lengths:
    """Characters a text."""

    shortest: int
    median: int
    p95: int
    longest: int


@dataclass(frozen=True)
class Report:
    """What is in a dataset and what is wrong with it. `notes` say what could not be looked at, and why."""

    rows: int
    out_of_scope: int
    labels: Mapping[str, int]
    lengths: Lengths
    languages: Mapping[str, int]
    valid_rows: int = 0
    bad_rows: int = 0
    duplicates: tuple[Duplicate, ...] = ()
    contradictions: tuple[Duplicate, ...] = ()
    near_duplicates: int = 0
    near_contradictions: tuple[NearDuplicate, ...] = ()
    leaks: tuple[Leak, ...] = ()
    unknown_labels: tuple[str, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    personal: tuple[Personal, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def imbalance(self) -> float:
        """How many times as many rows the largest label has as the smallest; 1 without labels."""
        return max(self.labels.values()) / min(self.labels.values()) if self.labels else 1.0

    @property
    def serious(self) -> bool:
        """Whether a model trained and measured on this would mislead: labels that contradict, or a test it has seen."""
        return bool(
            self.contradictions or self.near_contradictions or self.leaks or self.suspects or self.unknown_labels
        )

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "imbalance": round(self.imbalance, 2), "serious": self.serious}
