"""Several slots from one message: what was asked for, what is volunteered, and what is left alone."""

from datetime import UTC, datetime

import pytest

from kefu.brain.slots.gather import gather
from kefu.brain.slots.readings import Heard
from kefu.contracts.flow import Slot, SlotType
from kefu.contracts.flow_state import Candidate

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
PEOPLE = Slot(
    "people", SlotType.NUMBER, minimum=1, maximum=12, hint={"en": ("people", "guests"), "zh": ("位", "人")},
    examples={"en": ("four of us", "table for 4")},
)  # fmt: skip
FROM = Slot("arrival", SlotType.DATE, direction="future", hint={"en": ("from", "arriv"), "zh": ("入住",)})
TO = Slot(
    "departure", SlotType.DATE, direction="future", hint={"en": ("to", "until", "leaving"), "zh": ("退房", "离店")}
)
TIME = Slot("time", SlotType.TIME)
CODE = Slot("code", SlotType.PATTERN, pattern=r"\d+")
NOTE = Slot("note", SlotType.TEXT)
SLOTS = (PEOPLE, FROM, TO, TIME, CODE, NOTE)


def said(text, asked=None, language="en", **more):
    found = gather(SLOTS, Heard(text, language, NOW), asked=asked, **more)
    return {name: filled.value for name, filled in found.filled.items()}


def test_several_at_once():
    assert said("A room for 2 people from Dec 1 to Dec 5, we come at 3pm") == {
        "people": 2, "arrival": "2026-12-01", "departure": "2026-12-05", "time": "15:00",
    }  # fmt: skip
    assert said("12月1日入住，12月5日退房，两位", language="zh") == {
        "people": 2, "arrival": "2026-12-01", "departure": "2026-12-05",
    }  # fmt: skip


def test_a_value_goes_to_the_slot_whose_name_stands_beside_it():
    assert said("we are leaving on Friday") == {"departure": "2026-11-27"}
    assert said("we arrive on Friday") == {"arrival": "2026-11-27"}


def test_the_slot_that_is_asked_for_comes_first():
    assert said("Friday", asked=TO) == {"departure": "2026-11-27"}
    assert said("Friday until Sunday", asked=FROM) == {"arrival": "2026-11-27", "departure": "2026-11-22"}


def test_a_bare_number_is_volunteered_only_beside_its_name_or_as_in_an_example():
    assert said("I ordered 3 weeks ago, number 12") == {}
    assert said("there are 3 of us") == {"people": 3}
    assert said("a table for 3 please") == {"people": 3}
    assert said("3", asked=PEOPLE) == {"people": 3}


def test_digits_beside_what_is_counted_are_no_code():
    room = Slot("room", SlotType.PATTERN, pattern=r"\b\d{1,4}\b")
    slots = (room, PEOPLE)

    def heard(text):
        found = gather(slots, Heard(text, "en", NOW))
        return {name: filled.value for name, filled in found.filled.items()}

    assert heard("I want a room for 2 people") == {"people": 2}
    assert heard("room 12 for 3 people") == {"room": "12", "people": 3}
    assert heard("room 12, please") == {"room": "12"}


def test_what_is_not_allowed_is_told_apart_from_what_is_not_understood():
    refused = gather(SLOTS, Heard("table for 40", "en", NOW), asked=PEOPLE)
    assert refused.refused == {"people": (40, "too_high")}
    assert gather(SLOTS, Heard("a few", "en", NOW), asked=PEOPLE).refused == {}


def test_the_first_value_that_is_allowed_is_taken():
    assert said("not 40 but 4", asked=PEOPLE) == {"people": 4}


def test_a_tagger_is_believed_first():
    tagged = (Candidate("departure", "Friday", 0.9), Candidate("people", "six", 0.2), Candidate("none", "we", 0.9))
    assert said("we six from Friday", candidates=tagged) == {"departure": "2026-11-27"}


def test_free_text_is_not_searched_for_other_values():
    assert said("It broke on Friday, 3 people saw it", asked=NOTE) == {"note": "It broke on Friday, 3 people saw it"}


def test_only_what_may_be_volunteered():
    silent = Slot("day", SlotType.DATE, volunteer=False)
    assert gather([silent], Heard("tomorrow", "en", NOW)).filled == {}
    assert said("3 people on Friday", volunteered=["people"]) == {"people": 3}


@pytest.mark.parametrize(
    ("text", "pattern", "value"),
    [
        ("ab 123, next friday", r"[A-Z]{2}\d{3}", "AB123"),
        ("AB 12-3 for next friday", r"[A-Z]{2}\d{3}", "AB123"),
        ("room four eighty three from next friday", r"\b\d{3}\b", "483"),
    ],
)
def test_a_code_that_is_written_apart_leaves_room_for_the_rest(text, pattern, value):
    code = Slot("code", SlotType.PATTERN, pattern=pattern)
    found = gather([code, Slot("day", SlotType.DATE)], Heard(text, "en", NOW), asked=code).filled
    assert (found["code"].value, found["day"].value) == (value, "2026-11-27")
