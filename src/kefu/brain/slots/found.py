"""What is found in a text for a slot."""

from collections.abc import Iterable
from dataclasses import dataclass

from kefu.contracts.flow import Json


@dataclass(frozen=True, slots=True)
class Found:
    """A value and the characters `[start, end)` it was written in.

    `also` are other things that the same words may mean, likeliest first: "at 7" is 07:00 or 19:00.
    """

    kind: str
    value: Json
    start: int
    end: int
    also: tuple[Json, ...] = ()

    def overlaps(self, other: "Found") -> bool:
        """Whether they share a character."""
        return self.start < other.end and other.start < self.end


def apart(found: Iterable[Found], taken: Iterable[Found] = ()) -> list[Found]:
    """Those that overlap none of `taken` nor each other, in text order; of two that overlap the longer stays."""
    kept = list(taken)
    first = len(kept)
    for each in sorted(found, key=lambda one: (one.start - one.end, one.start)):
        if not any(each.overlaps(other) for other in kept):
            kept.append(each)
    return sorted(kept[first:], key=lambda one: one.start)
