"""One thing said in many ways: names, in small letters, too, beside other words, and of others."""

from datetime import UTC, datetime

import pytest

from kefu.brain.hear import hear
from kefu.brain.slots.contact_details import names
from kefu.brain.slots.gather import gather
from kefu.brain.slots.numbers import numbers
from kefu.brain.slots.patterns import patterned
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


@pytest.mark.parametrize(
    "text",
    [
        "Alright, that's right.", "That sounds right. Also, I'm a vegetarian.", "This is perfect. Does it open late?",
        "That would be fine.", "Approved. How long will it take?", "Hi, yes, do", "um, yes please", "okay, sure",
        "I do", "not a problem", "no worries", "yes it is", "不错", "当然可以", "好滴", "嗯，对",
    ],
)  # fmt: skip
def test_a_yes_in_other_words(text: str) -> None:
    assert yes_or_no(text) is True


@pytest.mark.parametrize(
    "text",
    [
        "Okay, no, thank you.", "Sure. No.", "it is not", "I do not think so", "I am not", "these are wrong",
        "That won't work for me.", "Well, that is all", "I'd rather not", "好像不对", "先不了", "不太行",
    ],
)  # fmt: skip
def test_a_no_in_other_words(text: str) -> None:
    assert yes_or_no(text) is False


@pytest.mark.parametrize(
    "text",
    [
        "right now I live in Leeds", "good morning", "correct the date please", "I would like to change the date",
        "it is tomorrow", "not sure", "I am Ann", "don't worry",
        "对不起，我说错了", "是不是要带证件", "可以吗", "没收到", "不知道",
    ],
)  # fmt: skip
def test_what_only_begins_like_a_yes_or_a_no(text: str) -> None:
    assert yes_or_no(text) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Alright, Ben", "Ben"),
        ("Um, hi, Ben here", "Ben"),
        ("Cooper and my pet's name is <NAME_1>.", "Cooper"),
        ("Ben This blog is awesome", "Ben"),
        ("Okay. It's Mark again", "Mark"),
    ],
)
def test_a_name_after_words_that_say_nothing_or_before_more(text: str, told: str) -> None:
    assert told in [each.value for each in names(text, asked=True)]


@pytest.mark.parametrize("text", ["Alright", "Okay, thanks", "It's ID 280", "so, well"])
def test_what_is_no_name(text: str) -> None:
    assert names(text, asked=True) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("four one way tickets", [4, 1]),
        ("room four eighty three", [483]),
        ("four eight three", [483]),
        ("one million two hundred thousand", [1_200_000]),
        ("two hundred and five", [205]),
    ],
)
def test_numbers_as_they_are_built_and_read_out(text: str, told: list[int]) -> None:
    assert [each.value for each in numbers(text, asked=True)] == told
    assert patterned(r"\b483\b", text, asked=True)[:1] != [] or 483 not in told
