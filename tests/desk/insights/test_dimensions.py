"""Every metric by every dimension, in and out of business hours, on timelines made by hand."""

import itertools
from collections.abc import Callable
from datetime import date
from typing import NamedTuple

import pytest

from kefu.desk.accounts.hours import checked_hours, milliseconds
from kefu.desk.accounts.queries import HoursBook
from kefu.desk.insights.fold import Fold, Measured
from kefu.desk.insights.metrics import METRICS
from kefu.desk.insights.queries import reports
from kefu.desk.insights.queries.cells import Filters
from kefu.desk.insights.queries.period import Period
from kefu.desk.insights.queries.table import rounded
from kefu.desk.insights.rolling import store

from ..shops import Shop, made_shop
from .history import rolled
from .lines import Line

pytestmark = pytest.mark.django_db

# The clock goes back in Berlin on the 25th, a Sunday; the shop works on it, and not at night.
ZONE = "Europe/Berlin"
PERIOD = Period(date(2026, 10, 24), date(2026, 10, 26), ZONE)
WEEKLY = {day: [["08:00", "20:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
BOOK = HoursBook(((0, checked_hours(time_zone=ZONE, weekly=WEEKLY, holidays=["2026-10-26"])),))


class Laid(NamedTuple):
    """A figure, and the labels of its conversation."""

    figure: Measured
    labels: str


OF: dict[str, Callable[[Laid], set[str]]] = {
    "member": lambda each: {each.figure.member},
    "team": lambda each: {each.figure.team},
    "label": lambda each: set(each.labels.strip(",").split(",")),
    "intent": lambda each: {each.figure.intent},
    "language": lambda each: {each.figure.language},
    "who": lambda each: {each.figure.who},
}


def in_chinese(line: Line) -> Line:
    turn = line.events[-1].detail["turn"]
    turn["language"] = "zh"
    return line


def alone() -> Line:
    """The assistant alone, over midnight and the change of the clock, rated well, reopened, resolved again."""
    line = Line(ZONE, "2026-10-24").began("19:50").asks("19:55").assistant("19:56", intent="refund", asked="19:55")
    line.resolved("2026-10-25 02:30").happens("02:30", "surveyed").happens("09:00", "rated", "contact", score=5)
    line.reopened("10:00").asks("10:00").assistant("10:01", "flow", "flow", intent="delivery", asked="10:00")
    return line.happens("10:02", "thumbed", old="", new="up").resolved("10:05")


def handed_over() -> Line:
    """To a team at night, taken, labelled, handed back, over again to another member, rated poorly."""
    line = Line(ZONE, "2026-10-24").began("22:00").asks("22:00").waits("22:01", "assistant")
    line.assistant("22:01", "hand_over", "anger", intent="complaint", asked="22:00").happens(
        "22:01", "teamed", team="t_1"
    )
    line.owned("2026-10-25 08:30", "mem_a").happens("08:31", "labelled", labels=["vip", "bill"]).member(
        "08:40", "mem_a"
    )
    line.back("09:00").asks("09:10")
    in_chinese(line.assistant("09:11", "refuse", "nothing_found", asked="09:10"))
    line.waits("09:20").happens("09:20", "teamed", team="t_2").asks("09:21").owned("09:30", "mem_b")
    line.happens("09:31", "sla_missed", "sla", clock="first_reply").member("09:45", "mem_b")
    for decision in ("refuse", "hand_over"):
        line.happens("09:46", "judged", "mem_b", decision=decision, old="", new="right")
    line.happens("09:50", "labelled", labels=["vip"]).resolved("2026-10-26 11:00", "member:mem_b")
    return line.happens("11:00", "surveyed").happens("11:30", "rated", "contact", score=2)


def failed() -> Line:
    line = Line(ZONE, "2026-10-25").began("12:00").asks("12:00").waits("12:01", "assistant")
    line.assistant("12:01", "hand_over", "failed", asked="12:00").owned("12:05", "mem_a")
    for clock in ("first_reply", "next_reply", "resolution"):
        line.happens("12:06", "sla_met", "sla", clock=clock)
    return line.member("12:06", "mem_a").resolved("12:30", "idle")


@pytest.fixture
def laid() -> tuple[Shop, list[Laid]]:
    """The timelines, stored and rolled up in a shop; and what they measure."""
    shop, figures = made_shop(), []
    for number, line in enumerate((alone(), handed_over(), failed())):
        folded: Fold = line.folded(BOOK)
        store(shop.workspace_id, f"conv_{number}", shop.channel_id, folded)
        figures += [Laid(each, folded.clock.labels) for each in folded.measured]
    rolled()
    return shop, figures


def sums(figures: list[Laid]) -> dict[str, tuple[int, int, int]]:
    """Number, sum and business sum by stored metric, added up one by one."""
    found: dict[str, tuple[int, int, int]] = {}
    for each, _ in figures:
        assert PERIOD.start.timestamp() * 1000 <= each.at < milliseconds(PERIOD.end)
        number, total, business = found.get(each.metric, (0, 0, 0))
        found[each.metric] = (number + each.count, total + each.value, business + each.business)
    return found


def values(name: str, figures: list[Laid]) -> tuple[float | int | None, float | int | None]:
    metric, whole = METRICS[name], sums(figures)
    return rounded(metric.value(whole)), rounded(metric.value(whole, in_business=True))


def test_every_metric_is_there_in_the_timelines(laid: tuple[Shop, list[Laid]]) -> None:
    measured = {each.figure.metric for each in laid[1]}
    assert {need for metric in METRICS.values() for need in metric.needs} <= measured


def test_every_metric_by_every_dimension_in_and_out_of_hours(laid: tuple[Shop, list[Laid]]) -> None:
    shop, figures = laid
    narrowed = 0
    for dimension, of in OF.items():
        for value in sorted(set().union(*map(of, figures)) - {""}):
            mine = [each for each in figures if value in of(each)]
            for filters in (
                Filters.of(**{dimension: value}),
                Filters.of(**{dimension: value, "channel": shop.channel_id}),
            ):
                for row in reports.overview(shop.owner, PERIOD, filters).rows:
                    found = (row["value"], row["business"])
                    assert found == values(row["metric"], mine), (dimension, value, row["metric"])
                    narrowed += 1
    assert narrowed > 500


def test_two_dimensions_at_once_are_told_too(laid: tuple[Shop, list[Laid]]) -> None:
    shop, figures = laid
    for one, other in itertools.combinations(OF, 2):
        a = sorted(set().union(*map(OF[one], figures)) - {""})[0]
        b = sorted(set().union(*map(OF[other], figures)) - {""})[-1]
        mine = [each for each in figures if a in OF[one](each) and b in OF[other](each)]
        for row in reports.overview(shop.owner, PERIOD, Filters.of(**{one: a, other: b})).rows:
            assert (row["value"], row["business"]) == values(row["metric"], mine), (one, a, other, b, row["metric"])


@pytest.mark.parametrize("dimension", [*OF, "channel"])
def test_every_metric_is_broken_down(laid: tuple[Shop, list[Laid]], dimension: str) -> None:
    shop, figures = laid
    found = reports.breakdown(shop.owner, PERIOD, Filters(), by=dimension, metrics=list(METRICS))
    assert found.rows
    for row in found.rows:
        mine = figures if dimension == "channel" else [each for each in figures if row["id"] in OF[dimension](each)]
        assert {name: row[name] for name in METRICS} == {name: values(name, mine)[0] for name in METRICS}


def test_the_night_counts_nothing_and_the_long_hour_counts_twice(laid: tuple[Shop, list[Laid]]) -> None:
    shop, figures = laid
    [first, *_] = [each for each, _ in figures if each.metric == "resolution_time" and each.intent == "refund"]
    # From 19:50 to 02:30: ten minutes of the working day. That the clock goes back at 3 has not come yet.
    assert (first.value, first.business) == (400 * 60_000, 10 * 60_000)
    [over] = [each for each, _ in figures if each.metric == "resolution_time" and each.member == "mem_b"]
    # From Saturday 22:00 to Monday 11:00, an hour more than by the clock; Monday is a holiday.
    assert (over.value, over.business) == (38 * 3600_000, 12 * 3600_000)
    stages = {row["stage"]: row["conversations"] for row in reports.funnel(shop.owner, PERIOD, Filters()).rows}
    assert stages == {"asked": 3, "answered": 1, "handed_over": 2, "resolved": 3, "satisfied": 1}
