"""What is measured: which figures are times, how long ones are told from short ones, and a percentile of them."""

from bisect import bisect_left
from collections.abc import Mapping

TIMES = frozenset({"first_response_time", "reply_time", "resolution_time", "turns"})
# Milliseconds, a fifth longer each: a percentile read from buckets is at most a tenth off. From 10 ms, the fastest
# answer, to 90 days; whole numbers, so that every machine puts a time into the same bucket.
_SHORTEST, _LONGEST = 10, 90 * 24 * 3600 * 1000
BOUNDS: tuple[int, ...]


def _bounds() -> tuple[int, ...]:
    bounds = [_SHORTEST]
    while bounds[-1] < _LONGEST:
        bounds.append(max(bounds[-1] + 1, bounds[-1] * 6 // 5))
    return tuple(bounds)


BOUNDS = _bounds()


def bucket(time: int) -> int:
    """The bucket of a time in milliseconds: the first whose bound it does not pass."""
    return bisect_left(BOUNDS, time)


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """The time, in milliseconds, that a share of those counted by bucket do not pass; None of none."""
    number = sum(counts.values())
    if number <= 0:
        return None
    wanted, seen = share * number, 0
    for place in sorted(counts):
        seen += counts[place]
        if seen >= wanted:
            return _middle(place)
    return _middle(max(counts))


def _middle(place: int) -> float:
    upper = BOUNDS[min(place, len(BOUNDS) - 1)]
    lower = BOUNDS[place - 1] if 0 < place <= len(BOUNDS) else 0
    return (lower + upper) / 2
