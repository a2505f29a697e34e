"""Decide is a pure and total function of what was understood, found and allowed."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kefu.brain.decide import Decided, choices, decide
from kefu.brain.mood import Mood, Person
from kefu.brain.smalltalk import SmallTalk
from kefu.brain.understand import Intent, Understanding
from kefu.contracts.index import Evidence, Hit, IndexedPassage
from kefu.contracts.turn import INTENT_RULES, Decision, Policy

POLICY = Policy(answer_threshold=0.6, approved_threshold=0.7, clarify_threshold=0.4)
ALL_KINDS = frozenset(Decision)


def faq(name: str, score: float = 0.9) -> Hit:
    return Hit(IndexedPassage(name, "d", "faq.csv", "FAQ", name, 0, 5, "en", (), "faq", (name,), "Answer."), score)


def text(name: str, score: float = 0.9) -> Hit:
    return Hit(IndexedPassage(name, "d", "a.md", "Title", "Some text.", 0, 10, "en", (name,)), score)


def found(confidence: float, *hits: Hit, exact: Hit | None = None) -> Evidence:
    return Evidence("question", "en", hits, confidence, exact)


ASKS = Understanding("en", "question")
TABLE = [
    # meaning, evidence, refusals before, generator at hand -> decision, reason
    (ASKS, found(1.0, faq("a"), exact=faq("a")), 0, False, Decision.APPROVED, "exact_question"),
    (ASKS, found(0.7, faq("a")), 0, False, Decision.APPROVED, "faq_hit"),
    (ASKS, found(0.69, faq("a")), 0, False, Decision.EXTRACTED, "passage_found"),
    (ASKS, found(0.6, text("a")), 0, False, Decision.EXTRACTED, "passage_found"),
    (ASKS, found(0.6, text("a")), 0, True, Decision.EXTRACTED, "passage_found"),
    (ASKS, found(0.5, text("a"), text("b", 0.88)), 0, False, Decision.CLARIFY, "close_choices"),
    (ASKS, found(0.5, text("a"), text("a", 0.88)), 0, False, Decision.REFUSE, "below_threshold"),
    (ASKS, found(0.5, text("a"), text("b", 0.5)), 0, False, Decision.REFUSE, "below_threshold"),
    (ASKS, found(0.39, text("a"), text("b")), 0, False, Decision.REFUSE, "below_threshold"),
    (ASKS, found(0.0), 0, False, Decision.REFUSE, "nothing_found"),
    (ASKS, found(0.0), 1, False, Decision.HAND_OVER, "refused_in_a_row"),
    (Understanding("en", "q", person=Person.WANTED), found(1.0, faq("a")), 0, False, Decision.HAND_OVER,
     "asked_for_person"),
    (Understanding("en", "q", person=Person.ASKED_ABOUT), found(0.9, faq("a")), 0, False, Decision.APPROVED, "faq_hit"),
    (Understanding("en", "q", person=Person.ASKED_ABOUT), found(0.1, faq("a")), 0, False, Decision.HAND_OVER,
     "asked_for_person"),
    (Understanding("en", "q", mood=Mood.ANGRY), found(1.0, faq("a")), 0, False, Decision.HAND_OVER, "anger"),
    (Understanding("en", "q", mood=Mood.COMPLAINT), found(0.9, faq("a")), 0, False, Decision.APPROVED, "faq_hit"),
    (Understanding("en", "q", mood=Mood.COMPLAINT), found(0.1, faq("a")), 0, False, Decision.HAND_OVER, "complaint"),
    (Understanding("en", "q", rule_word="fire"), found(1.0, faq("a")), 0, False, Decision.HAND_OVER, "rule_word"),
    (Understanding("en", "q", forbidden="politics"), found(1.0, faq("a")), 0, False, Decision.REFUSE,
     "forbidden_topic"),
    (Understanding("en", "", small_talk=SmallTalk.THANKS), found(0.0), 0, False, Decision.APPROVED, "small_talk"),
    (Understanding("en", "who are you", small_talk=SmallTalk.IDENTITY), found(0.9, faq("a"), exact=faq("a")), 0, False,
     Decision.APPROVED, "exact_question"),
    (Understanding("en", "who are you", small_talk=SmallTalk.IDENTITY), found(0.9, faq("a")), 0, False,
     Decision.APPROVED, "small_talk"),
    (Understanding("en", "", injection=True), found(0.0), 0, False, Decision.REFUSE, "injection"),
    (Understanding("en", "", injection=True), found(0.0), 5, False, Decision.REFUSE, "injection"),
    (Understanding("en", "", empty=True), found(0.0), 0, False, Decision.CLARIFY, "no_question"),
]  # fmt: skip


@pytest.mark.parametrize(("meaning", "evidence", "refusals", "generator", "decision", "reason"), TABLE)
def test_table(
    meaning: Understanding, evidence: Evidence, refusals: int, generator: bool, decision: Decision, reason: str
) -> None:
    decided = decide(meaning, evidence, POLICY, refusals, can_generate=generator)
    assert (decided.decision, decided.reason) == (decision, reason)


def test_generates_only_where_allowed_and_never_for_an_instruction() -> None:
    allowed = dataclasses.replace(POLICY, kinds=ALL_KINDS)
    evidence = found(0.65, text("a"))
    assert decide(ASKS, evidence, allowed, 0, can_generate=True).decision is Decision.GENERATED
    assert decide(ASKS, evidence, allowed, 0, can_generate=False).decision is Decision.EXTRACTED
    injected = dataclasses.replace(ASKS, injection=True)
    assert decide(injected, evidence, allowed, 0, can_generate=True).decision is Decision.EXTRACTED


def test_without_extracted_answers_a_passage_is_refused() -> None:
    approved_only = dataclasses.replace(POLICY, kinds=frozenset({Decision.APPROVED}))
    assert decide(ASKS, found(0.9, text("a")), approved_only, 0, can_generate=False).decision is Decision.REFUSE


def test_never_hands_over_for_refusals_when_switched_off() -> None:
    patient = dataclasses.replace(POLICY, refusals_before_hand_over=0)
    assert decide(ASKS, found(0.0), patient, 99, can_generate=False).decision is Decision.REFUSE


def test_nobody_is_asked_back_twice() -> None:
    again = dataclasses.replace(ASKS, asked_back=True)
    evidence = found(0.5, text("a"), text("b", 0.88))
    assert decide(again, evidence, POLICY, 0, can_generate=False).decision is Decision.REFUSE


def test_nobody_is_asked_back_about_something_else() -> None:
    evidence = dataclasses.replace(found(0.5, text("a"), text("b", 0.88)), features={"coverage_top3": 0.1})
    assert decide(ASKS, evidence, POLICY, 0, can_generate=False).decision is Decision.REFUSE


def test_choices_stand_apart_from_the_rest_even_where_all_scores_are_close() -> None:
    hits = [text("a", 0.92), text("b", 0.915), text("c", 0.9), text("d", 0.9), text("e", 0.899)]
    assert [hit.passage.id for hit in choices(hits)] == ["a", "b"]


def test_more_than_three_close_hits_are_no_choice() -> None:
    assert choices([text(name) for name in "abcd"]) == ()
    assert [hit.passage.id for hit in choices([text("a"), text("b"), text("c", 0.2)])] == ["a", "b"]


meanings = st.builds(
    Understanding,
    language=st.sampled_from(("en", "zh", "de")),
    question=st.text(max_size=20),
    small_talk=st.none() | st.sampled_from(SmallTalk),
    empty=st.booleans(),
    person=st.sampled_from(Person),
    mood=st.sampled_from(Mood),
    forbidden=st.none() | st.just("topic"),
    rule_word=st.none() | st.just("word"),
    injection=st.booleans(),
    intent=st.none()
    | st.builds(
        Intent,
        label=st.sampled_from(("a", "b")),
        confidence=st.floats(0, 1),
        scope=st.none() | st.floats(-1, 1),
        out_of_scope=st.booleans(),
    ),
    is_upset=st.booleans(),
)
scores = st.floats(0, 1)
hits = st.lists(st.builds(faq, st.text(max_size=3), scores) | st.builds(text, st.text(max_size=3), scores), max_size=5)
policies = st.builds(
    Policy,
    kinds=st.frozensets(st.sampled_from(Decision)),
    answer_threshold=scores,
    approved_threshold=scores,
    clarify_threshold=scores,
    refusals_before_hand_over=st.integers(0, 5),
    intent_rules=st.dictionaries(st.sampled_from(("a", "b")), st.sampled_from(INTENT_RULES)),
)


@given(meanings, hits, scores, policies, st.integers(0, 9), st.booleans())
def test_pure_and_total(
    meaning: Understanding, some: list[Hit], confidence: float, policy: Policy, refusals: int, generator: bool
) -> None:
    evidence = found(confidence, *some)
    first = decide(meaning, evidence, policy, refusals, can_generate=generator)
    assert first == decide(meaning, evidence, policy, refusals, can_generate=generator)
    _is_sound(first, policy, generator)


@given(meanings, hits, scores, policies, st.integers(0, 9), st.booleans())
def test_a_model_alone_never_makes_an_answer_of_what_search_did_not_find(
    meaning: Understanding, some: list[Hit], confidence: float, policy: Policy, refusals: int, generator: bool
) -> None:
    policy = dataclasses.replace(policy, intent_rules={})
    with_models = decide(meaning, found(confidence, *some), policy, refusals, can_generate=generator)
    by_rules = dataclasses.replace(meaning, intent=None, is_upset=False)
    without = decide(by_rules, found(confidence, *some), policy, refusals, can_generate=generator)
    if with_models.hits:
        assert without == with_models


def test_what_looks_like_nothing_the_model_knows_must_be_found_more_surely() -> None:
    strange = dataclasses.replace(ASKS, intent=Intent("a", 0.3, scope=-0.1, out_of_scope=True))
    assert decide(ASKS, found(0.7, faq("a")), POLICY, 0, can_generate=False).reason == "faq_hit"
    for sure, text_hit in ((0.62, text("a")), (0.64, faq("a")), (0.5, text("a"))):
        refused = decide(strange, found(sure, text_hit, text("b")), POLICY, 0, can_generate=False)
        assert (refused.decision, refused.reason) == (Decision.REFUSE, "out_of_scope")
    assert decide(strange, found(0.76, faq("a")), POLICY, 0, can_generate=False).reason == "faq_hit"


def test_an_exact_question_is_answered_whatever_a_model_says() -> None:
    ruled = dataclasses.replace(POLICY, intent_rules={"a": "hand_over"})
    certain = dataclasses.replace(ASKS, intent=Intent("a", 0.99, scope=0.5))
    exact = found(1.0, faq("a"), exact=faq("a"))
    assert decide(certain, exact, ruled, 0, can_generate=False).reason == "exact_question"
    assert decide(certain, found(0.9, faq("a")), ruled, 0, can_generate=False).reason == "intent"


def _is_sound(decided: Decided, policy: Policy, generator: bool) -> None:
    if decided.text is None:
        assert decided.decision in policy.kinds or decided.decision is Decision.CLARIFY
        assert decided.hits
    if decided.decision is Decision.GENERATED:
        assert generator
    if decided.decision in (Decision.REFUSE, Decision.HAND_OVER):
        assert decided.text is not None


def test_a_complaint_that_a_model_hears_as_anger_may_start_the_company_s_own_flow() -> None:
    from dataclasses import replace

    from kefu.brain.decide import before_all, before_flows, may_start
    from kefu.brain.mood import Mood
    from kefu.brain.understand import understand

    policy = Policy()
    upset = replace(understand("I want to make a complaint", "en", (), policy), is_upset=True)
    assert before_all(upset, policy) is not None
    assert before_flows(upset, policy) is None
    assert may_start(upset, None, policy)
    angry = replace(upset, mood=Mood.ANGRY)
    assert before_flows(angry, policy) is not None
    assert not may_start(angry, None, policy)
