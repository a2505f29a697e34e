"""How well slots were found: a span counts where slot, beginning and end are all right."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from kefu.knowledge.tagging.rows import SlotSpan, TaggedRow


def span_f1(rows: Iterable[TaggedRow], found: Iterable[Sequence[SlotSpan]]) -> float:
    """Micro F1 over all slots."""
    return f1(*summed(span_counts(rows, found)))


def span_counts(rows: Iterable[TaggedRow], found: Iterable[Sequence[SlotSpan]]) -> dict[str, tuple[int, int, int]]:
    """For each slot: spans right, spans given, spans meant."""
    right: Counter[str] = Counter()
    given: Counter[str] = Counter()
    meant: Counter[str] = Counter()
    for row, spans in zip(rows, found, strict=True):
        right.update(span.slot for span in spans if span in row.spans)
        given.update(span.slot for span in spans)
        meant.update(span.slot for span in row.spans)
    return {slot: (right[slot], given[slot], meant[slot]) for slot in sorted({*given, *meant})}


def summed(counts: Mapping[str, tuple[int, int, int]]) -> tuple[int, int, int]:
    """The counts of all slots together."""
    right, given, meant = (sum(each[at] for each in counts.values()) for at in range(3))
    return right, given, meant


def f1(right: int, given: int, meant: int) -> float:
    """The harmonic mean of precision and recall; 1 where there is nothing to find and nothing was found."""
    return 2 * right / (given + meant) if given + meant else 1.0
