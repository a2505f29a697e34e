"""Texts that say nearly the same: every pair above a cosine, without comparing all pairs.

All-pairs similarity search by prefix filtering (Bayardo, Ma and Srikant, "Scaling up all pairs similarity search",
WWW 2007): features are put in one order, the rarest first. In a unit vector, the features behind the point from which
the rest is shorter than the threshold cannot lift a cosine over it alone; so two texts above the threshold share a
feature before that point. For 0.95 the part before it is the few rarest letter runs of a text. No pair is missed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.knowledge.pictures import is_picture
from kefu.knowledge.words import normalised_question

NEAR = 0.95
# Runs of two to four letters within words: a typo changes few of them, another word all of its own.
_LETTERS = (2, 4)
_FEATURES = 2**20  # hashed; with about 100,000 different runs in 15,000 texts, few share a place
_BLOCK = 500  # rows whose candidates are in memory at once
# A file made from one template has millions of near pairs; after this many the point is made.
MOST_PAIRS = 200_000
_ROUNDING = 1e-6


@dataclass(frozen=True)
class NearPairs:
    """Pairs of places (first < second) with their cosine; not `complete` where there were too many to list."""

    pairs: tuple[tuple[int, int, float], ...]
    complete: bool = True


def wording(text: str) -> str:
    """A text without case, width, accents, punctuation and blanks; one of signs only, or a picture, stays as it is."""
    return text if is_picture(text) else normalised_question(text) or text.strip()


def near_pairs(texts: Sequence[str], *, threshold: float = NEAR) -> NearPairs:
    """Every pair of texts whose weighted letter runs have a cosine of at least `threshold`."""
    if len(texts) < 2:
        return NearPairs(())
    weights = _rare_first(_weights(texts))
    prefixes = _prefixes(weights, threshold)
    found: list[tuple[int, int, float]] = []
    for first, second in _candidates(prefixes):
        cosines = np.asarray(weights[first].multiply(weights[second]).sum(axis=1)).ravel()
        for at in np.flatnonzero(cosines >= threshold - _ROUNDING):
            found.append((int(first[at]), int(second[at]), min(float(cosines[at]), 1.0)))
        if len(found) > MOST_PAIRS:
            return NearPairs(tuple(found[:MOST_PAIRS]), complete=False)
    return NearPairs(tuple(found))


def _weights(texts: Sequence[str]) -> Any:
    """TF-IDF of hashed letter runs: sparse [texts, features], rows of unit length."""
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    hashed = HashingVectorizer(
        analyzer="char_wb",
        ngram_range=_LETTERS,
        n_features=_FEATURES,
        alternate_sign=False,
        norm=None,
        dtype=np.float32,
    )
    return TfidfTransformer(sublinear_tf=True).fit_transform(hashed.transform(texts)).tocsr()


def _rare_first(weights: Any) -> Any:
    """The same matrix with its columns in the order of how many texts have them."""
    from scipy.sparse import csr_matrix

    in_texts = np.bincount(weights.indices, minlength=weights.shape[1])
    place = np.empty(weights.shape[1], np.int32)
    place[np.argsort(in_texts, kind="stable")] = np.arange(weights.shape[1], dtype=np.int32)
    ordered = csr_matrix((weights.data, place[weights.indices], weights.indptr), shape=weights.shape)
    ordered.sort_indices()
    return ordered


def _prefixes(weights: Any, threshold: float) -> Any:
    """1 for each feature from which on the rest of its row is at least as long as the threshold."""
    from scipy.sparse import csr_matrix

    squares = weights.data.astype(np.float64) ** 2
    before = np.concatenate([[0.0], np.cumsum(squares)])
    ends = np.repeat(before[weights.indptr[1:]], np.diff(weights.indptr))
    kept = ends - before[:-1] >= threshold**2 - _ROUNDING
    rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))[kept]
    ones = np.ones(len(rows), np.float32)
    return csr_matrix((ones, (rows, weights.indices[kept])), shape=weights.shape)


def _candidates(prefixes: Any) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Pairs of rows that share a feature of their prefixes, each once."""
    turned = prefixes.T.tocsr()
    for start in range(0, prefixes.shape[0], _BLOCK):
        shared = (prefixes[start : start + _BLOCK] @ turned).tocoo()
        first, second = shared.row.astype(np.int64) + start, shared.col.astype(np.int64)
        once = first < second
        for some in np.array_split(np.flatnonzero(once), max(1, int(once.sum()) // 50_000)):
            yield first[some], second[some]
