"""Which unlabelled texts are worth a person's time, and which a model may label itself.

A pool of texts is seen through one model or a committee of them, each giving a probability for each label and a unit
vector for each text. What is chosen first is what the model is least sure of (uncertainty, margin), what models differ
about (committee), what lies far from all that is known (diversity), or what does both (mixed).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from kefu.contracts.engine import Matrix
from kefu.kit.errors import BadInput

Strategy = Literal["margin", "mixed", "uncertainty", "committee", "diversity", "random"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
Values = npt.NDArray[np.float64]

# Of the pool, as many times the budget are looked at for being far from each other: enough to choose from, few enough
# that what is chosen is still doubtful.
_CANDIDATES = 6


@dataclass(frozen=True)
class Pool:
    """Texts that nobody labelled: `probabilities` [models, n, labels], unit `vectors` [n, d], `known` [m, d] likewise.

    `known` are the vectors of what is labelled already; none where that is not there any more.
    """

    texts: tuple[str, ...]
    probabilities: Matrix
    vectors: Matrix
    known: Matrix


@dataclass(frozen=True)
class Pick:
    """A text to label: its place in the pool, how much is expected of it (more is better), and the model's guess."""

    place: int
    text: str
    score: float
    guess: int
    confidence: float


def select(pool: Pool, budget: int, strategy: Strategy = "margin", *, seed: int = 0) -> tuple[Pick, ...]:
    """The texts to label first, the most useful first; fewer than `budget` only where the pool is smaller.

    Raises BadInput for a strategy that there is not, or a committee of one.
    """
    if strategy not in STRATEGIES:
        raise BadInput(f"There is no strategy {strategy!r}. Strategies: {', '.join(STRATEGIES)}.", strategy=strategy)
    if budget < 1:
        raise BadInput(f"A budget is at least one text, not {budget}.", budget=budget)
    if strategy == "committee" and len(pool.probabilities) < 2:
        raise BadInput("A committee has at least two models; give another one.", models=len(pool.probabilities))
    mean = pool.probabilities.mean(axis=0).astype(np.float64)
    places, scores = _ordered(pool, mean, min(budget, len(pool.texts)), strategy, seed)
    guesses, sure = mean.argmax(axis=1), mean.max(axis=1)
    return tuple(
        Pick(int(at), pool.texts[at], round(float(score), 6), int(guesses[at]), round(float(sure[at]), 6))
        for at, score in zip(places, scores, strict=True)
    )


def _ordered(
    pool: Pool, mean: Values, budget: int, strategy: Strategy, seed: int
) -> tuple[npt.NDArray[np.intp], Values]:
    chance = np.random.default_rng(seed)
    if strategy == "random":
        return chance.permutation(len(mean))[:budget], np.zeros(budget)
    if strategy == "diversity":
        return _spread(pool.vectors, pool.known, np.ones(len(mean)), budget)
    doubts = _doubts(pool.probabilities, mean, strategy)
    # Ties, such as texts that a model knows nothing of, are broken by chance and not by the file's order.
    order = np.lexsort((chance.random(len(doubts)), -doubts))
    if strategy != "mixed":
        return order[:budget], doubts[order[:budget]]
    near = order[: budget * _CANDIDATES]
    within, scores = _spread(pool.vectors[near], pool.known, doubts[near], budget)
    return near[within], scores


def _doubts(probabilities: Matrix, mean: Values, strategy: Strategy) -> Values:
    """From 0 to 1 for each text: how little the models know what it is."""
    if strategy == "uncertainty":
        return np.asarray(1 - mean.max(axis=1))
    if strategy == "committee":
        # What each model's answer tells beyond the mean of all: their disagreement (McCallum and Nigam 1998).
        each = probabilities.astype(np.float64)
        return np.asarray(_entropy(mean) - _entropy(each).mean(axis=0))
    best = np.sort(mean, axis=1)
    return np.asarray(1 - (best[:, -1] - best[:, -2])) if best.shape[1] > 1 else np.asarray(1 - best[:, -1])


def _entropy(probabilities: Values) -> Values:
    return np.asarray(-(probabilities * np.log(np.maximum(probabilities, 1e-12))).sum(axis=-1))


def _spread(vectors: Matrix, known: Matrix, weights: Values, budget: int) -> tuple[npt.NDArray[np.intp], Values]:
    """One after the other, what is doubtful and far from everything known or chosen before it (k-centre, greedily)."""
    far = np.ones(len(vectors))
    for at in range(0, len(known), 1024):
        far = np.minimum(far, 1 - (vectors @ known[at : at + 1024].T).max(axis=1))
    chosen: list[int] = []
    scores: list[float] = []
    for _ in range(min(budget, len(vectors))):
        worth = weights * np.maximum(far, 0)
        worth[chosen] = -1
        best = int(worth.argmax())
        chosen.append(best)
        scores.append(float(worth[best]))
        far = np.minimum(far, 1 - vectors @ vectors[best])
    return np.array(chosen, np.intp), np.array(scores)


@dataclass(frozen=True)
class Guess:
    """A label that a model gave a text of the pool, sure enough to learn from."""

    place: int
    text: str
    label: int
    confidence: float


def guessed(pool: Pool, *, confidence: float, most_per_label: int = 0) -> tuple[Guess, ...]:
    """Texts that every model labels alike, each at least so sure, in the pool's order: what self-training learns from.

    `most_per_label` keeps the surest of each label, so that a label that is easy does not drown the rest; 0 keeps all.
    Raises BadInput for a confidence that is none.
    """
    if not 0 < confidence <= 1:
        raise BadInput(f"A confidence is above 0 and at most 1, not {confidence}.", confidence=confidence)
    labels = pool.probabilities.argmax(axis=2)
    sure = pool.probabilities.max(axis=2).min(axis=0)
    agreed = (labels == labels[0]).all(axis=0) & (sure >= confidence)
    places = np.flatnonzero(agreed)
    if most_per_label:
        places = np.sort(
            np.concatenate([_surest(places, labels[0], sure, at, most_per_label) for at in set(labels[0])])
        )
    return tuple(Guess(int(at), pool.texts[at], int(labels[0][at]), round(float(sure[at]), 6)) for at in places)


def _surest(
    places: npt.NDArray[np.intp], labels: npt.NDArray[np.intp], sure: Matrix, label: int, most: int
) -> npt.NDArray[np.intp]:
    own = places[labels[places] == label]
    return np.asarray(own[np.argsort(-sure[own], kind="stable")[:most]])


def without_known(texts: Sequence[str], known: Sequence[str]) -> list[str]:
    """Each text once, without those that are labelled already."""
    seen = set(known)
    return [text for text in dict.fromkeys(texts) if text.strip() and text not in seen]
