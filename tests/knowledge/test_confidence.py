import math

import pytest

from kefu.knowledge.confidence import FEATURES, Found, calibration, default_thresholds, features


def found(**changes: object) -> Found:
    """A question of which everything stands in the first hit."""
    values: dict[str, object] = {
        "terms": {"refund": 2.0, "card": 2.0},
        "seen": frozenset({"refund", "card"}),
        "held": [frozenset({"refund", "card"}), frozenset({"card"}), frozenset()],
        "cosines": [0.8, 0.4, 0.3],
        "scores": [0.8, 0.4, 0.3],
        "question_cosine": 0.0,
        "keyword_scores": [0.5, 0.2, 0.0],
        "crowd": 0.2,
        "keyword_crowd": 0.1,
        "agreement": True,
        "is_entry": False,
    }
    return Found(**{**values, **changes})


def figures(question: str = "refund card", text: str = "refund to your card", **changes: object) -> dict[str, float]:
    return features(question, text, found(**changes))


def test_every_feature_is_given_and_finite() -> None:
    assert set(figures()) == set(FEATURES)
    assert all(math.isfinite(value) for value in figures().values())


def test_a_question_without_terms_has_features_too() -> None:
    nothing = figures("?", terms={}, seen=frozenset(), held=[frozenset()], keyword_scores=[0.0], cosines=[0])
    assert all(math.isfinite(value) for value in nothing.values())


def test_words_that_no_passage_has_are_counted_by_their_rarity() -> None:
    terms = {"refund": 1.0, "helicopter": 3.0}
    assert figures(terms=terms, seen=frozenset({"refund"}), held=[frozenset({"refund"})])["unseen"] == 0.75


def test_numbers_of_the_question_that_the_passage_lacks_are_counted() -> None:
    assert figures("free from 99 or 199 yuan?", "free from 99 yuan")["numbers_missing"] == 0.5
    assert figures("free delivery?", "free from 99 yuan")["numbers_missing"] == 0


@pytest.mark.parametrize("language", ["en", "zh", "fr"])
def test_good_evidence_is_believed_more_than_bad(language: str) -> None:
    judge = calibration(language)
    # Cosines of MiniLM lie wide apart, those of e5 between 0.75 and 0.95.
    near = {"cosines": [0.95, 0.5, 0.4]} if language == "en" else {"cosines": [0.92, 0.83, 0.8], "crowd": 0.8}
    good = judge.probability(figures(**near))
    bad = judge.probability(
        figures(
            cosines=[0.75 if language != "en" else 0.2] * 3,
            crowd=0.74 if language != "en" else 0.19,
            scores=[0.6, 0.6, 0.6],
            keyword_scores=[0.2, 0.2, 0.2],
            held=[frozenset()] * 3,
            seen=frozenset(),
            keyword_crowd=0.2,
            agreement=False,
        )
    )
    assert 0 < bad < 0.3 < 0.6 < good < 1


def test_thresholds_stand_in_order() -> None:
    thresholds = default_thresholds()
    assert 0 < thresholds.clarify < thresholds.answer <= thresholds.approved < 1
