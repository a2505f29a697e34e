"""The gate: whether a version may go live, told from two cards alone."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from kefu.contracts.model_card import ModelCard, Slice

_GAP = "parity_gap_"


@dataclass(frozen=True)
class Limits:
    """What a version must keep.

    `p_value`: below it the champion's lead on the frozen test is no chance (exact McNemar, one-sided). A slice of at
    least `slice_rows` rows may lose `slice_drop` of its accuracy, a tagger that of its span F1; smaller slices jump by
    chance. Between the customers who are served best and those who are served worst there may be `parity_gap` of
    accuracy, or as much as the champion has. A turn waits for a label up to `latency_p95_ms`, for a generator's whole
    answer up to `answer_p95_ms`, a list of passages in a new order up to `order_p95_ms`.
    """

    p_value: float = 0.05
    slice_drop: float = 0.05
    slice_rows: int = 20
    parity_gap: float = 0.2
    latency_p95_ms: float = 50.0
    size_mb: float = 250.0
    answer_p95_ms: float = 10_000.0
    order_p95_ms: float = 300.0
    generator_mb: float = 4_000.0


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, with a sentence for people."""

    name: str
    passed: bool
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """Every check; a version passes when all do."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


def judge(candidate: ModelCard, champion: ModelCard | None, limits: Limits | None = None) -> Verdict:
    """Compare a version with the one that is live, or with nothing but the budgets where none is."""
    limits = limits or Limits()
    writes = candidate.task == "generate"
    checks = [
        _within("latency_p95_ms", "ms", candidate, _longest(candidate, limits)),
        _within("size_mb", "MB", candidate, limits.generator_mb if writes else limits.size_mb),
    ]
    if gaps := _gaps(candidate):
        checks.append(_parity(gaps, _gaps(champion) if champion is not None else {}, limits))
    if champion is None:
        checks.insert(0, _judged_at_all(candidate))
    else:
        checks = [_labels(candidate, champion), *_against(candidate, champion, limits), *checks]
    return Verdict(tuple(checks))


def _longest(candidate: ModelCard, limits: Limits) -> float:
    """The milliseconds that a turn waits for what the model does."""
    slow = {"generate": limits.answer_p95_ms, "rerank": limits.order_p95_ms}
    return slow.get(candidate.task, limits.latency_p95_ms)


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact chance that the second leads by at least this much if both were equally good (one-sided).

    `only_first` and `only_second` count the rows that just one of them has right. McNemar 1947, exact binomial form.
    """
    rows = only_first + only_second
    if rows == 0:
        return 1.0
    return sum(math.comb(rows, k) for k in range(only_second, rows + 1)) / int(2**rows)


def _judged_at_all(candidate: ModelCard) -> Check:
    judged = candidate.judged is not None and bool(candidate.judged.right)
    return Check("frozen_test", judged, "It was judged on test data." if judged else "It was never judged on a test.")


def _labels(candidate: ModelCard, champion: ModelCard) -> Check:
    lost = sorted(set(champion.labels) - set(candidate.labels))
    if not lost:
        return Check("labels", True, "It knows every label of the champion.")
    return Check("labels", False, f"It does not know the champion's labels: {', '.join(lost[:5])}.")


def _against(candidate: ModelCard, champion: ModelCard, limits: Limits) -> list[Check]:
    new, old = candidate.judged, champion.judged
    if new is None or old is None or new.data_sha256 != old.data_sha256 or len(new.right) != len(old.right):
        return [Check("frozen_test", False, "The two were not judged on the same test; judge both on it first.")]
    pairs = list(zip(new.right, old.right, strict=True))
    won, lost = pairs.count(("1", "0")), pairs.count(("0", "1"))
    p_value = mcnemar(won, lost)
    worse = lost > won and p_value < limits.p_value
    sentence = f"It wins {won} rows of the test and loses {lost} (p = {p_value:.3f})."
    checks = [Check("frozen_test", not worse, sentence), _slices(new.slices, old.slices, limits)]
    return [*checks, _span_f1(candidate, champion, limits)] if candidate.task == "tag" else checks


def _span_f1(candidate: ModelCard, champion: ModelCard, limits: Limits) -> Check:
    """A row of a tagger is right when all its slots are; span F1 tells besides how wrong the others are."""
    new, old = (card.metrics.get("span_f1") for card in (candidate, champion))
    if new is None or old is None:
        return Check("span_f1", False, "A card does not say span_f1; judge both on the test first.")
    sentence = f"Its span F1 is {100 * (new - old):+.1f} points beside the champion's."
    return Check("span_f1", new >= old - limits.slice_drop, sentence)


def _slices(new: Mapping[str, Slice], old: Mapping[str, Slice], limits: Limits) -> Check:
    drops = {
        name: old[name].accuracy - new[name].accuracy
        for name in new.keys() & old.keys()
        if min(new[name].rows, old[name].rows) >= limits.slice_rows
    }
    name = max(drops, key=lambda each: drops[each], default=None)
    if name is None:
        return Check("slices", True, "No slice is large enough to compare.")
    sentence = f"The slice that moved most to the worse is {name}: {-100 * drops[name]:+.1f} points."
    return Check("slices", drops[name] <= limits.slice_drop, sentence)


def _gaps(card: ModelCard) -> dict[str, float]:
    """Differences in accuracy between groups, by what sets them apart: language, names, customers, dialect."""
    return {name.removeprefix(_GAP): value for name, value in card.metrics.items() if name.startswith(_GAP)}


def _parity(new: Mapping[str, float], old: Mapping[str, float], limits: Limits) -> Check:
    over = {name: gap - max(limits.parity_gap, old.get(name, 0.0)) for name, gap in new.items()}
    name = max(over, key=lambda each: (over[each], each))
    sentence = f"Groups differ most by {name}: {100 * new[name]:.1f} points of {100 * limits.parity_gap:g} allowed."
    return Check("parity_gap", over[name] <= 0, sentence)


def _within(metric: str, unit: str, candidate: ModelCard, most: float) -> Check:
    value = candidate.metrics.get(metric)
    if value is None:
        return Check(metric, False, f"Its card does not say {metric}.")
    return Check(
        metric, value <= most, f"{metric.partition('_')[0].capitalize()}: {value:.1f} of {most:g} {unit} allowed."
    )
