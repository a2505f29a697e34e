"""Questions with and without an answer in what is searched: what confidence is calibrated on and measured by."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import corpora
import numpy as np
from corpora import COMPANIES, Corpus, Question

from engines import Encoders
from kefu.contracts.index import Evidence, IndexedPassage, PassageVectors
from kefu.knowledge.embedding import embed_passages
from kefu.knowledge.search import WorkspaceIndex

# Each is asked its own questions, those of the others, its own again with the answer taken out, and, where somebody
# wrote them, questions near to its own that it does not answer.
GROUPS = {
    "en": ("doc2dial", "dstc11", "dstc9", "demo_faq_en", "demo_en", "shops_en", *COMPANIES),
    "zh": ("cmrc", "tidb", "demo_faq_zh", "demo_zh", "shops_zh"),
}
# Questions of each kind for each corpus: enough for a standard error below 2%.
SAMPLE = 400


@dataclass(frozen=True)
class Case:
    """One question asked of one corpus; `kind` is own, foreign, left_out or near.

    `right`: the first hit answers it; `near`: one of the first five does.
    """

    corpus: str
    kind: str
    question: str
    half: int
    evidence: Evidence
    right: bool
    near: bool


class Filed:
    """A corpus in an index, from which parts can be taken while a question is asked."""

    def __init__(self, corpus: Corpus, vectors: Sequence[PassageVectors], index: WorkspaceIndex) -> None:
        self.corpus, self.index = corpus, index
        self._pairs = {passage.id: (passage, own) for passage, own in zip(corpus.passages, vectors, strict=True)}
        self._asked_of: dict[str, list[str]] = {}
        for passage in corpus.passages:
            for question in passage.questions:
                self._asked_of.setdefault(question, []).append(passage.id)
        index.put(self._pairs.values())

    async def asking(self, question: Question, k: int = 5) -> Evidence:
        """What is found for a question while no entry has it among its phrasings."""
        known = [self._pairs[passage_id] for passage_id in self._asked_of.get(question.text, ())]
        known = [pair for pair in known if len(pair[0].questions) > 1]
        self.index.put(_without(pair, question.text) for pair in known)
        found = await self.index.search(question.text, self.corpus.language, k)
        self.index.put(known)
        return found

    async def without_answer(self, question: Question) -> Evidence:
        """What is found while the documents that answer the question are out."""
        documents = {self._pairs[passage_id][0].document_id for passage_id in question.gold}
        # The hotel's other entries and the article's other passages stay: the hardest questions of all.
        few = self.corpus.name.startswith(("dstc", "demo"))
        out = [
            pair
            for pair in self._pairs.values()
            if (pair[0].id in question.gold if few else pair[0].document_id in documents)
        ]
        self.index.drop(passage.id for passage, _ in out)
        found = await self.index.search(question.text, self.corpus.language, 5)
        self.index.put(out)
        return found


def _without(pair: tuple[IndexedPassage, PassageVectors], question: str) -> tuple[IndexedPassage, PassageVectors]:
    passage, vectors = pair
    at = passage.questions.index(question)
    questions = passage.questions[:at] + passage.questions[at + 1 :]
    return replace(passage, questions=questions), replace(vectors, rows=np.delete(vectors.rows, at + 1, axis=0))


async def cases(data: Path, language: str, encoders: Encoders, sample: int = SAMPLE) -> list[Case]:
    """Ask every corpus of a language all kinds of question."""
    loaded = [corpora.load(name, data) for name in GROUPS[language]]
    asked: list[Case] = []
    for corpus in loaded:
        filed = Filed(corpus, await embed_passages(corpus.passages, encoders), WorkspaceIndex(encoders))
        own = _some([question for question in corpus.questions if question.gold], sample)
        near = _some([question for question in corpus.questions if not question.gold], sample)
        asked += [_case(corpus, "own", question, await filed.asking(question)) for question in own]
        asked += [_case(corpus, "near", question, await filed.asking(question)) for question in near]
        others = [other for other in loaded if _is_foreign(other, corpus)]
        for other in others:
            foreign = _some([question for question in other.questions if question.gold], sample // len(others))
            asked += [_case(corpus, "foreign", question, await filed.asking(question)) for question in foreign]
        asked += [_case(corpus, "left_out", question, await filed.without_answer(question)) for question in own]
    return asked


def _case(corpus: Corpus, kind: str, question: Question, evidence: Evidence) -> Case:
    found = [kind == "own" and hit.passage.id in question.gold for hit in evidence.hits]
    return Case(
        corpus.name,
        kind,
        question.text,
        corpora.half(question.group),
        evidence,
        right=bool(found) and found[0],
        near=any(found),
    )


def _is_foreign(other: Corpus, corpus: Corpus) -> bool:
    """Whether the one's questions are none of the other's business: shops are all asked for refunds and delivery."""
    kinds = {_family(other), _family(corpus)}
    return len(kinds) == 2 and not kinds <= {"demo", "shop", "comp"}


def _family(corpus: Corpus) -> str:
    """DSTC9 and DSTC11 are the same hotels and restaurants: the one's questions are answered by the other."""
    return corpus.name[:4]


def _some(questions: Sequence[Question], count: int) -> list[Question]:
    """The same sample in every run."""
    return random.Random(1).sample(list(questions), min(count, len(questions)))
