"""Business hours: midnight, holidays, daylight saving, and what was in force when."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kefu.desk.accounts import actions
from kefu.desk.accounts.hours import ALWAYS, Hours, checked_hours, hours_json, milliseconds, moment
from kefu.desk.accounts.queries import hours_book
from kefu.desk.actor import Role
from kefu.kit.errors import BadInput, NotAllowed

from .desks import desk_for
from .shops import made_shop

HOUR = 3_600_000
OFFICE = {day: [["09:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


def hours(zone: str = "Asia/Shanghai", weekly: dict[str, list[list[str]]] | None = None, *holidays: str) -> Hours:
    return checked_hours(time_zone=zone, weekly=OFFICE if weekly is None else weekly, holidays=holidays)


def at(text: str, zone: str = "Asia/Shanghai") -> int:
    return milliseconds(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC))


def test_a_week_end_does_not_count() -> None:
    # Friday 17:00 to Monday 10:00
    assert hours().between(at("2026-11-20T17:00"), at("2026-11-23T10:00")) == 2 * HOUR


def test_nothing_counts_over_night_and_on_holidays() -> None:
    assert hours().between(at("2026-11-18T18:00"), at("2026-11-19T09:00")) == 0
    assert (
        hours("Asia/Shanghai", None, "2026-11-19").between(at("2026-11-18T17:00"), at("2026-11-20T10:00")) == 2 * HOUR
    )


def test_a_window_may_pass_midnight() -> None:
    night = hours("UTC", {"fri": [["22:00", "06:00"]]})
    assert night.between(at("2026-11-20T23:00", "UTC"), at("2026-11-21T07:00", "UTC")) == 7 * HOUR
    assert night.is_open(at("2026-11-21T05:59", "UTC"))
    assert not night.is_open(at("2026-11-21T06:00", "UTC"))


@pytest.mark.parametrize(
    ("day", "counted"),
    [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-07", 24)],
    ids=["forward", "back", "neither"],
)
def test_a_day_has_as_many_hours_as_its_clock_has(day: str, counted: int) -> None:
    whole = hours("Europe/Berlin", {"sun": [["00:00", "24:00"]]})
    midnight = at(f"{day}T00:00", "Europe/Berlin")
    assert whole.between(midnight - HOUR, midnight + 30 * HOUR) == counted * HOUR


def test_without_a_week_it_is_always_open() -> None:
    assert ALWAYS.between(5, 12) == 7
    assert ALWAYS.between(12, 5) == 0
    assert ALWAYS.opens_at(77) == 77


def test_when_it_opens_next() -> None:
    assert hours().opens_at(at("2026-11-20T20:00")) == at("2026-11-23T09:00")
    assert hours().opens_at(at("2026-11-20T12:00")) == at("2026-11-20T12:00")


def test_what_is_stored_reads_back() -> None:
    for each in (hours("UTC", {"fri": [["22:00", "06:00"]]}), hours("Asia/Shanghai", None, "2026-10-01"), ALWAYS):
        assert checked_hours(**hours_json(each)) == each


@pytest.mark.parametrize(
    "given",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"weekly": {"someday": []}},
        {"weekly": {"mon": [["9", "18:00"]]}},
        {"weekly": {"mon": [["09:00"]]}},
        {"weekly": {"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}},
        {"weekly": {"mon": [["22:00", "06:00"]], "tue": [["05:00", "08:00"]]}},
        {"weekly": {}},
        {"holidays": ["tomorrow"]},
    ],
)
def test_bad_hours_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        checked_hours(**{"time_zone": "UTC", "weekly": OFFICE, "holidays": [], **given})  # type: ignore[arg-type]


@pytest.mark.django_db
def test_what_was_in_force_stays_in_force_for_its_time() -> None:
    shop = made_shop()
    first, then = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    actions.set_hours(shop.owner, time_zone="UTC", weekly=OFFICE, holidays=[], since=first)
    actions.set_hours(shop.owner, time_zone="UTC", weekly=None, holidays=[], since=then)
    book = hours_book(shop.workspace_id)
    night = milliseconds(datetime(2026, 3, 4, 22, tzinfo=UTC))
    assert book.between(night - HOUR, night) == 0
    assert book.between(milliseconds(then), milliseconds(then) + HOUR) == HOUR
    assert moment(book.entries[0][0]) == then


@pytest.mark.django_db
def test_the_api_sets_and_shows_hours() -> None:
    shop = made_shop()
    admin = desk_for(shop, Role.ADMIN)
    assert admin.get("/settings/hours")["weekly"] is None
    body = {"time_zone": "Asia/Shanghai", "weekly": OFFICE, "holidays": ["2026-10-01"]}
    made = admin.put("/settings/hours", body)
    assert made["weekly"]["mon"] == [["09:00", "18:00"]]
    assert made["weekly"]["sun"] == []
    assert made["opens_at"] is not None
    admin.put("/settings/hours", {"time_zone": "Nowhere"}, expect=422)
    desk_for(shop, Role.SUPERVISOR).put("/settings/hours", body, expect=403)
    assert desk_for(shop, Role.VIEWER).get("/settings/hours")["time_zone"] == "Asia/Shanghai"


@pytest.mark.django_db
def test_only_admins_set_hours() -> None:
    shop = made_shop()
    with pytest.raises(NotAllowed):
        actions.set_hours(shop.member(Role.AGENT), time_zone="UTC", weekly=None, holidays=[])
    assert hours_book(shop.workspace_id).at(milliseconds(datetime.now(UTC) + timedelta(days=1))) == ALWAYS
