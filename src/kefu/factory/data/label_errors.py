"""Labels that are probably wrong: confident learning on out-of-fold probabilities.

Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 70 (2021). A class's
threshold is its mean self-confidence: the mean probability of that class over the rows that bear its label. A row
counts as truly of the likeliest class whose threshold it reaches. Counted by given and true class, that is the
confident joint; calibrated to the number of rows, what it holds off the diagonal estimates how many labels are wrong.
That many rows are named, the lowest normalised margin first: p(given label) - max p(any other).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

# With fewer rows a class's mean self-confidence is chance, and a fold may hold none of them to learn from.
LEAST_ROWS = 5


@dataclass(frozen=True)
class LabelError:
    """A row (its place) whose label is probably wrong; `suggested` is a label's place, `margin` from -1 to 0."""

    place: int
    suggested: int
    confidence: float
    margin: float


def label_errors(probabilities: Matrix, labels: Labels) -> tuple[LabelError, ...]:
    """Rows with probably wrong labels, the surest first.

    `probabilities` [n, k] must be out of fold: from models that have not seen the row. `labels` [n] are places below
    k. Labels with fewer than LEAST_ROWS rows are neither doubted nor suggested.
    """
    probabilities = np.where(_judged(labels, probabilities.shape[1]), probabilities, 0.0)
    given = np.arange(len(labels)), labels
    others = probabilities.copy()
    others[given] = -1.0
    margins = probabilities[given] - others.max(axis=1)
    margins[~_judged(labels, probabilities.shape[1])[labels]] = np.inf
    count = round(_errors_in(confident_joint(probabilities, labels), labels))
    ranked = np.argsort(margins, kind="stable")[:count]
    return tuple(
        LabelError(int(at), int(others[at].argmax()), float(others[at].max()), float(margins[at]))
        for at in ranked
        if margins[at] < 0
    )


def confident_joint(probabilities: Matrix, labels: Labels) -> npt.NDArray[np.int64]:
    """Counts [k, k] of rows by given label and by the likeliest class whose threshold they reach."""
    classes = probabilities.shape[1]
    thresholds = self_confidence(probabilities, labels)
    reached = np.where(probabilities >= thresholds, probabilities, -1.0)
    confident = reached.max(axis=1) > 0
    joint = np.zeros((classes, classes), np.int64)
    np.add.at(joint, (labels[confident], reached.argmax(axis=1)[confident]), 1)
    return joint


def self_confidence(probabilities: Matrix, labels: Labels) -> npt.NDArray[np.float64]:
    """Each class's threshold [k]: the mean of its probability over its rows; infinite for a class without any."""
    sums = np.bincount(labels, probabilities[np.arange(len(labels)), labels], minlength=probabilities.shape[1])
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    return np.where(_judged(labels, probabilities.shape[1]), sums / np.maximum(counts, 1), np.inf)


def _errors_in(joint: npt.NDArray[np.int64], labels: Labels) -> float:
    """How many labels are wrong: the joint with each row scaled to its label's count, off the diagonal."""
    counts = np.bincount(labels, minlength=len(joint))
    confident = joint.sum(axis=1)
    off = confident - joint.diagonal()
    return float((off / np.maximum(confident, 1) * counts).sum())


def _judged(labels: Labels, classes: int) -> npt.NDArray[np.bool_]:
    return np.bincount(labels, minlength=classes) >= LEAST_ROWS
