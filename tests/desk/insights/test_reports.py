"""Reports: periods, time zones, steps, filters; from roll-ups and from figures the same."""

from datetime import date

import pytest

from kefu.desk.accounts import actions as accounts
from kefu.desk.actor import Role
from kefu.desk.inbox import actions as inbox
from kefu.desk.insights import actions
from kefu.desk.insights.queries import cells, reports
from kefu.desk.insights.queries.cells import Filters
from kefu.desk.insights.queries.period import Period, period_of
from kefu.desk.insights.queries.table import as_csv
from kefu.kit.errors import BadInput, NotAllowed, NotFound

from ..shops import Shop, made_shop
from .history import lay, rolled

pytestmark = pytest.mark.django_db

ALL = Filters()
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30), "UTC")


def totals(shop: Shop, period: Period, metric: str, **given: str) -> tuple[int, int, int]:
    return cells.totals(shop.workspace_id, [metric], period, Filters.of(**given)).get(metric, (0, 0, 0))


def test_a_period_begins_and_ends_by_its_own_clock() -> None:
    shop = made_shop()
    for when in ("2026-11-17T23:59", "2026-11-18T00:00", "2026-11-18T23:59", "2026-11-19T00:00"):
        lay(shop, "conversations", when, "Asia/Shanghai")
    rolled()
    day = date(2026, 11, 18)
    assert totals(shop, Period(day, day, "Asia/Shanghai"), "conversations")[0] == 2
    after = date(2026, 11, 19)
    assert totals(shop, Period(after, after, "Asia/Shanghai"), "conversations")[0] == 1
    assert totals(shop, Period(after, after, "UTC"), "conversations")[0] == 0


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu"])
def test_days_hours_and_figures_add_up_alike_in_every_zone(zone: str) -> None:
    shop = made_shop()
    for day in range(10, 20):
        for hour in (0, 5, 17, 18, 23):
            lay(shop, "reply_time", f"2026-11-{day}T{hour:02d}:40", zone, 1000 * hour + 10)
    rolled()
    period = Period(date(2026, 11, 11), date(2026, 11, 18), zone)
    assert totals(shop, period, "reply_time") == (40, 8 * 63_050, 8 * 31_525)
    found = reports.trend(shop.owner, period, ALL, metrics=["reply_time"], step="day")
    assert [row["at"] for row in found.rows] == [f"2026-11-{day}" for day in range(11, 19)]
    assert {row["reply_time"] for row in found.rows} == {12.61}
    heat = reports.heat_map(shop.owner, period, ALL, metric="reply_time")
    assert {row["hour"] for row in heat.rows if row["value"] is not None} == {0, 5, 17, 18, 23}


def test_a_trend_has_every_step_also_where_the_clock_changes() -> None:
    shop = made_shop()
    lay(shop, "conversations", "2026-10-25T02:30", "Europe/Berlin")
    rolled()
    day = date(2026, 10, 25)
    hours = reports.trend(
        shop.owner, Period(day, day, "Europe/Berlin"), ALL, metrics=["conversations_count"], step="hour"
    )
    assert len(hours.rows) == 25
    assert sum(row["conversations_count"] for row in hours.rows) == 1
    weeks = reports.trend(shop.owner, NOVEMBER, ALL, metrics=["conversations_count"], step="week")
    assert [row["at"] for row in weeks.rows] == ["2026-10-26", *(f"2026-11-{day:02d}" for day in (2, 9, 16, 23, 30))]


def test_roll_ups_and_figures_tell_the_same() -> None:
    shop = made_shop()
    other = inbox.make_channel(shop.kefu, kind="web", name="Second").id
    for number in range(60):
        lay(
            shop,
            "resolution_time",
            f"2026-11-{number % 28 + 1:02d}T{number % 24:02d}:10",
            value=number * 60_000,
            channel=other if number % 3 else "",
            member=f"mem_{number % 4}",
            intent=("refund", "delivery", "")[number % 3],
            labels=(",bill,vip,", ",vip,", "")[number % 3],
            who=("assistant", "person")[number % 2],
        )
    rolled()
    for given in ({}, {"channel": other}, {"member": "mem_1"}, {"label": "vip"}, {"label": "vip", "channel": other}):
        filters = Filters.of(**given)
        for dimension in ("", "channel", "member", "label", "intent", "who"):
            fast = cells.by_value(shop.workspace_id, ["resolution_time"], NOVEMBER, filters, dimension)
            figures = cells._figures(shop.workspace_id, ["resolution_time"], filters, NOVEMBER.start, NOVEMBER.end)
            slow: dict[str, list[int]] = {}
            for _, value, *added in cells._counted(figures, cells.DIMENSIONS[dimension][1] if dimension else ""):
                for each in value.strip(",").split(",") if dimension == "label" else [value]:
                    cell = slow.setdefault(each, [0, 0, 0])
                    cell[:] = [a + b for a, b in zip(cell, added, strict=True)]
            fast.pop("", None) if dimension else None
            slow.pop("", None) if dimension else None
            assert {value: list(sums["resolution_time"]) for value, sums in fast.items()} == slow, (given, dimension)


def test_a_breakdown_names_members_and_channels() -> None:
    shop = made_shop()
    ann = shop.member(Role.AGENT)
    lay(shop, "resolutions", "2026-11-18T10:00", member=ann.id)
    lay(shop, "automated_resolutions", "2026-11-18T10:00")
    lay(shop, "resolutions", "2026-11-18T10:00")
    rolled()
    [row] = reports.members(shop.owner, NOVEMBER, ALL).rows
    assert (row["id"], row["name"], row["resolutions_count"]) == (ann.id, "Agent", 1)
    [row] = reports.breakdown(shop.owner, NOVEMBER, ALL, by="channel").rows
    assert (row["name"], row["automation_rate"]) == ("Website", 0.5)


def test_the_overview_compares_with_the_period_before() -> None:
    shop = made_shop()
    lay(shop, "conversations", "2026-10-31T10:00")
    for _ in range(2):
        lay(shop, "conversations", "2026-11-01T10:00")
    rolled()
    rows = {row["metric"]: row for row in reports.overview(shop.owner, NOVEMBER, ALL).rows}
    assert (rows["conversations_count"]["value"], rows["conversations_count"]["before"]) == (2, 1)
    assert rows["reply_rate"]["value"] is None


def test_the_funnel_and_satisfaction() -> None:
    shop = made_shop()
    for stage, number in {"asked": 4, "answered": 3, "handed_over": 2, "resolved": 2, "satisfied": 1}.items():
        for _ in range(number):
            lay(shop, "funnel", "2026-11-18T10:00", detail=stage)
    for score in (5, 4, 2):
        lay(shop, "ratings", "2026-11-18T10:00", detail=str(score))
        lay(shop, "csat", "2026-11-18T10:00", value=score, detail=str(score))
    lay(shop, "csat_good", "2026-11-18T10:00", value=1)
    lay(shop, "csat_good", "2026-11-18T10:00", value=1)
    for _ in range(4):
        lay(shop, "csat_sent", "2026-11-18T10:00")
    rolled()
    shares = [row["share"] for row in reports.funnel(shop.owner, NOVEMBER, ALL).rows]
    assert shares == [1.0, 0.75, 0.5, 0.5, 0.25]
    found = reports.csat(shop.owner, NOVEMBER, ALL)
    assert {name: value for name, value in found.totals.items() if not name.endswith("_business")} == {
        "csat_score": 0.6667,
        "csat_average": 3.6667,
        "csat_response_rate": 0.75,
        "answers": 3,
        "sent": 4,
    }


def test_percentiles_are_a_tenth_off_at_most() -> None:
    shop = made_shop()
    for number in range(1, 101):
        lay(shop, "turns", "2026-11-18T10:00", value=number * 1000, who="assistant", detail="approved")
    rolled()
    found = reports.assistant(shop.owner, NOVEMBER, ALL)
    assert found.more["turn_time_p50"] == pytest.approx(50, rel=0.1)
    assert found.more["turn_time_p95"] == pytest.approx(95, rel=0.1)
    narrowed = [row for row in reports.times(shop.owner, NOVEMBER, ALL).rows if row["metric"] == "turn_time"]
    assert [(row["who"], row["number"]) for row in narrowed] == [("", 100), ("assistant", 100), ("person", 0)]
    half = reports.times(shop.owner, NOVEMBER, Filters.of(language="zh")).rows[0]
    assert half["number"] == 0


def test_cost_and_saving_at_the_companys_rates() -> None:
    shop = made_shop()
    actions.set_rates(shop.owner, currency="CNY", person_conversation=20.0, assistant_turn=0.05, month=300.0)
    for number in range(10):
        lay(shop, "resolutions", "2026-11-18T10:00")
        lay(shop, "turns", "2026-11-18T10:00", value=500)
        if number < 7:
            lay(shop, "automated_resolutions", "2026-11-18T10:00")
    rolled()
    found = reports.cost(shop.owner, NOVEMBER, ALL)
    assert found.totals["people"] == 60.0
    assert found.totals["assistant"] == 300.5
    assert found.totals["saving"] == 140.0 - 300.5
    assert found.totals["per_conversation"] == 36.05
    assert [row["month"] for row in found.rows] == ["2026-11"]
    half = reports.cost(shop.owner, Period(date(2026, 11, 1), date(2026, 11, 15), "UTC"), ALL)
    assert half.totals["assistant"] == 150.0


@pytest.mark.parametrize(
    "given",
    [
        {"first": "yesterday"},
        {"first": "2026-11-02", "last": "2026-11-01"},
        {"first": "2020-01-01", "last": "2026-01-01"},
        {"first": "0001-01-01", "last": "0001-01-02"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "/etc/localtime"},
    ],
)
def test_bad_periods_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        period_of(made_shop().owner, **given)


def test_the_last_week_in_the_companys_time_zone_is_the_default() -> None:
    shop = made_shop()
    accounts.set_hours(shop.owner, time_zone="Asia/Shanghai", weekly=None, holidays=[])
    period = period_of(shop.owner)
    assert (period.days, period.time_zone) == (7, "Asia/Shanghai")


def test_what_there_is_not_is_refused() -> None:
    shop = made_shop()
    with pytest.raises(BadInput):
        reports.trend(shop.owner, NOVEMBER, ALL, metrics=["happiness"])
    with pytest.raises(BadInput):
        reports.trend(shop.owner, NOVEMBER, ALL, metrics=["reply_rate"], step="decade")
    with pytest.raises(BadInput):
        reports.breakdown(shop.owner, NOVEMBER, ALL, by="shoe size")
    with pytest.raises(NotFound):
        reports.report_named("weather")
    with pytest.raises(NotAllowed):
        reports.overview(shop.visitor(), NOVEMBER, ALL)


def test_a_csv_runs_no_formula_and_reads_in_chinese() -> None:
    shop = made_shop()
    lay(shop, "answers", "2026-11-18T10:00", intent='=HYPERLINK("x")')
    rolled()
    text = as_csv(reports.intents(shop.owner, NOVEMBER, ALL), "zh")
    assert text.startswith("\ufeff名称,助手回合数")
    assert "'=HYPERLINK" in text
