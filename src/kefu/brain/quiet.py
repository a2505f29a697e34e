"""Quiet hours: when the assistant offers nobody, since nobody is there."""

import re
from datetime import datetime

CLOSED = "closed"  # outside of the company's business hours
_TIME = r"([01]\d|2[0-3]):([0-5]\d)"
# A day ends at 24:00: 00:00-24:00 is all of it.
_END = r"([01]\d|2[0-3]|24(?=:00)):([0-5]\d)"
_WINDOW = re.compile(rf"\s*{_TIME}\s*-\s*{_END}\s*")


def is_valid(quiet_hours: str) -> bool:
    """Whether this is empty, `closed`, or times such as `22:00-08:00, 12:00-13:00`."""
    return quiet_hours in {"", CLOSED} or all(_WINDOW.fullmatch(part) for part in quiet_hours.split(","))


def is_quiet(quiet_hours: str, now: datetime | None, *, is_open: bool) -> bool:
    """Whether a moment lies in quiet hours; a window that ends before it begins ends on the next day."""
    if quiet_hours == CLOSED:
        return not is_open
    if not quiet_hours or now is None:
        return False
    minute = now.hour * 60 + now.minute
    return any(_holds(part, minute) for part in quiet_hours.split(","))


def _holds(window: str, minute: int) -> bool:
    match = _WINDOW.fullmatch(window)
    if match is None:
        return False
    start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    return start <= minute < end if start <= end else minute >= start or minute < end
