"""The period of a report: days of a time zone, and the hours of UTC that they are made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from kefu.desk.accounts.hours import checked_zone
from kefu.desk.accounts.queries import hours_set
from kefu.desk.actor import Actor, system
from kefu.desk.rows import now
from kefu.kit.errors import BadInput

_LONGEST = 1100  # days: three years
_DEFAULT_DAYS = 7
STEPS = ("hour", "day", "week", "month")
_HOURLY_LIMIT = 62  # days: more points than a chart can show
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True)
class Period:
    """Whole days from `first` to `last`, both included, by the clock of a time zone."""

    first: date
    last: date
    time_zone: str

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @cached_property
    def start(self) -> datetime:
        """The first moment, in UTC."""
        return _midnight(self.first, self.zone)

    @cached_property
    def end(self) -> datetime:
        """The first moment that is past it, in UTC."""
        return _midnight(self.last + _DAY, self.zone)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @cached_property
    def has_whole_hours(self) -> bool:
        """Whether its days are made of whole hours of UTC; those of India, for one, are not."""
        offsets = (moment.astimezone(self.zone).utcoffset() for moment in (self.start, self.end))
        return all(offset is not None and not offset % _HOUR for offset in offsets)

    def before(self) -> "Period":
        """The period of the same length that ends where this begins."""
        return Period(self.first - timedelta(days=self.days), self.first - _DAY, self.time_zone)

    def step_of(self, at: datetime, step: str) -> str:
        """The step that a moment falls into: a date, or a date with an hour for `hour`."""
        local = at.astimezone(self.zone)
        if step == "hour":
            return local.strftime("%Y-%m-%dT%H:00%z")
        return _begins(local.date(), step).isoformat()

    def steps(self, step: str) -> Iterator[str]:
        """All steps of the period, in order, whether something happened in them or not."""
        if step == "hour":
            at = self.start
            while at < self.end:
                yield self.step_of(at, step)
                at += _HOUR
            return
        seen = ""
        for number in range(self.days):
            found = _begins(self.first + timedelta(days=number), step).isoformat()
            if found != seen:
                yield found
            seen = found


def period_of(actor: Actor, *, first: str = "", last: str = "", time_zone: str = "") -> Period:
    """The period that a request names: dates such as 2026-11-01; the last 7 days in the company's time zone else.

    Raises BadInput that names what is wrong.
    """
    hours = hours_set(system(actor.workspace_id))
    zone = checked_zone(time_zone) if time_zone else hours.zone
    today = now().astimezone(zone).date()
    end = _date(last, "to") if last else today
    begin = _date(first, "from") if first else end - timedelta(days=_DEFAULT_DAYS - 1)
    if begin > end:
        raise BadInput(f"The period ends on {end}, before it begins on {begin}.", field="from")
    if (end - begin).days >= _LONGEST:
        raise BadInput(f"A period has at most {_LONGEST} days.", field="from")
    return Period(begin, end, time_zone or hours.time_zone)


def checked_step(step: str, period: Period) -> str:
    """A step of time, a fitting one if none is given. Raises BadInput."""
    if not step:
        return "hour" if period.days <= 2 else "day" if period.days <= 92 else "week"
    if step not in STEPS:
        raise BadInput(f"A step is {', '.join(STEPS)}; not {step!r}.", field="step")
    if step == "hour" and period.days > _HOURLY_LIMIT:
        raise BadInput(f"Hours are shown for at most {_HOURLY_LIMIT} days.", field="step")
    return step


def whole_days(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The days of UTC that lie within a stretch, as the first moment and the first past them; equal where none do."""
    first = start if start.time() == time(0) else datetime.combine(start.date() + _DAY, time(0), tzinfo=UTC)
    last = datetime.combine(end.date(), time(0), tzinfo=UTC)
    return (first, last) if first < last else (start, start)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC)


def _begins(day: date, step: str) -> date:
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def _date(text: str, field: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{field} is a date such as 2026-11-01, not {text!r}.", field=field) from None
    if not 1980 <= found.year <= 2200:
        raise BadInput(f"{field} lies between 1980 and 2200, not {text!r}.", field=field)
    return found
