"""What search over a workspace's knowledge takes and gives."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

PassageKind = Literal["text", "faq"]


@dataclass(frozen=True)
class IndexedPassage:
    """A citable piece of a document: `text` is the document's parsed text from `start` to `end`.

    A `faq` passage has its `questions` (the first is the entry's own) and the approved `answer`, word for word.
    """

    id: str
    document_id: str
    document: str
    title: str
    text: str
    start: int
    end: int
    language: str
    heading_path: tuple[str, ...] = ()
    kind: PassageKind = "text"
    questions: tuple[str, ...] = ()
    answer: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class PassageVectors:
    """A passage's vectors from one encoder: float16 [n, dimension].

    Row 0 is the text's, then one for each question, then those of sentences where the encoder's search uses them.
    """

    encoder: str
    rows: npt.NDArray[np.float16]


@dataclass(frozen=True)
class Hit:
    """A passage found. `score` orders hits of one search (0 to 1); `features` say why, for the trace."""

    passage: IndexedPassage
    score: float
    matched_question: str | None = None
    features: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """What knowledge holds on a question.

    `confidence` is the calibrated probability that the first hits answer the question; among `features`, `share` is
    how likely the first of them is the best, if one is. `exact` is set when the question is, letter for letter after
    normalisation, one of a FAQ entry's questions.
    """

    question: str
    language: str
    hits: tuple[Hit, ...]
    confidence: float
    exact: Hit | None = None
    features: Mapping[str, float] = field(default_factory=dict)


@runtime_checkable
class KnowledgeIndex(Protocol):
    """Ranked passages of one workspace. Reading and changing may happen at once from several threads and tasks."""

    async def search(self, question: str, language: str, k: int = 5) -> Evidence:
        """The `k` best passages, best first. An empty index gives no hits and confidence 0."""

    def put(self, passages: Iterable[tuple[IndexedPassage, PassageVectors | None]]) -> None:
        """Add passages, or replace those whose id is known."""

    def drop(self, passage_ids: Iterable[str]) -> None:
        """Remove passages; unknown ids are ignored."""

    def __len__(self) -> int: ...
