"""A workspace whose figures are laid down by hand, at times of the test's choosing."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from kefu.desk.accounts.hours import milliseconds
from kefu.desk.accounts.queries import HoursBook
from kefu.desk.insights.fold import Clock, Fold, Measured
from kefu.desk.insights.rolling import roll_up, store

from ..shops import Shop

_numbers = iter(range(10**9))


def lay(
    shop: Shop,
    metric: str,
    when: str,
    zone: str = "UTC",
    value: int = 1,
    channel: str = "",
    labels: str = "",
    **given: str,
) -> None:
    """Store one figure, half of it in business hours, as a conversation of its own; `rolled` rolls it up."""
    at = datetime.fromisoformat(when).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    fold = Fold(Clock(labels=labels), HoursBook())
    fold.measured = [Measured(metric, milliseconds(at), value, value // 2, **given)]
    store(shop.workspace_id, f"conv_{next(_numbers)}", channel or shop.channel_id, fold)


def rolled() -> None:
    while roll_up():
        pass
