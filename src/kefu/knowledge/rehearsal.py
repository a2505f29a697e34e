"""Confidence fitted to one workspace: its own FAQ asked back, with what was asked taken out.

A FAQ of many phrasings tells how sure search is of what it knows and of what it does not: each sampled entry is asked
in one of its phrasings, once with this phrasing taken out (the rest of the entry is there to be found), and once with
the whole entry and whatever answers the same taken out. Only stored vectors are used; nothing is embedded.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kefu.contracts.engine import Encoder, EngineCard, Matrix, TextKind
from kefu.contracts.index import Evidence, IndexedPassage, PassageVectors
from kefu.knowledge.confidence import FEATURES, Calibration, calibration, default_thresholds, fit
from kefu.knowledge.embedding import ANY_LANGUAGE, encoder_for, encoder_key
from kefu.knowledge.search import WorkspaceIndex

# Entries asked: enough for a standard error of 3%, and about two seconds of one core.
ENTRIES = 200
# Fewer entries of at least so many phrasings tell less than the release's calibration does.
FEWEST_ENTRIES = 60
_FEWEST_PHRASINGS = 3
# More than this is searched through a graph, from which passages are not taken out and put back lightly.
_MOST_PASSAGES = 10_000
# How strongly the coefficients are held to the release's, whose corpora are wider than one shop's FAQ; and what an
# entry taken out counts beside one that is there, since other entries still answer some of these questions.
_HELD = 30.0
_GONE = 0.5
_FIGURE = re.compile(r"\d+(?:[.:]\d+)*")

# The share of entries that are there and found first which the answer threshold is to let through, or as many as the
# release's does: to refuse more by answering less is no better judgement. A fit that lets through less of those it did
# not see than every corpus must (docs/benchmarks.md), or than the release by so much, is not taken.
_ANSWERED = 0.9
_LEAST_ANSWERED = 0.85
_FEWER = 0.02

Filed = tuple[IndexedPassage, PassageVectors]


@dataclass(frozen=True)
class Rehearsed:
    """What a workspace's FAQ in one language taught: coefficients, and how they did on the entries not fitted on.

    `answered` is the share of entries that were there and found first that are answered at the default threshold,
    `refused` that of the taken out that are not.
    """

    group: str
    encoder: str
    entries: int
    answered: float
    refused: float
    calibration: Calibration

    def as_json(self) -> dict[str, Any]:
        return {
            "encoder": self.encoder,
            "entries": self.entries,
            "answered": self.answered,
            "refused": self.refused,
            "bias": self.calibration.bias,
            "weights": dict(self.calibration.weights),
        }


@dataclass(frozen=True)
class _Row:
    """What was found for an entry's question, and in which half of the entries."""

    found: Evidence
    part: int
    is_right: bool = False
    is_gone: bool = False


async def rehearse(filed: Sequence[Filed], encoders: Mapping[str, Encoder]) -> list[Rehearsed]:
    """What each language's FAQ teaches, where there are enough entries with several phrasings and it refuses more."""
    found = []
    for language in sorted({passage.language for passage, _ in filed}):
        own = [pair for pair in filed if pair[0].language == language]
        encoder = encoder_for(language, encoders)
        key = encoder_key(encoder)
        fitting = [passage for passage, vectors in own if _tells(passage) and vectors.encoder == key]
        if len(fitting) >= FEWEST_ENTRIES and len(own) <= _MOST_PASSAGES:
            group = language if language in encoders else ANY_LANGUAGE
            found.append(await _rehearse(own, fitting, encoder, group))
    return [each for each in found if each is not None]


def _tells(passage: IndexedPassage) -> bool:
    return passage.answer is not None and len(passage.questions) >= _FEWEST_PHRASINGS


async def _rehearse(
    filed: Sequence[Filed], fitting: Sequence[IndexedPassage], encoder: Encoder, group: str
) -> Rehearsed | None:
    asked = _Asked(encoder.card())
    index = WorkspaceIndex({group: asked, ANY_LANGUAGE: asked})
    pairs = {passage.id: (passage, vectors) for passage, vectors in filed}
    index.put(pairs.values())
    sampled = _spread(fitting, ENTRIES)
    figures = {passage.id: _figures(passage) for passage, _ in filed}
    rows: list[_Row] = []
    for number, entry in enumerate(sampled):
        at = number % (len(entry.questions) - 1) + 1
        question, (_, vectors) = entry.questions[at], pairs[entry.id]
        asked.vector = np.asarray(vectors.rows[at + 1], np.float32)
        same = [pairs[other] for other in pairs if _answers(entry, pairs[other][0], figures)]
        index.put([_without(pairs[entry.id], at)])
        found = await index.search(question, entry.language)
        is_right = bool(found.hits) and found.hits[0].passage.id in {passage.id for passage, _ in same}
        index.drop(passage.id for passage, _ in same)
        gone = await index.search(question, entry.language)
        index.put(same)
        rows += [_Row(found, number % 2, is_right=is_right), _Row(gone, number % 2, is_gone=True)]
    return _fitted(rows, group, encoder_key(encoder))


class _Asked:
    """Stands in for an encoder: the question's vector is known."""

    def __init__(self, card: EngineCard) -> None:
        self._card = card
        self.vector: Matrix = np.zeros(0, np.float32)

    def card(self) -> EngineCard:
        return self._card

    async def load(self) -> None:
        """There is nothing to load."""

    async def close(self) -> None:
        """There is nothing to free."""

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Matrix:
        return np.stack([self.vector] * len(texts))


def _fitted(rows: Sequence[_Row], group: str, encoder: str) -> Rehearsed | None:
    """What all rows teach, if what the even entries teach refuses more of the odd ones only where they are gone."""
    release = calibration(group)
    learnt, kept = ([row for row in rows if row.part == part] for part in (0, 1))
    if not any(row.is_right for row in learnt) or not any(row.is_right for row in kept):
        return None
    fitted = _fit(learnt, release)
    refused, answered = _refused(fitted, kept), _answered(fitted, kept)
    if refused <= _refused(release, kept) or answered < max(_LEAST_ANSWERED, _answered(release, kept) - _FEWER):
        return None
    return Rehearsed(group, encoder, len(rows) // 2, answered, refused, _fit(rows, release))


def _refused(judge: Calibration, rows: Iterable[_Row]) -> float:
    return _share(judge.probability(row.found.features) < _answer() for row in rows if row.is_gone)


def _answered(judge: Calibration, rows: Iterable[_Row]) -> float:
    return _share(judge.probability(row.found.features) >= _answer() for row in rows if row.is_right)


def _fit(rows: Sequence[_Row], release: Calibration) -> Calibration:
    """Coefficients, and a bias at which the answer threshold lets through so many of those that are right."""
    # An entry that is there but not found first is neither: often another entry answers the question as well.
    known = [row for row in rows if row.found.hits and (row.is_right or row.is_gone)]
    x = np.array([[row.found.features.get(name, 0.0) for name in FEATURES] for row in known])
    weights = np.array([1.0 if row.is_right else _GONE for row in known])
    fitted = fit(x, np.array([float(row.is_right) for row in known]), weights, _HELD, release)
    right = [fitted.logit(row.found.features) for row in known if row.is_right]
    answer = _answer()
    let_through = max(_ANSWERED, _answered(release, rows))
    shift = float(np.log(answer / (1 - answer)) - np.quantile(right, 1 - let_through))
    return replace(fitted, bias=fitted.bias + shift)


def _answer() -> float:
    return default_thresholds().answer


def _without(pair: Filed, at: int) -> Filed:
    passage, vectors = pair
    questions = passage.questions[:at] + passage.questions[at + 1 :]
    return replace(passage, questions=questions), replace(vectors, rows=np.delete(vectors.rows, at + 1, axis=0))


def _answers(entry: IndexedPassage, other: IndexedPassage, figures: Mapping[str, frozenset[str]]) -> bool:
    """Whether a passage answers as an entry does: with equal words, or with every figure of it, in an entry two."""
    if other.answer == entry.answer:
        return True
    own = figures[entry.id]
    return len(own) >= (2 if other.questions else 1) and own <= figures[other.id]


def _figures(passage: IndexedPassage) -> frozenset[str]:
    return frozenset(_FIGURE.findall((passage.answer or passage.text).replace(",", "")))


def _spread(entries: Sequence[IndexedPassage], count: int) -> list[IndexedPassage]:
    """So many entries, evenly spaced, the same in every run."""
    ordered = sorted(entries, key=lambda passage: passage.id)
    count = min(count, len(ordered))
    return [ordered[place * len(ordered) // count] for place in range(count)]


def _share(values: Iterable[bool]) -> float:
    every = list(values)
    return round(sum(every) / max(1, len(every)), 3)
