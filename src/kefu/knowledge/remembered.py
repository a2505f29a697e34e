"""What was just found of a question is not looked for again: its vector, its passages, what models tell of it.

Search, intents and mood of one turn ask for the same vector; buttons, suggestions and what many customers say alike ask
for the same passages. Whatever changes what is found (knowledge, a model) makes these memories anew.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from kefu.contracts.engine import Classified, Classifier, Encoder, EngineCard, Matrix, RawScores, Scorer, TextKind
from kefu.contracts.index import Evidence, IndexedPassage, KnowledgeIndex, PassageVectors
from kefu.kit.tracing import span

# Questions of the turns under way, and the ones asked most. 1,024 x 384 float32 is 1.6 MB.
QUESTIONS = 1024
# What was found for one is some ten small objects beside the passages, which are held anyway.
_FINDINGS = 512
# A longer text is hardly asked twice, and a picture is no text.
_LONGEST = 500

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memory(Generic[K, V]):
    """The last values by key; any thread may ask."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[K, V] = OrderedDict()

    def recall(self, key: K) -> V | None:
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
            return known

    def keep(self, key: K, value: V) -> None:
        with self._lock:
            self._known[key] = value
            while len(self._known) > self._most:
                self._known.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._known.clear()


class RememberedEncoder:
    """`contracts.engine.Encoder`; single questions come from memory, everything else goes through."""

    def __init__(self, encoder: Encoder, most: int = QUESTIONS) -> None:
        self._encoder = encoder
        self._memory: Memory[str, Matrix] = Memory(most)

    def card(self) -> EngineCard:
        return self._encoder.card()

    async def load(self) -> None:
        await self._encoder.load()

    async def close(self) -> None:
        self._memory.clear()
        await self._encoder.close()

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Matrix:
        if kind != "query" or len(texts) != 1:
            return await self._embedded(texts, kind)
        known = self._memory.recall(texts[0])
        if known is None:
            known = await self._embedded(texts, kind)
            self._memory.keep(texts[0], known)
        return known.copy()

    async def _embedded(self, texts: Sequence[str], kind: TextKind) -> Matrix:
        with span("engine.embed", texts=len(texts)):
            return await self._encoder.embed(texts, kind)


class RememberedIndex:
    """`contracts.index.KnowledgeIndex`; to be made anew whenever its passages or encoders change.

    What may be found better in a moment is looked for again: while an encoder is away, and where passages of other
    languages were found, whose vectors may still be in the making.
    """

    def __init__(self, index: KnowledgeIndex) -> None:
        self._index = index
        self._memory: Memory[tuple[str, str, int], Evidence] = Memory(_FINDINGS)

    def __len__(self) -> int:
        return len(self._index)

    async def search(self, question: str, language: str, k: int = 5) -> Evidence:
        key, memory = (question, language, k), self._memory
        known = memory.recall(key)
        if known is None:
            known = await self._index.search(question, language, k)
            if _is_settled(known):
                memory.keep(key, known)
        return known

    def put(self, passages: Iterable[tuple[IndexedPassage, PassageVectors | None]]) -> None:
        self._index.put(passages)
        self._forget()

    def drop(self, passage_ids: Iterable[str]) -> None:
        self._index.drop(passage_ids)
        self._forget()

    def _forget(self) -> None:
        """Begin another memory: a search that began before the change keeps what it finds in the old one."""
        self._memory = Memory(_FINDINGS)


class RememberedClassifier:
    """`contracts.engine.Classifier` of one version; what it says of a question is remembered."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._memory: Memory[str, Classified] = Memory(_FINDINGS)

    def card(self) -> EngineCard:
        return self._classifier.card()

    async def load(self) -> None:
        await self._classifier.load()

    async def close(self) -> None:
        await self._classifier.close()

    async def classify(self, texts: Sequence[str]) -> list[Classified]:
        if not _is_question(texts):
            return await self._classifier.classify(texts)
        known = self._memory.recall(texts[0])
        if known is None:
            [known] = await self._classifier.classify(texts)
            self._memory.keep(texts[0], known)
        return [known]

    async def raw(self, texts: Sequence[str]) -> RawScores:
        return await self._classifier.raw(texts)


class RememberedScorer:
    """`contracts.engine.Scorer` of one version; what it says of a question is remembered."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._memory: Memory[str, float] = Memory(_FINDINGS)

    def card(self) -> EngineCard:
        return self._scorer.card()

    async def load(self) -> None:
        await self._scorer.load()

    async def close(self) -> None:
        await self._scorer.close()

    async def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        if not _is_question(texts):
            return await self._scorer.score(texts)
        known = self._memory.recall(texts[0])
        if known is None:
            known = float((await self._scorer.score(texts))[0])
            self._memory.keep(texts[0], known)
        return np.array([known], np.float32)


def _is_question(texts: Sequence[str]) -> bool:
    return len(texts) == 1 and len(texts[0]) <= _LONGEST


def _is_settled(evidence: Evidence) -> bool:
    """Whether the same would be found again."""
    if {"keywords_only", "not_reranked"} & evidence.features.keys() or len(evidence.question) > _LONGEST:
        return False
    return bool(evidence.hits) and all(hit.passage.language == evidence.language for hit in evidence.hits)
