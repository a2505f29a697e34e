"""The passages of one language, as search reads them: terms, vectors and exact questions by row number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kefu.contracts.index import IndexedPassage, PassageVectors
from kefu.knowledge.keyword import KeywordIndex
from kefu.knowledge.vectors import VectorIndex
from kefu.knowledge.words import normalised_question, tokenise

# Row numbers of removed passages are let go when they outnumber the living by so many.
_SPARE_ROWS = 1024
_FEW = 64


@dataclass(frozen=True)
class Entry:
    """A passage with its terms by field."""

    passage: IndexedPassage
    fields: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, passage: IndexedPassage) -> "Entry":
        texts = {
            "title": passage.title,
            "heading": " ".join(passage.heading_path),
            "question": " ".join(passage.questions),
            "text": passage.answer or passage.text,
        }
        return cls(passage, {name: tokenise(text, passage.language) for name, text in texts.items()})


class Shelf:
    """The passages of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.keyword = KeywordIndex()
        self.vectors: dict[str, VectorIndex] = {}
        self.passages: dict[int, IndexedPassage] = {}
        self._row_of: dict[str, int] = {}
        # Sentences are looked at in the best passages only, so they stay out of the vectors that are all compared.
        self._sentences: dict[str, dict[int, npt.NDArray[np.float16]]] = {}
        self._is_faq = np.zeros(_FEW, np.bool_)
        self._exact: dict[str, dict[str, None]] = {}
        self.rows = 0  # one more than the highest number in use

    def __len__(self) -> int:
        return len(self.passages)

    def add(self, entry: Entry, vectors: PassageVectors | None) -> None:
        passage = entry.passage
        self._compact()
        row = self.rows
        self.rows += 1
        self._row_of[passage.id] = row
        self.passages[row] = passage
        self._mark(row, bool(passage.questions))
        self.keyword.add(row, entry.fields)
        for question in passage.questions:
            self._exact.setdefault(normalised_question(question), {})[passage.id] = None
        if vectors is not None:
            self._file(row, vectors)

    def add_vectors(self, passage: IndexedPassage, vectors: PassageVectors) -> None:
        """File more vectors of a passage, unless it was replaced meanwhile."""
        row = self._row_of.get(passage.id)
        if row is not None and self.passages[row] is passage:
            self._file(row, vectors)

    def remove(self, passage_id: str) -> None:
        row = self._row_of.pop(passage_id)
        passage = self.passages.pop(row)
        self.keyword.remove(row)
        for index in self.vectors.values():
            index.remove(row)
        for sentences in self._sentences.values():
            sentences.pop(row, None)
        for question in map(normalised_question, passage.questions):
            same = self._exact.get(question, {})
            same.pop(passage_id, None)
            if not same:
                self._exact.pop(question, None)

    def without_vectors(self, encoder: str) -> list[IndexedPassage]:
        """The passages that have no vectors from an encoder."""
        index = self.vectors.get(encoder)
        return [passage for row, passage in self.passages.items() if index is None or row not in index]

    def is_faq(self) -> npt.NDArray[np.bool_]:
        """By row number, whether it is a FAQ entry with questions."""
        return self._is_faq[: self.rows]

    def exact(self, question: str) -> int | None:
        """The row whose question this is; none when entries with the same question answer differently."""
        ids = self._exact.get(normalised_question(question), {})
        rows = [self._row_of[passage_id] for passage_id in ids]
        answers = {self.passages[row].answer for row in rows}
        return min(rows, key=lambda row: self.passages[row].id) if len(answers) == 1 else None

    def _compact(self) -> None:
        """Number the rows anew once most numbers are of removed ones: scores are computed for each number."""
        if self.rows <= 2 * len(self) + _SPARE_ROWS:
            return
        new_of = np.full(self.rows, -1, np.int64)
        new_of[list(self.passages)] = np.arange(len(self))
        self.keyword.renumber(new_of)
        for index in self.vectors.values():
            index.renumber(new_of)
        self._sentences = {
            encoder: {int(new_of[row]): vectors for row, vectors in known.items()}
            for encoder, known in self._sentences.items()
        }
        self.passages = {int(new_of[row]): passage for row, passage in self.passages.items()}
        self._row_of = {passage_id: int(new_of[row]) for passage_id, row in self._row_of.items()}
        marks = np.zeros_like(self._is_faq)
        marks[: len(self)] = [bool(self.passages[row].questions) for row in range(len(self))]
        self._is_faq = marks
        self.rows = len(self)

    def _mark(self, row: int, is_faq: bool) -> None:
        if row >= len(self._is_faq):
            self._is_faq = np.concatenate([self._is_faq, np.zeros_like(self._is_faq)])
        self._is_faq[row] = is_faq

    def best_sentences(self, encoder: str, vector: npt.NDArray[np.float32], rows: Sequence[int]) -> dict[int, float]:
        """The cosine of the nearest sentence of each of these rows that has sentences."""
        known = self._sentences.get(encoder, {})
        held = [row for row in rows if row in known]
        if not held:
            return {}
        starts = np.cumsum([0, *(len(known[row]) for row in held[:-1])])
        cosines = np.concatenate([known[row] for row in held]).astype(np.float32) @ vector
        return dict(zip(held, np.maximum.reduceat(cosines, starts).tolist(), strict=True))

    def _file(self, row: int, vectors: PassageVectors) -> None:
        own = 1 + len(self.passages[row].questions)
        if len(vectors.rows) > own:
            self._sentences.setdefault(vectors.encoder, {})[row] = vectors.rows[own:]
        self.vectors.setdefault(vectors.encoder, VectorIndex()).add(row, vectors.rows[:own])
