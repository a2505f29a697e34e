"""Labels of the nearest known vectors: what the recipe `head` chooses its weights on and is served with."""

import numpy as np
import numpy.typing as npt

from kefu.knowledge.vectors import dots

Floats = npt.NDArray[np.float32]

# How fast an example's say falls with its distance: at 0.05 one at cosine 0.9 counts a seventh of one at 1.0.
_WIDTH = 0.05
# A label without a near example is unlikely, not impossible: log(1e-9) would outvote everything else.
_LEAST = 1e-4


class Neighbours:
    """Known vectors [n, d] and the label's number of each [n]."""

    def __init__(self, vectors: npt.NDArray[np.floating], owners: npt.NDArray[np.integer], labels: int) -> None:
        order = np.argsort(owners, kind="stable")
        self._vectors = _unit(np.asarray(vectors, np.float32)[order]).astype(np.float16)
        self._labels, starts = np.unique(owners[order], return_index=True)
        self._starts, self._count = starts, labels

    def log_shares(self, asked: npt.NDArray[np.floating]) -> Floats:
        """The logarithm of each label's share of the near examples: float32 [asked, labels]."""
        near = np.exp((self._cosines(_unit(np.asarray(asked, np.float32))) - 1.0) / _WIDTH)
        shares = np.zeros((len(near), self._count), np.float32)
        if len(near):
            shares[:, self._labels] = np.add.reduceat(near, self._starts, axis=1)
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-30)
        return np.asarray(np.log(shares + _LEAST), np.float32)

    def _cosines(self, asked: Floats) -> Floats:
        """float32 [asked, known]."""
        if len(asked) == 1:  # a customer's question
            return dots(self._vectors, asked[0])[None]
        return np.asarray(asked @ self._vectors.astype(np.float32).T, np.float32)


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)
