"""Questions with and without an answer in what is searched: what confidence is calibrated on and measured by."""

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import corpora
from corpora import Corpus, Question

from engines import Encoders
from kefu.contracts.index import Evidence, IndexedPassage, PassageVectors
from kefu.knowledge.embedding import embed_passages
from kefu.knowledge.search import WorkspaceIndex

# Each is asked its own questions, those of the others, and its own again with the answer taken out.
GROUPS = {
    "en": ("doc2dial", "dstc11", "dstc9", "demo_faq_en", "demo_en"),
    "zh": ("cmrc", "tidb", "demo_faq_zh", "demo_zh"),
}
# Questions of each kind for each corpus: enough for a standard error below 2%.
SAMPLE = 400


@dataclass(frozen=True)
class Case:
    """One question asked of one corpus; `kind` is own, foreign or left_out. `right`: the first hit answers it."""

    corpus: str
    kind: str
    question: str
    half: int
    evidence: Evidence
    right: bool
    near: bool


async def cases(data: Path, language: str, encoders: Encoders, sample: int = SAMPLE) -> list[Case]:
    """Ask every corpus of a language all three kinds of question."""
    loaded = [corpora.load(name, data) for name in GROUPS[language]]
    asked: list[Case] = []
    for corpus in loaded:
        vectors = await embed_passages(corpus.passages, encoders)
        filed = list(zip(corpus.passages, vectors, strict=True))
        index = WorkspaceIndex(encoders)
        index.put(filed)
        own = _some(corpus.questions, sample)
        asked += [await _ask(index, corpus, "own", question) for question in own]
        others = [other for other in loaded if _family(other) != _family(corpus)]
        for other in others:
            foreign = _some(other.questions, sample // len(others))
            asked += [await _ask(index, corpus, "foreign", replace(q, gold=frozenset())) for q in foreign]
        asked += [case async for case in _left_out(index, corpus, filed, own)]
    return asked


async def _left_out(
    index: WorkspaceIndex,
    corpus: Corpus,
    filed: Sequence[tuple[IndexedPassage, PassageVectors]],
    questions: Sequence[Question],
) -> AsyncIterator[Case]:
    """Each question again while the documents that answer it are out."""
    document_of = {passage.id: passage.document_id for passage, _ in filed}
    for question in questions:
        documents = {document_of[passage_id] for passage_id in question.gold}
        if corpus.name.startswith(("dstc", "demo")):
            # The hotel's other entries and the article's other passages stay: the hardest questions of all.
            out = [pair for pair in filed if pair[0].id in question.gold]
        else:
            out = [pair for pair in filed if pair[0].document_id in documents]
        index.drop(passage.id for passage, _ in out)
        yield await _ask(index, corpus, "left_out", replace(question, gold=frozenset()))
        index.put(out)


async def _ask(index: WorkspaceIndex, corpus: Corpus, kind: str, question: Question) -> Case:
    evidence = await index.search(question.text, corpus.language, 5)
    found = [hit.passage.id in question.gold for hit in evidence.hits]
    return Case(
        corpus.name,
        kind,
        question.text,
        corpora.half(question.group),
        evidence,
        right=bool(found) and found[0],
        near=any(found),
    )


def _family(corpus: Corpus) -> str:
    """DSTC9 and DSTC11 are the same hotels and restaurants: the one's questions are answered by the other."""
    return corpus.name[:4]


def _some(questions: Sequence[Question], count: int) -> list[Question]:
    """The same sample in every run."""
    return random.Random(1).sample(list(questions), min(count, len(questions)))
