"""How often somebody may do something: a token bucket for each, in this process's memory."""

import time
from collections import OrderedDict
from collections.abc import Callable

from kefu.kit.errors import Busy

_REMEMBERED = 50_000  # buckets; the longest unused is forgotten first, and would be full again anyway


class RateLimit:
    """At most `count` in any `seconds`, for each name; a burst may use them all at once."""

    def __init__(self, count: int, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._count = float(count)
        self._per_second = count / seconds
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, *, what: str = "requests") -> None:
        """Count one more. Raises Busy with the seconds until the next is allowed."""
        at = self._clock()
        left, since = self._buckets.pop(name, (self._count, at))
        left = min(self._count, left + (at - since) * self._per_second)
        self._buckets[name] = (max(left - 1, 0.0) if left >= 1 else left, at)
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        if left < 1:
            wait = int((1 - left) / self._per_second) + 1
            raise Busy(f"Too many {what}; try again in {wait} s.", retry_after=wait)
