"""Models that say what they are told to, for tests of what is made of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.contracts.engine import Classified, EngineCard, RawScores


class _Scripted:
    def __init__(self, reference: str = "scripted:model", options: Mapping[str, Any] | None = None) -> None:
        self.reference = reference
        self.options = dict(options or {})
        self.asked: list[str] = []

    def card(self) -> EngineCard:
        return EngineCard(self.reference, "scripted")

    async def load(self) -> None:
        """Nothing to load."""

    async def close(self) -> None:
        """Nothing to free."""


class ScriptedClassifier(_Scripted):
    """`contracts.engine.Classifier`: the option `answer` is given for every text, or `error` raised."""

    async def classify(self, texts: Sequence[str]) -> list[Classified]:
        self.asked += texts
        if "error" in self.options:
            raise self.options["error"]
        answer: Classified = self.options["answer"]
        return [answer for _ in texts]

    async def raw(self, texts: Sequence[str]) -> RawScores:
        nothing = np.zeros((len(texts), 0), np.float32)
        return RawScores(nothing, nothing, np.full(len(texts), np.nan, np.float32))


class ScriptedScorer(_Scripted):
    """`contracts.engine.Scorer`: the option `number` is given for every text, or `error` raised."""

    async def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.asked += texts
        if "error" in self.options:
            raise self.options["error"]
        return np.full(len(texts), self.options["number"], np.float32)
