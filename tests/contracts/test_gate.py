"""The gate: what keeps a version from going live, told from two cards."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kefu.contracts.gate import Limits, judge, mcnemar
from kefu.contracts.model_card import Judged, ModelCard, Slice

COUNTS = st.integers(min_value=0, max_value=200)


def card(right: str = "1" * 90 + "0" * 10, *, slices: dict[str, Slice] | None = None, **fields: object) -> ModelCard:
    made = ModelCard(
        name="m",
        task="classify",
        recipe="head",
        runtime="head",
        serve="head.safetensors",
        labels=("a", "b"),
        metrics={"latency_p95_ms": 4.0, "size_mb": 2.0},
        judged=Judged("test", right, slices or {}),
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def failed(candidate: ModelCard, champion: ModelCard | None = None, limits: Limits | None = None) -> dict[str, str]:
    verdict = judge(candidate, champion, limits)
    assert verdict.passed == all(check.passed for check in verdict.checks)
    return {check.name: check.sentence for check in verdict.checks if not check.passed}


def test_an_equal_version_passes() -> None:
    assert failed(card(), card()) == {}


def test_a_first_version_needs_only_to_be_judged_and_within_budget() -> None:
    assert failed(card()) == {}
    assert set(failed(card(judged=None))) == {"frozen_test"}
    assert set(failed(card(right=""))) == {"frozen_test"}


def test_a_version_that_is_clearly_worse_is_refused() -> None:
    worse = card("1" * 80 + "0" * 20)
    assert failed(worse, card()) == {"frozen_test": "It wins 0 rows of the test and loses 10 (p = 0.001)."}


def test_a_loss_that_may_be_chance_passes() -> None:
    assert failed(card("1" * 87 + "0" * 13), card()) == {}


def test_versions_judged_on_different_tests_cannot_be_compared() -> None:
    for other in (Judged("another", "1" * 100), Judged("test", "1" * 99), None):
        assert set(failed(card(), card(judged=other))) == {"frozen_test"}


def test_a_tagger_may_not_lose_its_spans_where_rows_are_wrong_in_both() -> None:
    def tagger(span_f1: float | None) -> ModelCard:
        found = {"latency_p95_ms": 4.0, "size_mb": 2.0} | ({} if span_f1 is None else {"span_f1": span_f1})
        return card(task="tag", metrics=found)

    assert failed(tagger(0.86), tagger(0.9)) == {}
    assert failed(tagger(0.8), tagger(0.9)) == {"span_f1": "Its span F1 is -10.0 points beside the champion's."}
    assert set(failed(tagger(None), tagger(0.9))) == {"span_f1"}
    assert failed(tagger(None)) == {}


def test_a_slice_that_lost_too_much_is_named() -> None:
    champion = card(slices={"typos": Slice(100, 90), "language zh": Slice(100, 90)})
    candidate = card(slices={"typos": Slice(100, 84), "language zh": Slice(100, 95)})
    assert failed(candidate, champion) == {"slices": "The slice that moved most to the worse is typos: -6.0 points."}
    assert failed(candidate, champion, Limits(slice_drop=0.1)) == {}


def test_a_slice_of_few_rows_does_not_count() -> None:
    champion, candidate = card(slices={"rare": Slice(5, 5)}), card(slices={"rare": Slice(5, 0)})
    assert failed(candidate, champion) == {}


def test_a_version_must_know_every_label_of_the_champion() -> None:
    assert failed(card(labels=("a",)), card()) == {"labels": "It does not know the champion's labels: b."}
    assert failed(card(labels=("a", "b", "c")), card()) == {}


@pytest.mark.parametrize(("name", "value"), [("latency_p95_ms", 51.0), ("size_mb", 251.0)])
def test_budgets_hold_with_and_without_a_champion(name: str, value: float) -> None:
    over = card(metrics={"latency_p95_ms": 4.0, "size_mb": 2.0, name: value})
    assert set(failed(over)) == {name}
    assert set(failed(over, card())) == {name}


def test_a_card_that_does_not_say_its_cost_is_refused() -> None:
    assert set(failed(card(metrics={}))) == {"latency_p95_ms", "size_mb"}


# McNemar


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(0, 0, 1.0), (0, 1, 0.5), (0, 5, 1 / 32), (5, 0, 1.0), (1, 9, 11 / 1024), (3, 7, 176 / 1024)],
)
def test_mcnemar_by_hand(first: int, second: int, expected: float) -> None:
    assert mcnemar(first, second) == pytest.approx(expected)


@given(COUNTS, COUNTS)
def test_mcnemar_is_a_chance(first: int, second: int) -> None:
    assert 0.0 < mcnemar(first, second) <= 1.0


@given(COUNTS, COUNTS)
def test_a_larger_lead_is_less_likely(first: int, second: int) -> None:
    assert mcnemar(first, second + 1) <= mcnemar(first, second)
    assert mcnemar(first + 1, second) >= mcnemar(first, second)


@given(COUNTS, COUNTS)
def test_the_two_sides_share_only_the_tie(first: int, second: int) -> None:
    """P(X >= k) + P(X >= n - k) = 1 + P(X = k) for a fair coin."""
    rows = first + second
    exactly = math.comb(rows, second) / 2**rows
    assert mcnemar(first, second) + mcnemar(second, first) == pytest.approx(1 + exactly)


@given(st.text(alphabet="01", min_size=1, max_size=200))
def test_no_version_is_worse_than_itself(right: str) -> None:
    assert "frozen_test" not in failed(card(right), card(right))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=200))
def test_a_version_right_on_more_rows_is_never_refused_for_it(rows: list[tuple[bool, bool]]) -> None:
    new = "".join("01"[one] for one, _ in rows)
    old = "".join("01"[other] for _, other in rows)
    if new.count("1") >= old.count("1"):
        assert "frozen_test" not in failed(card(new), card(old))


def test_a_generator_may_take_longer_and_weigh_more() -> None:
    metrics = {"latency_p95_ms": 900.0, "size_mb": 900.0}
    assert set(failed(card(metrics=metrics))) == {"latency_p95_ms", "size_mb"}
    assert failed(card(task="generate", runtime="gguf", metrics=metrics)) == {}
    slow = card(task="generate", runtime="gguf", metrics={**metrics, "latency_p95_ms": 20_000.0})
    assert set(failed(slow)) == {"latency_p95_ms"}


def apart(gap: float) -> ModelCard:
    """A version that serves some names worse than others."""
    return card(metrics={"latency_p95_ms": 4.0, "size_mb": 2.0, "parity_gap_names": gap, "parity_gap_language": 0.0})


def test_a_list_of_passages_may_take_longer_than_a_label() -> None:
    def order(latency: float) -> ModelCard:
        return card(task="rerank", labels=(), metrics={"latency_p95_ms": latency, "size_mb": 25.0})

    assert failed(order(200.0)) == {}
    assert set(failed(order(400.0))) == {"latency_p95_ms"}
    assert failed(order(400.0), limits=Limits(order_p95_ms=500.0)) == {}


def test_a_version_that_serves_some_customers_much_worse_is_refused() -> None:
    assert failed(apart(0.05)) == {}
    assert failed(apart(0.3)) == {"parity_gap": "Groups differ most by names: 30.0 points of 20 allowed."}
    assert failed(apart(0.3), limits=Limits(parity_gap=0.4)) == {}


def test_a_gap_that_the_champion_has_as_well_is_no_reason() -> None:
    assert failed(apart(0.3), apart(0.3)) == {}
    assert set(failed(apart(0.35), apart(0.3))) == {"parity_gap"}
