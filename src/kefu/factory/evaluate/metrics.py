"""What is counted on a model's answers. Shares are from 0 to 1."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kefu.contracts.engine import Matrix

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

# Bins of the calibration error, as in Guo 2017.
BINS = 15


@dataclass(frozen=True)
class LabelFigures:
    """How one label did; `support` counts the texts that have it."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Bin:
    """Answers of like confidence: how sure they were on average, and how many were right."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Confusion:
    """Texts of the label `truth` that were taken for `predicted`; `rows` of them, `share` of that label's texts."""

    truth: str
    predicted: str
    rows: int
    share: float


@dataclass(frozen=True)
class ScopeFigures:
    """How well texts out of scope are told from those in scope.

    `auroc`; `fpr95`: of the texts out of scope, the share that is let in where 95% of those in scope are; `recall`: the
    share that is found at the model's own threshold. `curve`: shares (of in scope rejected, of out of scope found).
    """

    auroc: float
    fpr95: float
    recall: float
    curve: tuple[tuple[float, float], ...]


def per_label(truth: Sequence[str], predicted: Sequence[str]) -> dict[str, LabelFigures]:
    """Each label that was meant or given, in sorted order. A share of nothing is 0."""
    meant, given = Counter(truth), Counter(predicted)
    right = Counter(label for label, other in zip(truth, predicted, strict=True) if label == other)
    found = {}
    for label in sorted(meant.keys() | given.keys()):
        precision, recall = _share(right[label], given[label]), _share(right[label], meant[label])
        f1 = _share(2 * right[label], meant[label] + given[label])
        found[label] = LabelFigures(precision, recall, f1, meant[label])
    return found


def macro_f1(figures: Mapping[str, LabelFigures]) -> float:
    """The mean F1 of the labels, each counting the same."""
    return float(np.mean([each.f1 for each in figures.values()])) if figures else 0.0


def reliability(confidence: Floats, right: Flags) -> list[Bin]:
    """BINS bins of equal width; the last one holds confidence 1. Empty bins have zeros."""
    places = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins = []
    for place in range(BINS):
        chosen = places == place
        rows = int(chosen.sum())
        sure, true = (float(confidence[chosen].mean()), float(right[chosen].mean())) if rows else (0.0, 0.0)
        bins.append(Bin(place / BINS, (place + 1) / BINS, rows, sure, true))
    return bins


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error (Naeini 2015): the bins' gaps between confidence and accuracy, weighed by rows."""
    rows = sum(each.rows for each in bins)
    return sum(each.rows * abs(each.confidence - each.accuracy) for each in bins) / rows if rows else 0.0


def brier(shares: Matrix, truth: npt.NDArray[np.int64]) -> float:
    """Brier 1950: mean squared distance of the shares [n, labels] to the truth, 0 to 2; -1 is a label not known."""
    meant = np.zeros(shares.shape, np.float64)
    known = np.flatnonzero(truth >= 0)
    meant[known, truth[known]] = 1.0
    # A label that the model does not have is a column of its own to which it gives nothing.
    unknown = (truth < 0).astype(np.float64)
    return float((((shares - meant) ** 2).sum(axis=1) + unknown).mean()) if len(truth) else 0.0


def log_loss(shares: Matrix, truth: npt.NDArray[np.int64]) -> float | None:
    """Mean negative log-likelihood of the texts whose label the model knows; None where there is none."""
    known = np.flatnonzero(truth >= 0)
    if not len(known):
        return None
    # The smallest float32 share that a softmax gives; a share of 0 would be an infinite loss.
    given = np.maximum(shares[known, truth[known]].astype(np.float64), 1e-38)
    return abs(float(np.log(given).mean()))


def scope_figures(inside: Floats, outside: Floats, found: Flags) -> ScopeFigures:
    """From the scope of texts that are in scope and of texts that are not; `found` are those of the latter rejected."""
    # Every threshold that separates two texts; a text is rejected when its scope is below it.
    values = np.unique(np.concatenate([inside, outside]))
    thresholds = np.append(values, np.float32(np.inf))
    below_in = np.searchsorted(np.sort(inside), thresholds) / len(inside)
    below_out = np.searchsorted(np.sort(outside), thresholds) / len(outside)
    # Trapezes count a tie as half, as the rank statistic does.
    auroc = float(np.trapezoid(below_out, below_in))
    kept = below_in <= 0.05 + 1e-9
    return ScopeFigures(auroc, 1.0 - float(below_out[kept].max()), float(found.mean()), _thinned(below_in, below_out))


def confusions(truth: Sequence[str], predicted: Sequence[str], most: int) -> list[Confusion]:
    """The most frequent mistakes, largest first."""
    support = Counter(truth)
    wrong = Counter((label, other) for label, other in zip(truth, predicted, strict=True) if label != other)
    ordered = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))[:most]
    return [Confusion(label, other, rows, rows / support[label]) for (label, other), rows in ordered]


def score_figures(given: Floats, meant: Floats) -> dict[str, float]:
    """Mean squared error, mean absolute error, and Pearson's correlation (0 where either does not vary)."""
    error = given.astype(np.float64) - meant
    varied = len(given) > 1 and given.std() > 0 and meant.std() > 0
    pearson = float(np.corrcoef(given, meant)[0, 1]) if varied else 0.0
    return {"mse": float((error**2).mean()), "mae": float(np.abs(error).mean()), "pearson": pearson}


def _thinned(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    """A curve's points, no more than a chart can show."""
    step = max(1, len(first) // 200)
    places = sorted({*range(0, len(first), step), len(first) - 1})
    return tuple((round(float(first[at]), 4), round(float(second[at]), 4)) for at in places)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
