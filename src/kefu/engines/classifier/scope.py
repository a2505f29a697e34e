"""How much a text looks like those a classifier was taught on: several detectors, their ranks averaged.

Statistics are made by the factory. Detectors and their fusion: maximum softmax (Hendrycks and Gimpel 2017), maximum
logit, energy (Liu 2020), nearest neighbours (Sun 2022), shrunk Mahalanobis distance (Lee 2018), and the margin of the
linear floor. Each is higher for texts in scope.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.contracts.engine import Matrix
from kefu.engines.classifier.runtimes import Outputs
from kefu.kit.errors import BadInstallation
from kefu.knowledge.vectors import dots

Floats = npt.NDArray[np.float32]
# Neighbours whose mean similarity counts: one alone may be a mislabelled row.
_NEIGHBOURS = 5
_NEEDED = ("mean", "centroids", "whiten", "bank")


class Scope:
    """Statistics of the texts that a model knows.

    mean [d]; centroids [labels, d] and whiten [d, d] of the centred unit vectors; bank [n, d], some of them; ranks of
    each detector as quantiles over texts known to be in scope, `rank.NAME` [q]; `rank` [q] those of the average.
    """

    def __init__(self, arrays: Mapping[str, Floats]) -> None:
        self._mean, self._bank = arrays["mean"], arrays["bank"].astype(np.float16)
        self._whiten = arrays["whiten"]
        self._centroids = arrays["centroids"] @ self._whiten
        self._lengths = (self._centroids**2).sum(1)
        self._ranks = {name[5:]: values for name, values in arrays.items() if name.startswith("rank.")}
        self._overall = arrays.get("rank")

    @classmethod
    def read(cls, path: Path) -> "Scope":
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            loaded: dict[str, Any] = load_file(path)
        except (OSError, SafetensorError) as error:
            raise BadInstallation(f"{path.name} cannot be read.", file=path.name) from error
        if missing := [name for name in _NEEDED if name not in loaded]:
            raise BadInstallation(f"{path.name} has no {', '.join(missing)}.", file=path.name)
        return cls({name: np.asarray(values, np.float32) for name, values in loaded.items()})

    def detectors(self, outputs: Outputs) -> dict[str, Floats]:
        """Each detector's value for each text: float32 [n]."""
        logits = outputs.logits
        most = logits.max(axis=1)
        energy = most + np.log(np.exp(logits - most[:, None]).sum(axis=1))
        found: dict[str, Floats] = {"softmax": np.exp(most - energy), "logit": most, "energy": energy}
        if outputs.vectors.shape[1] == len(self._mean) and len(self._mean):
            found |= self._by_vectors(outputs.vectors)
        if outputs.floor is not None:
            found["floor"] = _margin(outputs.floor)
        return {name: np.asarray(values, np.float32) for name, values in found.items()}

    def scope(self, detectors: Mapping[str, Floats]) -> Floats:
        """From 0 to 1: the share of texts in scope that look less so; NaN before the ranks are known."""
        if self._overall is None:
            return np.full(len(detectors["logit"]), np.nan, np.float32)
        return np.asarray(_rank(self.average(detectors), self._overall), np.float32)

    def average(self, detectors: Mapping[str, Floats]) -> Floats:
        """The mean rank of the detectors that have ranks."""
        known = [_rank(values, self._ranks[name]) for name, values in detectors.items() if name in self._ranks]
        return np.asarray(np.mean(known, axis=0), np.float32)

    def _by_vectors(self, vectors: Matrix) -> dict[str, Floats]:
        centred = vectors - self._mean
        centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
        nearest = np.stack([dots(self._bank, one) for one in centred]) if len(centred) else centred @ self._bank.T
        count = min(_NEIGHBOURS, nearest.shape[1])
        neighbours = np.partition(nearest, -count, axis=1)[:, -count:].mean(axis=1)
        white = centred @ self._whiten
        # |a - b|² without the [n, labels, d] block between
        distances = (white**2).sum(1)[:, None] - 2 * white @ self._centroids.T + self._lengths[None]
        return {"neighbours": neighbours, "distance": -distances.min(axis=1)}


def _margin(scores: Matrix) -> Floats:
    if scores.shape[1] == 1:
        return scores[:, 0]
    two = np.partition(scores, -2, axis=1)[:, -2:]
    # The best label's own score tells most; its lead over the second adds what ambiguity costs.
    return np.asarray(two[:, 1] + 0.5 * (two[:, 1] - two[:, 0]), np.float32)


@cache
def _places(quantiles: int) -> npt.NDArray[np.float64]:
    """How far up each of so many quantiles stands, 0 to 1."""
    return np.linspace(0.0, 1.0, quantiles)


def _rank(values: Floats, quantiles: Floats) -> npt.NDArray[np.float64]:
    """Where values stand among the quantiles, 0 to 1; past either end they go on, so that worse stays worse."""
    places = _places(len(quantiles))
    spread = max(float(quantiles[-1] - quantiles[0]), 1e-9)
    below = np.minimum(values - quantiles[0], 0.0) / spread
    return np.asarray(np.interp(values, quantiles, places) + below, np.float64)
