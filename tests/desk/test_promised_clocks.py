"""Promised times over any hours: pauses, nights, holidays and changes of the clock. Pure."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kefu.desk.accounts.hours import ALWAYS, DAYS, Hours, checked_hours, milliseconds
from kefu.desk.inbox.routing import Case
from kefu.desk.inbox.sla import Clock, Conditions

HOUR = 3_600_000
YEAR = milliseconds(datetime(2026, 1, 1, tzinfo=UTC))
ZONES = st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
MOMENTS = st.integers(YEAR, YEAR + 365 * 24 * HOUR)
SPANS = st.integers(1, 80 * HOUR)


@st.composite
def weeks(draw: st.DrawFn) -> Hours:
    """A week of some windows, some past midnight, in a zone; with holidays."""
    weekly = {}
    for day in draw(st.sets(st.sampled_from(DAYS), min_size=1)):
        start = draw(st.integers(0, 22))
        end = draw(st.integers(start + 1, 24))
        weekly[day] = [[f"{start:02d}:00", f"{end:02d}:00"]]
    days = draw(st.sets(st.integers(1, 28), max_size=3))
    holidays = [f"2026-{draw(st.integers(1, 12)):02d}-{day:02d}" for day in days]
    return checked_hours(time_zone=draw(ZONES), weekly=weekly, holidays=holidays)


@settings(max_examples=150, deadline=None)
@given(weeks() | st.just(ALWAYS), MOMENTS, SPANS)
def test_when_so_much_work_is_done_is_what_counting_finds(hours: Hours, start: int, work: int) -> None:
    end = hours.end_of(start, work)
    assert end is not None
    assert hours.between(start, end) == work
    assert hours.between(start, end - 1) == work - 1  # the first such moment


@settings(max_examples=100, deadline=None)
@given(
    weeks() | st.just(ALWAYS), MOMENTS, st.lists(st.tuples(st.booleans(), st.integers(0, 30 * HOUR)), max_size=8), SPANS
)
def test_a_clock_counts_what_it_ran_however_often_it_paused(
    hours: Hours, start: int, steps: list[tuple[bool, int]], target: int
) -> None:
    clock, ran, at = Clock(target).resumed(start), 0, start
    for runs, length in steps:
        clock = clock.resumed(at) if runs else clock.paused(at, hours)
        ran += hours.between(at, at + length) if runs else 0
        at += length
        assert clock.spent_by(at, hours) == ran
        assert clock.is_late(at, hours) is (ran > target)
    if not clock.is_late(at, hours):
        clock = clock.resumed(at)
        ends = clock.ends_at(hours)
        assert ends is not None
        assert not clock.is_late(ends, hours)
        after = hours.end_of(ends, 1)
        assert after is not None
        assert clock.is_late(after, hours)


@settings(max_examples=60, deadline=None)
@given(weeks(), MOMENTS, SPANS, SPANS)
def test_it_warns_before_it_ends_and_not_before_half_of_it(hours: Hours, start: int, target: int, warn: int) -> None:
    clock = Clock(target).resumed(start)
    warns, ends = clock.warns_at(warn, hours), clock.ends_at(hours)
    assert warns is not None
    assert ends is not None
    assert start <= warns <= ends
    assert clock.spent_by(warns, hours) >= target // 2
    assert clock.warns_at(0, hours) is None


def test_a_clock_that_stands_never_ends() -> None:
    assert Clock(HOUR).ends_at(ALWAYS) is None
    nothing_is_open = checked_hours(time_zone="UTC", weekly={"mon": [["09:00", "10:00"]]}, holidays=[])
    assert nothing_is_open.end_of(YEAR, 3 * HOUR) is not None


@pytest.mark.parametrize(
    ("begins", "target", "ends"),
    [
        ("2026-03-28T20:00", 6, "2026-03-29T03:00"),  # the hour from two to three does not exist
        ("2026-10-24T22:00", 6, "2026-10-25T03:00"),  # that hour comes twice
        ("2026-06-06T22:00", 6, "2026-06-07T04:00"),
    ],
    ids=["forward", "back", "neither"],
)
def test_a_night_has_the_hours_that_its_clock_has(begins: str, target: int, ends: str) -> None:
    zone = ZoneInfo("Europe/Berlin")
    always = {day: [["00:00", "24:00"]] for day in DAYS}
    whole_week = checked_hours(time_zone="Europe/Berlin", weekly=always, holidays=[])
    clock = Clock(target * HOUR).resumed(milliseconds(datetime.fromisoformat(begins).replace(tzinfo=zone)))
    assert clock.ends_at(whole_week) == milliseconds(datetime.fromisoformat(ends).replace(tzinfo=zone))


def test_conditions_must_all_hold() -> None:
    case = Case("web", labels=frozenset({"vip"}), contact={"plan": "gold"}, team="t", priority="high")
    assert Conditions().fits(case)
    assert Conditions(("web",), ("t",), ("vip", "x"), ("high", "urgent"), {"plan": "GOLD"}).fits(case)
    for wrong in (
        Conditions(("mail",)),
        Conditions(teams=("u",)),
        Conditions(labels=("x",)),
        Conditions(priorities=("low",)),
    ):
        assert not wrong.fits(case)
    assert Conditions.read({"teams": ["t"]}) == Conditions(teams=("t",))
