"""Who gets what: rules, round-robin, limits and places, over any crew. Pure."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kefu.desk.inbox.routing import Candidate, Case, Rule, choose, has, speaks, team_for, worth_telling

SKILLS = ("billing", "returns", "vip")
LANGUAGES = ("en", "zh", "fr")

candidates = st.lists(
    st.builds(
        Candidate,
        st.sampled_from([f"mem_{number}" for number in range(8)]),
        skills=st.frozensets(st.sampled_from(SKILLS)),
        languages=st.frozensets(st.sampled_from(LANGUAGES)),
        load=st.integers(0, 4),
        limit=st.integers(0, 4),
        is_available=st.booleans(),
        last_offer=st.none() | st.integers(0, 100),
    ),
    max_size=8,
    unique_by=lambda each: each.member_id,
)
METHODS = st.sampled_from(["round_robin", "least_busy"])


@given(
    METHODS, candidates, st.sampled_from(LANGUAGES), st.frozensets(st.sampled_from(SKILLS)), st.sets(st.just("mem_1"))
)
def test_who_is_chosen_is_there_able_and_has_room(
    method: str, crew: list[Candidate], language: str, skills: frozenset[str], passed: set[str]
) -> None:
    chosen = choose(method, crew, language=language, skills=skills, passed=passed)
    able = [each for each in crew if skills <= each.skills]
    speaking = [each for each in able if speaks(each.languages, language)] or able
    fit = [each for each in speaking if each.is_available and each.has_room and each.member_id not in passed]
    assert (chosen in fit) if fit else chosen is None
    if chosen is not None and method == "least_busy":
        assert chosen.load == min(each.load for each in fit)


@given(candidates)
def test_by_hand_nobody_is_chosen(crew: list[Candidate]) -> None:
    assert choose("manual", crew) is None


@settings(max_examples=50)
@given(METHODS, candidates, st.integers(1, 60))
def test_limits_are_never_passed_and_turns_are_fair(method: str, crew: list[Candidate], customers: int) -> None:
    now = [replace(each, languages=frozenset(), last_offer=None) for each in crew]
    given_to: Counter[str] = Counter()
    for moment in range(customers):
        chosen = choose(method, now)
        if chosen is None:
            break
        given_to[chosen.member_id] += 1
        now = [
            replace(each, load=each.load + 1, last_offer=moment) if each.member_id == chosen.member_id else each
            for each in now
        ]
    assert all(
        each.limit == 0 or each.load <= max(each.limit, before.load) for each, before in zip(now, crew, strict=True)
    )
    for each in now:
        for other in now:
            # Of two who are there all the time, who got fewer had no room.
            if method == "round_robin" and each.is_available and other.is_available and each.has_room:
                assert given_to[each.member_id] >= given_to[other.member_id] - 1


def test_turns_go_round() -> None:
    crew = [Candidate("a", last_offer=3), Candidate("b", last_offer=1), Candidate("c")]
    assert [choose("round_robin", crew, passed=passed) for passed in ([], ["c"], ["c", "b"], ["a", "b", "c"])] == [
        crew[2],
        crew[1],
        crew[0],
        None,
    ]


def test_where_nobody_speaks_it_the_language_does_not_count_but_who_is_away_does() -> None:
    english = Candidate("a", languages=frozenset({"en"}))
    french_away = Candidate("b", languages=frozenset({"fr"}), is_available=False)
    assert choose("round_robin", [english], language="fr") == english
    assert choose("round_robin", [english, french_away], language="fr") is None  # she comes back
    assert choose("round_robin", [Candidate("c", languages=frozenset({"zh"}))], language="zh-TW") is not None


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (Rule("t"), True),
        (Rule("t", channels=("web",)), True),
        (Rule("t", channels=("mail",)), False),
        (Rule("t", languages=("zh",)), True),
        (Rule("t", languages=("en",)), False),
        (Rule("t", intents=("refund", "delivery")), True),
        (Rule("t", intents=("delivery",)), False),
        (Rule("t", labels=("vip", "new")), True),
        (Rule("t", labels=("new",)), False),
        (Rule("t", contact={"plan": "Gold"}), True),
        (Rule("t", contact={"plan": "gold", "city": "Xi'an"}), False),
        (Rule("t", channels=("web",), labels=("new",)), False),
    ],
    ids=lambda value: None if isinstance(value, Rule) else str(value),
)
def test_a_rule_fits_when_all_that_it_names_does(rule: Rule, fits: bool) -> None:
    case = Case("web", "zh-CN", "refund", frozenset({"vip"}), {"plan": "gold"})
    assert rule.fits(case) is fits


def test_the_first_rule_counts_whose_team_is_there_and_speaks_the_language() -> None:
    rules = [Rule("gone"), Rule("english"), Rule("all", skills=("billing",)), Rule("last")]
    served = {"english": ["en"], "all": [], "last": []}
    assert team_for(Case(language="zh"), rules, served) == rules[2]
    assert team_for(Case(language="en"), rules, served) == rules[1]
    assert team_for(Case(), [], served) is None


def test_attributes_are_compared_as_they_are_written() -> None:
    assert has({"vip": True, "orders": 5}, {"vip": "true", "orders": "5"})
    assert not has({}, {"vip": ""})


@given(st.integers(1, 300), st.integers(1, 300))
def test_a_customer_hears_of_their_place_when_it_matters(told: int, place: int) -> None:
    assert worth_telling(None, place)
    assert not worth_telling(place, place)
    if place <= 5 and told != place:
        assert worth_telling(told, place)
    if place > 5 and abs(told - place) * 5 < told:
        assert not worth_telling(told, place)
