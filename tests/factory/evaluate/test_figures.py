"""What is counted, against figures by hand and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, log_loss, roc_auc_score

from kefu.factory.evaluate import metrics
from kefu.factory.evaluate.paired import accuracy_interval, paired

LABELS = st.sampled_from("abcd")
PAIRS = st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=60)
# Few values, so that ties are common.
SCOPES = st.lists(st.integers(0, 8).map(lambda number: number / 8), min_size=1, max_size=40)


@given(PAIRS)
def test_macro_f1_is_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    truth, said = [one for one, _ in pairs], [other for _, other in pairs]
    found = metrics.macro_f1(metrics.per_label(truth, said))
    assert found == pytest.approx(f1_score(truth, said, average="macro", zero_division=0))


def test_per_label_by_hand() -> None:
    found = metrics.per_label(["a", "a", "a", "b"], ["a", "a", "b", "c"])
    assert found["a"] == metrics.LabelFigures(1.0, pytest.approx(2 / 3), pytest.approx(0.8), 3)
    assert found["b"] == metrics.LabelFigures(0.0, 0.0, 0.0, 1)
    assert found["c"] == metrics.LabelFigures(0.0, 0.0, 0.0, 0)


@given(SCOPES, SCOPES)
def test_auroc_is_scikit_learns_with_ties(inside: list[float], outside: list[float]) -> None:
    found = metrics.scope_figures(*(np.array(each, np.float32) for each in (inside, outside)), np.array([True]))
    expected = roc_auc_score([1] * len(inside) + [0] * len(outside), inside + outside)
    assert found.auroc == pytest.approx(expected)
    assert 0.0 <= found.fpr95 <= 1.0
    assert found.curve[0] == (0.0, 0.0)
    assert found.curve[-1] == (1.0, 1.0)


def test_what_is_let_in_where_95_percent_in_scope_are() -> None:
    inside = np.arange(100, dtype=np.float32) / 100  # a threshold of 0.05 rejects five
    outside = np.array([0.0, 0.01, 0.02, 0.03, 0.5], np.float32)
    found = metrics.scope_figures(inside, outside, np.array([True, False, False, False, False]))
    assert found.fpr95 == pytest.approx(0.2)
    assert found.recall == pytest.approx(0.2)


def test_a_scope_that_says_nothing_is_worth_a_coin() -> None:
    same = np.full(10, 0.5, np.float32)
    found = metrics.scope_figures(same, same, np.zeros(10, np.bool_))
    assert (found.auroc, found.fpr95, found.recall) == (0.5, 1.0, 0.0)


def test_calibration_error_by_hand() -> None:
    confidence = np.array([0.9, 0.9, 0.9, 0.9, 0.5, 0.5], np.float32)
    right = np.array([True, True, True, False, True, False])
    bins = metrics.reliability(confidence, right)
    assert len(bins) == metrics.BINS
    assert metrics.calibration_error(bins) == pytest.approx((4 * 0.15 + 2 * 0.0) / 6, abs=1e-6)


def test_full_confidence_belongs_to_the_last_bin() -> None:
    bins = metrics.reliability(np.ones(3, np.float32), np.array([True, True, True]))
    assert (bins[-1].rows, bins[-1].accuracy) == (3, 1.0)


def test_loss_and_brier_by_hand() -> None:
    shares = np.array([[0.8, 0.2], [0.4, 0.6]], np.float32)
    truth = np.array([0, 0])
    assert metrics.log_loss(shares, truth) == pytest.approx(log_loss([0, 0], shares, labels=[0, 1]))
    assert metrics.brier(shares, truth) == pytest.approx((0.04 + 0.04 + 0.36 + 0.36) / 2)


def test_a_label_that_the_model_does_not_have_is_all_wrong() -> None:
    shares = np.array([[1.0, 0.0]], np.float32)
    assert metrics.log_loss(shares, np.array([-1])) is None
    assert metrics.brier(shares, np.array([-1])) == pytest.approx(2.0)


def test_the_most_frequent_mistakes_come_first() -> None:
    truth, said = list("aaabbc"), list("bbacab")
    found = metrics.confusions(truth, said, most=2)
    assert [(each.truth, each.predicted, each.rows) for each in found] == [("a", "b", 2), ("b", "a", 1)]
    assert found[0].share == pytest.approx(2 / 3)


def test_figures_of_numbers_by_hand() -> None:
    found = metrics.score_figures(np.array([0.5, -0.5, 0.0], np.float32), np.array([1.0, -1.0, 0.0], np.float32))
    assert found == {"mse": pytest.approx(1 / 6), "mae": pytest.approx(1 / 3), "pearson": pytest.approx(1.0)}
    assert metrics.score_figures(np.zeros(2, np.float32), np.ones(2, np.float32))["pearson"] == 0.0


# two models on the same rows


def flags(written: str) -> np.ndarray:
    return np.array([each == "1" for each in written])


def test_a_clear_lead_is_called_better() -> None:
    found = paired("linear", flags("1" * 90 + "0" * 10), flags("1" * 70 + "0" * 30))
    assert (found.wins, found.losses) == (20, 0)
    assert found.difference == pytest.approx(0.2)
    assert 0.1 < found.low < 0.2 < found.high < 0.3
    assert found.p == pytest.approx(2**-20)
    assert found.sentence.startswith("Better than linear: +20.0 points, 95% from +1")


def test_a_lead_of_chance_is_not() -> None:
    found = paired("linear", flags("110" * 5), flags("101" * 5))
    assert found.sentence.startswith("Not told apart from linear: +0.0 points")
    assert paired("x", flags("0" * 10), flags("1" * 10)).sentence.startswith("Worse than x: -100.0 points")


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=100))
def test_swapping_the_models_swaps_the_signs(rows: list[tuple[bool, bool]]) -> None:
    one, other = np.array([a for a, _ in rows]), np.array([b for _, b in rows])
    ahead, behind = paired("m", one, other), paired("m", other, one)
    assert ahead.difference == pytest.approx(-behind.difference)
    assert ahead.p == behind.p
    assert ahead.low - 1e-9 <= ahead.difference <= ahead.high + 1e-9


def test_intervals_are_the_same_each_time_and_as_wide_as_theory_says() -> None:
    right = flags("1" * 900 + "0" * 100)
    low, high = accuracy_interval(right)
    assert (low, high) == accuracy_interval(right)
    assert high - low == pytest.approx(2 * 1.96 * (0.9 * 0.1 / 1000) ** 0.5, rel=0.1)
