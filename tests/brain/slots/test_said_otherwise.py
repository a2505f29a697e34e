"""One thing said in many ways: names, in small letters, too, beside other words, and of others."""

from datetime import UTC, datetime

import pytest

from kefu.brain.hear import hear
from kefu.brain.slots.gather import gather
from kefu.brain.slots.phrases import yes_or_no
from kefu.brain.slots.readings import Heard
from kefu.contracts.flow import Slot, SlotType
from kefu.knowledge.masking import mask
from kefu.knowledge.masking.placeholders import unmask

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def name_in(text: str, *, asked: bool) -> str | None:
    """The name that a customer's message gives, masked before as every message is."""
    masked = mask(hear(text, "en", "en").text, "en", {})
    slot = Slot("name", SlotType.NAME)
    filled = gather([slot], Heard(masked.text, "en", NOW), asked=slot if asked else None).filled.get("name")
    return unmask(str(filled.value), masked.placeholders).lower() if filled is not None else None


@pytest.mark.parametrize(
    "written",
    [
        "{}",
        "{}.",
        "{}!!",
        "it's {}",
        "its {}",
        "{} here",
        "this is {}",
        "my names {}",
        "the name's {}",
        "hi, {} speaking",
        "ok so it's {}",
        "yeah {}",
        "No, {}",
        "it's me, {}",
        "under {}",
        "call me {}",
        "I said {}",
        "Please use {}",
        "book it for {}",
        "{} need a flight",
        "{}, hurry up",
        "{} 716",
        "{}. What else?",
    ],
)
@pytest.mark.parametrize("name", ["ben", "Ben", "Angela", "angela"])  # fmt: skip
def test_a_name_that_was_asked_for_is_found_however_it_is_said(written: str, name: str) -> None:
    assert name_in(written.format(name), asked=True) == name.lower()


@pytest.mark.parametrize(
    "written",
    [
        "my name is {}",
        "hey, this is {}, I need help",
        "hi, {} here",
        "Hello I'm {} reserve a room",
        "my names {} and my AC is broken",
        "name: {}",
    ],
)
@pytest.mark.parametrize("name", ["ben", "Ben", "mark", "John Smith", "sarah brown"])  # fmt: skip
def test_who_introduces_himself_is_not_asked(written: str, name: str) -> None:
    assert (name_in(written.format(name), asked=False) or "").startswith(name.lower().split()[0])


@pytest.mark.parametrize("text", ["never mind", "I'm rich", "hello?", "what?", "Why do you need my name?", "flight 312",
    "ok", "I don't want to tell you", "I need a flight. Pronto.", "Check 472", "OMG, $500 is missing"])  # fmt: skip
def test_what_is_no_name_is_not_taken_for_one(text: str) -> None:
    assert name_in(text, asked=False) is None
    assert text == "I'm rich" or name_in(text, asked=True) is None


def test_a_surname_in_small_letters_belongs_to_the_name() -> None:
    assert name_in("my name is sarah brown but I forgot the rest", asked=True) == "sarah brown"


@pytest.mark.parametrize("text", ["Ben. Dr. Morgan gave me the pills", "my doctor Morgan said so. I'm Ben"])
def test_a_doctor_is_not_who_speaks(text: str) -> None:
    assert name_in(text, asked=True) == "ben"


@pytest.mark.parametrize("text", ["Geeze, okay, repetitive much?", "oh wow, yes", "ugh, fine", "jeez, sure"])
def test_an_outcry_before_yes_is_no_hindrance(text: str) -> None:
    assert yes_or_no(text) is True
