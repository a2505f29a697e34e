"""BM25 over fields, kept in memory: passages come and go, weights follow.

Score of a passage d for query terms t (BM25F, Robertson, Zaragoza and Taylor 2004):

    sum over t of  idf(t) * tf / (k1 + tf)
    tf = sum over fields f of  w_f * tf(t, f) / (1 - b_f + b_f * len_f / mean_f)
    idf(t) = ln(1 + (N - n(t) + 0.5) / (n(t) + 0.5))
"""

import math
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

FIELDS = ("title", "heading", "question", "text")
# Counts above this say nothing more once saturated, and fit a byte.
_MOST = 255
_FEW = 64


@dataclass(frozen=True)
class Weights:
    """A field's weight and length normalisation, in the order of FIELDS; `k1` is the saturation."""

    field: tuple[float, ...] = (1.0, 1.0, 1.5, 1.0)
    length: tuple[float, ...] = (0.3, 0.3, 0.3, 0.75)
    k1: float = 1.2


class KeywordIndex:
    """Rows are numbered by the caller, ever upwards, and never used twice."""

    def __init__(self, weights: Weights | None = None) -> None:
        self.weights = weights or Weights()
        self._rows_of: dict[str, array[int]] = {}
        self._counts_of: dict[str, array[int]] = {}
        self._terms_of: dict[int, tuple[str, ...]] = {}
        self._lengths = np.zeros((_FEW, len(FIELDS)), np.int32)
        self._alive = np.zeros(_FEW, np.bool_)
        self._size = 0
        self._frequency: Counter[str] = Counter()
        self._total = np.zeros(len(FIELDS), np.int64)
        self._filled = np.zeros(len(FIELDS), np.int64)
        self._norm: npt.NDArray[np.float64] | None = None
        self._impacts: dict[str, tuple[Rows, Scores]] = {}

    def __len__(self) -> int:
        return len(self._terms_of)

    def add(self, row: int, fields: Mapping[str, Sequence[str]]) -> None:
        """Add a row's terms by field."""
        counts: dict[str, int] = {}
        for at, name in enumerate(FIELDS):
            terms = fields.get(name, ())
            for term, count in Counter(terms).items():
                counts[term] = counts.get(term, 0) | min(count, _MOST) << (8 * at)
            self._set_length(row, at, len(terms))
        for term, packed in counts.items():
            self._rows_of.setdefault(term, array("q")).append(row)
            self._counts_of.setdefault(term, array("Q")).append(packed)
        self._terms_of[row] = tuple(counts)
        self._frequency.update(counts.keys())
        self._alive[row] = True
        self._tally(row, 1)

    def remove(self, row: int) -> None:
        """Take a row out; unknown rows are ignored."""
        terms = self._terms_of.pop(row, None)
        if terms is None:
            return
        self._frequency.subtract(terms)
        self._alive[row] = False
        self._tally(row, -1)

    def renumber(self, new_of: Rows) -> None:
        """Give each row the number `new_of[row]`, -1 for removed ones; numbers end below the count of rows."""
        size = len(self)
        for term in list(self._rows_of):
            rows = np.array(self._rows_of[term], np.int64)
            kept = self._alive[rows]
            if not kept.any():
                del self._rows_of[term], self._counts_of[term], self._frequency[term]
                continue
            self._rows_of[term] = array("q", new_of[rows[kept]].tobytes())
            self._counts_of[term] = array("Q", np.array(self._counts_of[term], np.uint64)[kept].tobytes())
        old = np.flatnonzero(self._alive)
        lengths = np.zeros((max(size, _FEW), len(FIELDS)), np.int32)
        lengths[new_of[old]] = self._lengths[old]
        self._lengths, self._alive = lengths, np.arange(len(lengths)) < size
        self._terms_of = {int(new_of[row]): terms for row, terms in self._terms_of.items()}
        self._size, self._norm = size, None
        self._impacts.clear()

    def scores(self, terms: Sequence[str], rows: int | None = None) -> Scores:
        """BM25 of every row below `rows` (all), 0 where none of the terms stands; repeated terms count once."""
        total = np.zeros(self._size if rows is None else rows, np.float32)
        for term in dict.fromkeys(terms):
            found, impacts = self._impact(term)
            if len(found):
                total[found] += impacts
        return total

    def idf(self, term: str) -> float:
        """A term's rarity; a term that no row has is the rarest."""
        found = self._frequency.get(term, 0)
        return math.log(1 + (len(self) - found + 0.5) / (found + 0.5))

    def frequency(self, term: str) -> int:
        """How many rows hold a term."""
        return self._frequency.get(term, 0)

    def terms(self, row: int) -> tuple[str, ...]:
        """The distinct terms of a row."""
        return self._terms_of.get(row, ())

    def _impact(self, term: str) -> tuple[Rows, Scores]:
        """Rows that hold a term and what it adds to each; made when first asked for after a change."""
        found = self._impacts.get(term)
        if found is None:
            found = self._impacts[term] = self._weigh(term)
        return found

    def _weigh(self, term: str) -> tuple[Rows, Scores]:
        if term not in self._rows_of:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        rows = np.array(self._rows_of[term], np.int64)
        packed = np.array(self._counts_of[term], np.uint64)
        alive = self._alive[rows]
        rows, packed = rows[alive], packed[alive]
        counts = packed[:, None] >> np.arange(0, 8 * len(FIELDS), 8, dtype=np.uint64) & np.uint64(_MOST)
        lengths = self._norms()[rows]
        frequency = (counts * np.asarray(self.weights.field) / lengths).sum(axis=1)
        impact = self.idf(term) * frequency / (self.weights.k1 + frequency)
        return rows, impact.astype(np.float32)

    def _norms(self) -> npt.NDArray[np.float64]:
        """1 - b + b * length / mean length, by row and field; the mean is over the rows that fill the field."""
        if self._norm is None:
            mean = np.maximum(self._total / np.maximum(self._filled, 1), 1.0)
            b = np.asarray(self.weights.length)
            self._norm = 1 - b + b * self._lengths[: self._size] / mean
        return self._norm

    def _set_length(self, row: int, at: int, length: int) -> None:
        while row >= len(self._alive):
            self._lengths = np.concatenate([self._lengths, np.zeros_like(self._lengths)])
            self._alive = np.concatenate([self._alive, np.zeros_like(self._alive)])
        self._size = max(self._size, row + 1)
        self._lengths[row, at] = length

    def _tally(self, row: int, sign: int) -> None:
        self._total += sign * self._lengths[row]
        self._filled += sign * (self._lengths[row] > 0)
        self._norm = None
        self._impacts.clear()
