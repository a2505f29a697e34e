"""When a person takes over, and when one is offered."""

import pytest

from kefu.brain.handoff import TEXTS, offers_person, reason, reason_instead_of_refusing
from kefu.brain.mood import Mood, Person
from kefu.brain.texts import BUILT_IN
from kefu.brain.understand import Understanding
from kefu.contracts.turn import Decision, Policy

POLICY = Policy()


@pytest.mark.parametrize(
    ("meaning", "expected"),
    [
        (Understanding("en", "q", person=Person.WANTED, mood=Mood.ANGRY), "asked_for_person"),
        (Understanding("en", "q", rule_word="fire", mood=Mood.ANGRY), "rule_word"),
        (Understanding("en", "q", mood=Mood.ANGRY), "anger"),
        (Understanding("en", "q", mood=Mood.COMPLAINT), None),
        (Understanding("en", "q", person=Person.ASKED_ABOUT), None),
        (Understanding("en", "q"), None),
    ],
)
def test_reasons_before_anything_is_looked_up(meaning: Understanding, expected: str | None) -> None:
    assert reason(meaning, POLICY) == expected


@pytest.mark.parametrize(
    ("before", "limit", "hands_over"), [(0, 2, False), (1, 2, True), (2, 2, True), (0, 1, True), (9, 0, False)]
)
def test_refusals_in_a_row(before: int, limit: int, hands_over: bool) -> None:
    policy = Policy(refusals_before_hand_over=limit)
    assert (reason_instead_of_refusing(Understanding("en", "q"), policy, before) is not None) == hands_over


def test_a_person_is_offered_with_refusals_and_to_those_who_complain() -> None:
    calm, unhappy = Understanding("en", "q"), Understanding("en", "q", mood=Mood.COMPLAINT)
    assert offers_person(Decision.REFUSE, calm)
    assert not offers_person(Decision.APPROVED, calm)
    assert offers_person(Decision.APPROVED, unhappy)
    assert not offers_person(Decision.HAND_OVER, unhappy)


def test_every_reason_has_its_words_in_both_languages_and_no_text_holds_a_figure() -> None:
    for texts in BUILT_IN.values():
        assert set(TEXTS.values()) <= set(texts)
        assert not any(char.isdigit() for text in texts.values() for char in text)
    assert BUILT_IN["en"].keys() == BUILT_IN["zh"].keys()
