"""Search's first passages in a better order, by a model that reads the question together with each of them.

What was found, and how sure search is that anything answers, stays as it is: only the order changes. While the model is
busy or away, the order is search's own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from kefu.contracts.engine import Reranker
from kefu.contracts.index import Evidence, Hit, IndexedPassage, KnowledgeIndex, PassageVectors
from kefu.kit.errors import Busy, Unavailable
from kefu.kit.log import Log
from kefu.knowledge.search import share_of

Floats = npt.NDArray[np.float32]

# A question takes at most this part of what the model reads at once; the rest is the passage's.
_QUESTION = 0.5

_log = Log(__name__)


class RerankedIndex:
    """`contracts.index.KnowledgeIndex`: another one, whose first hits are read again and put in order."""

    def __init__(self, index: KnowledgeIndex, reranker: Reranker) -> None:
        self._index, self._reranker = index, reranker

    def __len__(self) -> int:
        return len(self._index)

    async def search(self, question: str, language: str, k: int = 5) -> Evidence:
        """The `k` best passages, best first; of a FAQ entry that is asked to the letter the order stays."""
        evidence = await self._index.search(question, language, max(k, self._reranker.reads()))
        if evidence.exact is not None or len(evidence.hits) < 2 or k < 1:
            return replace(evidence, hits=evidence.hits[:k])
        first = evidence.hits[: self._reranker.reads()]
        try:
            gains = await self._reranker.gains(question, [text_of(hit.passage) for hit in first])
        except (Busy, Unavailable) as error:
            _log.warning("search_not_reranked", reason=error.code)
            features = {**evidence.features, "not_reranked": 1.0}
            return replace(evidence, hits=evidence.hits[:k], features=features)
        return _ordered(evidence, gains, k)

    def put(self, passages: Iterable[tuple[IndexedPassage, PassageVectors | None]]) -> None:
        self._index.put(passages)

    def drop(self, passage_ids: Iterable[str]) -> None:
        self._index.drop(passage_ids)


def text_of(passage: IndexedPassage) -> str:
    """What is read of a passage: of a FAQ entry its question and answer."""
    return f"{passage.questions[0]}\n{passage.answer}" if passage.answer and passage.questions else passage.text


def order_of(scores: Sequence[float], gains: Sequence[float]) -> list[int]:
    """Places by score and gain together, the best first; what is level keeps search's order."""
    together = np.asarray(scores, np.float64) + np.asarray(gains, np.float64)
    return [int(place) for place in np.argsort(-together, kind="stable")]


def joined(question: Sequence[int], passage: Sequence[int], most: int) -> list[int]:
    """A question's tokens and a passage's, each with those that begin and end a text, as one text of `most` at most.

    What begins the passage is left out, so that the token that ends the question parts the two.
    """
    asked = _cut(question, max(2, int(most * _QUESTION)))
    return [*asked, *_cut(passage[1:], most - len(asked))]


def _cut(tokens: Sequence[int], most: int) -> list[int]:
    """The tokens without those in the middle that are too many: the last one ends a text."""
    return list(tokens) if len(tokens) <= most else [*tokens[: most - 1], *tokens[-1:]]


def _ordered(evidence: Evidence, gains: Floats, k: int) -> Evidence:
    hits, scores = evidence.hits, [hit.score for hit in evidence.hits]
    read = order_of(scores[: len(gains)], gains.tolist())
    order = [*read, *range(len(gains), len(hits))]
    # A place keeps its score, which says how much better it is than those after it; what a hit itself had is noted.
    found = tuple(_noted(hits[at], score, gains, at) for at, score in zip(order, scores, strict=True))[:k]
    if order[0] == 0:
        return replace(evidence, hits=found)
    together = sorted((scores[at] + float(gains[at]) for at in read), reverse=True)
    share = share_of(together, evidence.language)
    return replace(evidence, hits=found, features={**evidence.features, "share": share})


def _noted(hit: Hit, score: float, gains: Floats, at: int) -> Hit:
    if at >= len(gains):
        return hit
    return replace(hit, score=score, features={**hit.features, "found": hit.score, "gain": float(gains[at])})
