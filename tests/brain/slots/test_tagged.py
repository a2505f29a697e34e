"""What a tagger found beside what rules read, and names that are none."""

from datetime import UTC, datetime

import pytest

from kefu.brain.slots.contact_details import names
from kefu.brain.slots.gather import gather
from kefu.brain.slots.readings import Heard
from kefu.contracts.flow import Slot, SlotType
from kefu.contracts.flow_state import Candidate

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
DAY = Slot("day", SlotType.PATTERN, pattern=r"\b\d{1,2}\b", volunteer=True)
NAME = Slot("name", SlotType.NAME)
WISH = Slot("wish", SlotType.TEXT)


def test_a_span_is_not_mistaken_for_a_part_of_a_placeholder() -> None:
    text = "I'm <NAME_1>, from May 1 on"
    found = gather(
        [NAME, DAY], Heard(text, "en", NOW), candidates=[Candidate("name", "<NAME_1>"), Candidate("day", "1")]
    )
    assert found.filled["name"].value == "<NAME_1>"
    assert (found.filled["day"].value, found.filled["day"].start) == ("1", text.index("May 1") + 4)


def test_free_text_is_the_whole_answer_whatever_a_tagger_finds_in_it() -> None:
    heard = Heard("make it the 23 instead, please", "en", NOW)
    found = gather([DAY, WISH], heard, asked=WISH, candidates=[Candidate("day", "23")])
    assert found.filled["day"].value == "23"
    assert found.filled["wish"].value == "make it the 23 instead"


@pytest.mark.parametrize("text", ["I need my instructions", "Book me a flight", "Please do", "Actually, the other one"])
def test_what_says_something_is_no_name(text: str) -> None:
    assert names(text, asked=True) == []


@pytest.mark.parametrize(
    ("text", "name"), [("Ben. Nice day!", "Ben"), ("It's Ada Lovelace", "Ada Lovelace"), ("王小明", "王小明")]
)
def test_names_stay_names(text: str, name: str) -> None:
    assert [each.value for each in names(text, asked=True)] == [name]


@pytest.mark.parametrize(
    ("text", "name"),
    [("Sanchez was her maiden name", "Sanchez"), ("it was Wong", "Wong"), ("the wind calls me Ben", "Ben")],
)
def test_names_said_the_other_way_round(text: str, name: str) -> None:
    assert [each.value for each in names(text, asked=True)] == [name]


@pytest.mark.parametrize("text", ["Yup!", "Checking balance", "farewell", "ty"])
def test_an_agreement_a_wish_and_a_goodbye_are_no_names(text: str) -> None:
    assert names(text, asked=True) == []


def test_a_name_after_a_booking_is_volunteered() -> None:
    assert [each.value for each in names("Reservation for mark at the old town inn")] == ["mark"]
    assert names("the booking under review") == []


def test_what_is_wholly_the_answer_does_not_change_what_is_known() -> None:
    doctor = Slot("doctor", SlotType.PATTERN, pattern=r"<NAME_\d+>")
    found = gather(
        [NAME, doctor],
        Heard("<NAME_2>", "en", NOW),
        asked=doctor,
        candidates=[Candidate("name", "<NAME_2>", 0.9)],
        present={"name": "<NAME_1>"},
    )
    assert {slot: each.value for slot, each in found.filled.items()} == {"doctor": "<NAME_2>"}


def test_a_story_keeps_what_is_said_in_it_and_its_time_is_heard() -> None:
    time, story = Slot("time", SlotType.TIME), Slot("story", SlotType.TEXT)
    text = "I need more pillows at 7 pm"
    found = gather(
        [time, story], Heard(text, "en", NOW), candidates=[Candidate("time", "7 pm"), Candidate("story", text, 0.9)]
    )
    assert (found.filled["time"].value, found.filled["story"].value) == ("19:00", text)
