"""How likely it is that the first passage found answers the question.

A logistic regression on fifteen figures of a question and what was found for it. Its coefficients, one set for each
language group, are in calibration.json, made by benchmarks/calibrate.py; each figure stands in `Evidence.features`.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.knowledge.chunk import weight

# The most that the chunker puts in a passage.
_LONG = 800
_NEWTON_STEPS = 30
_NUMBER = re.compile(r"\d+(?:\.\d+)?")

FEATURES = (
    "cosine",
    "question_cosine",
    "above_crowd",
    "keyword_above_crowd",
    "keyword",
    "coverage",
    "coverage_top3",
    "unseen",
    "numbers_missing",
    "agreement",
    "margin",
    "lead",
    "length",
    "entry",
    "text_length",
)


@dataclass(frozen=True)
class Thresholds:
    """Confidences from which a turn answers from a passage, sends an approved answer, or asks back."""

    answer: float
    approved: float
    clarify: float


@dataclass(frozen=True)
class Calibration:
    """Coefficients of one language group."""

    bias: float
    weights: Mapping[str, float]

    def probability(self, features: Mapping[str, float]) -> float:
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, self.logit(features)))))

    def logit(self, features: Mapping[str, float]) -> float:
        return self.bias + sum(weight * features.get(name, 0.0) for name, weight in self.weights.items())


def fit(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    w: npt.NDArray[np.float64],
    ridge: float,
    near: Calibration | None = None,
) -> Calibration:
    """A logistic regression on features [n, len(FEATURES)], answers 0 or 1 and weights [n], by Newton's method.

    `ridge` penalises squared coefficients of standardised features, or with `near` their distance from its own.
    """
    mean, spread = x.mean(0), x.std(0) + 1e-6
    design = np.column_stack([(x - mean) / spread, np.ones(len(x))])
    centre = np.zeros(design.shape[1])
    if near is not None:
        slopes = np.array([near.weights.get(name, 0.0) for name in FEATURES])
        centre = np.append(slopes * spread, near.bias + slopes @ mean)
    penalty = np.append(np.full(len(FEATURES), ridge), 0.0)
    at = centre.copy()
    for _ in range(_NEWTON_STEPS):
        p = 1 / (1 + np.exp(-np.clip(design @ at, -30, 30)))
        gradient = design.T @ (w * (y - p)) - penalty * (at - centre)
        curvature = (design * (w * p * (1 - p) + 1e-9)[:, None]).T @ design + np.diag(penalty)
        at = at + np.linalg.solve(curvature, gradient)
    slopes = at[:-1] / spread
    return Calibration(float(at[-1] - slopes @ mean), dict(zip(FEATURES, slopes.tolist(), strict=True)))


@dataclass(frozen=True)
class Found:
    """What confidence is judged by.

    `terms` are the question's with their rarity; `held` says of each of the first hits which of them it holds; `seen`
    which of them any passage holds. `scores` are those of the first hits, without what repeats a better one.
    """

    terms: Mapping[str, float]
    seen: frozenset[str]
    held: Sequence[frozenset[str]]
    cosines: Sequence[float]
    scores: Sequence[float]
    question_cosine: float
    keyword_scores: Sequence[float]
    crowd: float
    keyword_crowd: float
    agreement: bool
    is_entry: bool


def default_thresholds() -> Thresholds:
    """The thresholds of calibration.json.

    `answer`, and `approved` with it, is what 93% of the answerable calibration questions reach in the corpus that fares
    worst; `clarify` is what 97% reach. In every corpus over 90% of questions off its subject stay below `answer`.
    """
    return Thresholds(**_stored()["thresholds"])


def calibration(group: str) -> Calibration:
    """The coefficients for an encoder's key in the mapping of encoders: a language of its own, else "*"."""
    groups = _stored()["groups"]
    found = groups.get(group) or groups["*"]
    return Calibration(found["bias"], found["weights"])


def by_keywords(features: Mapping[str, float]) -> float:
    """How sure keywords alone are: the share of the question's rarity in the first hit's score, times its coverage.

    For when the encoder gives no vector, which the calibrated coefficients take for the worst of all matches. Asked of
    the demo shop by words alone, its headings reach 0.6 and more, two thirds of its reworded English FAQ 0.5, and
    questions to other companies 0.23 at most: what is no clear match stays below every threshold.
    """
    return min(1.0, features["keyword"] * features["coverage"])


def features(question: str, top_text: str, found: Found) -> dict[str, float]:
    """The figures of FEATURES, each about 0 to 1."""
    mass = sum(found.terms.values()) or 1.0

    def covered(terms: frozenset[str]) -> float:
        return sum(found.terms[term] for term in terms) / mass

    numbers = set(_NUMBER.findall(question))
    missing = numbers - set(_NUMBER.findall(top_text))
    return {
        "cosine": found.cosines[0],
        "question_cosine": found.question_cosine,
        "above_crowd": found.cosines[0] - found.crowd,
        "keyword_above_crowd": found.keyword_scores[0] - found.keyword_crowd,
        "keyword": found.keyword_scores[0],
        "coverage": covered(found.held[0]),
        "coverage_top3": covered(frozenset().union(*found.held[:3])),
        "unseen": 1 - covered(found.seen),
        "numbers_missing": len(missing) / len(numbers) if numbers else 0.0,
        "agreement": float(found.agreement),
        "margin": found.scores[0] - found.scores[1] if len(found.scores) > 1 else 0.0,
        "lead": found.scores[0] - found.scores[-1],
        "length": min(1.0, len(found.terms) / 12),
        "entry": float(found.is_entry),
        "text_length": min(1.0, weight(top_text) / _LONG),
    }


@cache
def _stored() -> Any:
    text = files("kefu.knowledge").joinpath("calibration.json").read_text(encoding="utf-8")
    return json.loads(text)
