"""Rows of slot data: a text, the slots in it with their places, and the slots that had been asked for."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kefu.contracts.dataset import Dataset, Example
from kefu.kit.errors import BadInput

# Columns of a labelled file: slots as [{"slot": "date", "start": 0, "end": 5}], and names with commas between.
SLOTS, REQUESTED = "slots", "requested"


@dataclass(frozen=True)
class SlotSpan:
    """A slot's value in a text: characters from `start` to before `end`."""

    slot: str
    start: int
    end: int


@dataclass(frozen=True)
class TaggedRow:
    """A text with its slots in order, none over another; `requested` had been asked for when it was said."""

    text: str
    spans: tuple[SlotSpan, ...]
    requested: tuple[str, ...]
    row: int
    language: str | None = None


def has_slots(data: Dataset) -> bool:
    """Whether any row says which slots are in it."""
    return any(SLOTS in each.extra for each in data.examples)


def tagged_rows(data: Dataset, name: str) -> list[TaggedRow]:
    """Every row with its slots; a row that says nothing has none. Raises BadInput for data without slots."""
    if not has_slots(data):
        raise BadInput(
            f'{name} holds no slots; each row needs a text and slots: [{{"slot", "start", "end"}}].', name=name
        )
    return [_tagged(each) for each in data.examples]


def slots_of(rows: Iterable[TaggedRow]) -> tuple[str, ...]:
    """The slots' names, sorted."""
    return tuple(sorted({span.slot for row in rows for span in row.spans}))


def apart(spans: Sequence[SlotSpan]) -> tuple[SlotSpan, ...]:
    """The spans in order without those that lie over one before; of two that begin alike the longer one stays."""
    kept: list[SlotSpan] = []
    for span in sorted(spans, key=lambda each: (each.start, -each.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return tuple(kept)


def spans_of(example: Example) -> list[SlotSpan]:
    """The slots that a row names. Raises BadInput for what is no list of slots, or not within the text."""
    try:
        written = json.loads(example.extra.get(SLOTS, "[]"))
        spans = [SlotSpan(str(each["slot"]), int(each["start"]), int(each["end"])) for each in written]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadInput(
            f"Row {example.row}: slots are written as a list of slot, start and end.", row=example.row
        ) from error
    for span in spans:
        if not (span.slot and 0 <= span.start < span.end <= len(example.text)):
            raise BadInput(
                f"Row {example.row}: the slot {span.slot!r} from {span.start} to {span.end} is not within its text of "
                f"{len(example.text)} characters.",
                row=example.row,
            )
    return spans


def _tagged(example: Example) -> TaggedRow:
    requested = tuple(name.strip() for name in example.extra.get(REQUESTED, "").split(",") if name.strip())
    return TaggedRow(example.text, apart(spans_of(example)), requested, example.row, example.language)
