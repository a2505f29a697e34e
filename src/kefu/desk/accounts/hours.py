"""Business hours: which part of a stretch of time a company was at work. Pure; moments are milliseconds since 1970."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kefu.kit.errors import BadInput

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY_MINUTES = 24 * 60
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_HOLIDAYS = 400  # a list of all holidays of ten years
_LOOK_AHEAD = 400  # days: whoever does not open within a year does not open

Window = tuple[int, int]  # minutes from midnight; the second may lie past 24:00


@dataclass(frozen=True)
class Hours:
    """A week's windows by day, Monday first, and the days off, in a time zone. `weekly` None: always at work."""

    time_zone: str = "UTC"
    weekly: tuple[tuple[Window, ...], ...] | None = None
    holidays: frozenset[date] = field(default_factory=frozenset)

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def between(self, start: int, end: int) -> int:
        """Milliseconds of the stretch that lie in business hours; the clock's changes are counted as they happen."""
        if end <= start:
            return 0
        if self.weekly is None:
            return end - start
        day = _day_of(start, self.zone) - timedelta(days=1)  # a window of yesterday may reach past midnight
        last = _day_of(end, self.zone)
        inside = 0
        while day <= last:
            for opens, closes in _windows(self, day):
                inside += max(0, min(end, closes) - max(start, opens))
            day += timedelta(days=1)
        return inside

    def is_open(self, at: int) -> bool:
        """Whether the company is at work at this moment."""
        return self.between(at, at + 1) == 1

    def opens_at(self, at: int) -> int | None:
        """The first moment from `at` on at which the company is at work; None when it never opens."""
        if self.is_open(at):
            return at
        day = _day_of(at, self.zone)
        for ahead in range(_LOOK_AHEAD):
            later = [opens for opens, _ in _windows(self, day + timedelta(days=ahead)) if opens > at]
            if later:
                return min(later)
        return None

    def end_of(self, start: int, work: int) -> int | None:
        """When so many milliseconds of business time will have gone by since `start`; None when they never do."""
        if self.weekly is None or work <= 0:
            return start + max(0, work)
        day = _day_of(start, self.zone) - timedelta(days=1)
        left, idle = work, 0
        while idle < _LOOK_AHEAD:
            idle += 1
            for opens, closes in _windows(self, day):
                inside = closes - max(start, opens)
                if inside >= left:
                    return max(start, opens) + left
                if inside > 0:
                    left, idle = left - inside, 0
            day += timedelta(days=1)
        return None


ALWAYS = Hours()


def milliseconds(at: datetime) -> int:
    """Whole milliseconds since 1970 of a moment with a time zone."""
    return (at - _EPOCH) // _MILLISECOND


def moment(at: int) -> datetime:
    """The moment of so many milliseconds since 1970, in UTC."""
    return _EPOCH + at * _MILLISECOND


def checked_zone(name: str) -> ZoneInfo:
    """Raises BadInput for a name that is no time zone."""
    try:
        if not re.fullmatch(r"[A-Za-z0-9_+/-]{1,64}", name):
            raise ValueError(name)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(
            f"{name!r} is not a time zone; use a name such as Asia/Shanghai or Europe/Berlin.", field="time_zone"
        ) from None


def checked_hours(
    *, time_zone: str, weekly: Mapping[str, Iterable[Iterable[str]]] | None, holidays: Iterable[str | date]
) -> Hours:
    """Hours from what people write: `{"mon": [["09:00", "18:00"]], …}` and dates.

    A window that ends before it begins ends on the next day. Raises BadInput that says what is wrong.
    """
    checked_zone(time_zone)
    days = frozenset(_date(each) for each in holidays)
    if len(days) > _HOLIDAYS:
        raise BadInput(f"At most {_HOLIDAYS} holidays can be kept, not {len(days)}.", field="holidays")
    if weekly is None:
        return Hours(time_zone, None, days)
    unknown = sorted(set(weekly) - set(DAYS))
    if unknown:
        raise BadInput(f"Days are {', '.join(DAYS)}; not {', '.join(unknown)}.", field="weekly")
    windows = tuple(_day_windows(day, weekly.get(day, ())) for day in DAYS)
    for place, today in enumerate(windows):
        tomorrow = windows[(place + 1) % len(DAYS)]
        if today and tomorrow and today[-1][1] - _DAY_MINUTES > tomorrow[0][0]:
            raise BadInput(f"{DAYS[place]}: its last window reaches into the next day's first.", field="weekly")
    if not any(windows):
        raise BadInput("A week needs at least one hour of work; leave `weekly` out for always.", field="weekly")
    return Hours(time_zone, windows, days)


def hours_json(hours: Hours) -> dict[str, Any]:
    """Hours as they are stored and shown; `checked_hours` reads them."""
    weekly = None
    if hours.weekly is not None:
        weekly = {
            day: [[_clock(start), _clock(end if end <= _DAY_MINUTES else end - _DAY_MINUTES)] for start, end in windows]
            for day, windows in zip(DAYS, hours.weekly, strict=True)
        }
    return {
        "time_zone": hours.time_zone,
        "weekly": weekly,
        "holidays": sorted(day.isoformat() for day in hours.holidays),
    }


@lru_cache(maxsize=8192)
def _windows(hours: Hours, day: date) -> tuple[tuple[int, int], ...]:
    """When work begins and ends on a local day."""
    if hours.weekly is None or day in hours.holidays:
        return ()
    return tuple(
        (_local(day, start, hours.zone), _local(day, end, hours.zone)) for start, end in hours.weekly[day.weekday()]
    )


def _local(day: date, minutes: int, zone: ZoneInfo) -> int:
    days, rest = divmod(minutes, _DAY_MINUTES)
    local = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), tzinfo=zone)
    return milliseconds(local.astimezone(UTC))


def _day_of(at: int, zone: ZoneInfo) -> date:
    return moment(at).astimezone(zone).date()


def _day_windows(day: str, given: Iterable[Iterable[str]]) -> tuple[Window, ...]:
    windows: list[Window] = []
    for each in given:
        pair = [_minutes(day, text) for text in each]
        if len(pair) != 2 or pair[0] == pair[1] or pair[0] == _DAY_MINUTES:
            raise BadInput(f"{day}: a window is two times such as 09:00 and 18:00.", field="weekly")
        start, end = pair
        windows.append((start, end if end > start else end + _DAY_MINUTES))
    windows.sort()
    if any(later[0] < earlier[1] for earlier, later in pairwise(windows)):
        raise BadInput(f"{day}: its windows overlap.", field="weekly")
    return tuple(windows)


def _minutes(day: str, text: str) -> int:
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise BadInput(f"{day}: {text!r} is not a time such as 09:00.", field="weekly")
    return int(text[:2]) * 60 + int(text[3:])


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _date(given: str | date) -> date:
    try:
        return given if isinstance(given, date) else date.fromisoformat(given)
    except (ValueError, TypeError):
        raise BadInput(f"{given!r} is not a date such as 2026-10-01.", field="holidays") from None
