"""Ranked passages of one workspace: keyword and vector search, fused, with a calibrated confidence."""

import asyncio
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kefu.contracts.engine import Encoder
from kefu.contracts.index import Evidence, Hit, IndexedPassage, PassageVectors
from kefu.kit.errors import Busy, Unavailable
from kefu.kit.log import Log
from kefu.knowledge import confidence
from kefu.knowledge.embedding import ANY_LANGUAGE, embed_passages, encoder_key
from kefu.knowledge.shelf import Entry, Shelf
from kefu.knowledge.vectors import Nearness
from kefu.knowledge.words import simplified, tokenise

Floats = npt.NDArray[np.float32]

# Nearest rows asked of the graph when there are too many for the exact product.
_NEAREST = 200
# Passages embedded again for a language that has none of its own: a question waits this long, then the rest is made
# behind its back.
_BRIDGE_SECONDS = 2.0
_BRIDGE_BATCH = 32
# Passages whose sentences are looked at, and what the nearest one counts beside the whole passage (half 0 of Doc2Dial:
# R@1 0.52 by passages alone, 0.56 with 0.3, 0.53 by the sentence alone when it is nearer).
_CANDIDATES = 30
_SENTENCE = 0.3
# Confidence looks at the first five hits.
_JUDGED = 5
_CROWD = 10
# What one hit's lead over another says of which is the better answer, in log-odds for a lead of 1, and among how many
# hits that is asked. Chosen on tests/demo/dev_questions.jsonl: where the share is above a half, the first hit is right
# for 0.97 of the answerable English questions and all of the Chinese ones.
_ODDS = {"en": 30.0, ANY_LANGUAGE: 70.0}
_COMPARED = 8
_SMALLEST = 1e-9

_log = Log(__name__)


@dataclass(frozen=True)
class Fusion:
    """What counts how much in a passage's score.

    The score of a text is `vector` * cosine + `text` * keyword share; that of a FAQ entry counts keywords by `faq`.
    `lift` keeps the two kinds level: e5 puts short texts nearer to a question than long ones that answer as well.

    The cosine of an entry is half its answer's and half its question's where it has one question. The more it has, the
    less its answer counts, down to `answer`; the mean of its questions counts `questions`, the best one the rest.
    """

    vector: float
    text: float
    faq: float
    lift: float
    answer: float = 0.3
    questions: float = 0.3

    def of_entry(self, near: Nearness) -> Floats:
        """The cosine of FAQ entries, by row."""
        answer = self.answer + (_ANSWER_OF_ONE - self.answer) / np.maximum(near.others, 1)
        mean = np.minimum(self.questions, 1 - answer)
        return (answer * near.first + mean * near.mean + (1 - answer - mean) * near.highest).astype(np.float32)


# Chosen on the questions of half 0 of benchmarks/retrieval.py; what answers and questions count, and the lift, on the
# demo's FAQ wordings, asked with their entry in the index and without it, when an article has to win. The cosines of e5
# lie between 0.75 and 0.95, those of MiniLM between 0 and 0.9, so beside e5 the same keyword share counts a quarter.
_FUSION = {
    "en": Fusion(vector=1.0, text=0.5, faq=0.1, lift=0.0),
    ANY_LANGUAGE: Fusion(vector=1.0, text=0.25, faq=0.1, lift=-0.015),
}
# DSTC11's entries have one question each: with 0.4 for the answer 0.99 of R@5 is left of 1.0.
_ANSWER_OF_ONE = 0.5


class WorkspaceIndex:
    """`contracts.index.KnowledgeIndex` in memory.

    `encoders` by language, "*" for the others. Passages in the question's language are searched; where there are none,
    those of all languages with the encoder "*", which must be multilingual. `fusion` replaces the weights that were
    chosen for each language.
    """

    def __init__(self, encoders: Mapping[str, Encoder], fusion: Fusion | None = None) -> None:
        self._encoders = encoders
        self._fusion = fusion
        self._lock = threading.RLock()
        self._shelves: dict[str, Shelf] = {}
        self._language_of: dict[str, str] = {}
        self._bridging: asyncio.Task[None] | None = None
        self._calibrations: dict[str, confidence.Calibration] = {}

    def calibrate(self, calibrations: Mapping[str, confidence.Calibration]) -> None:
        """Judge hits by these, by group, in place of the release's; groups that are not among them keep theirs."""
        self._calibrations = dict(calibrations)

    def __len__(self) -> int:
        return len(self._language_of)

    async def search(self, question: str, language: str, k: int = 5) -> Evidence:
        """The `k` best passages, best first. An empty index gives no hits and confidence 0.

        While the encoder is busy or away, words alone are searched; the evidence's feature `keywords_only` is then 1.
        """
        if not len(self) or not question.strip() or k < 1:
            return Evidence(question, language, (), 0.0)
        is_at_home = language in self._shelves
        group = language if is_at_home and language in self._encoders else ANY_LANGUAGE
        asked = _Asked(question, language, group)
        if not self._is_exact(asked):
            asked = await self._with_vector(asked, is_at_home=is_at_home)
        fusion = self._fusion or _FUSION.get(group) or _FUSION[ANY_LANGUAGE]
        with self._lock:
            ranked = [_rank(shelf, asked, fusion) for shelf in self._open(asked)]
            return _evidence(asked, ranked, k, self._calibrations.get(group))

    async def _with_vector(self, asked: "_Asked", *, is_at_home: bool) -> "_Asked":
        """The question with its vector, or marked as one that has to do without."""
        encoder = self._encoders[asked.group]
        try:
            vector = (await encoder.embed([simplified(asked.question)], "query"))[0]
        except (Busy, Unavailable) as error:
            _log.warning("search_without_vectors", encoder=encoder_key(encoder), reason=error.code)
            return replace(asked, keywords_only=True)
        if not is_at_home:
            await self._bridge(encoder)
        return replace(asked, vector=vector, encoder=encoder_key(encoder))

    def _open(self, asked: "_Asked") -> list[Shelf]:
        """The shelves that are searched: the language's own, all where it has none.

        A question that only entries of another language have is looked for there: a sheet of few words is easily taken
        for another language's.
        """
        own, every = self._shelves.get(asked.language), list(self._shelves.values())
        if own is None or own.exact(asked.question) is not None:
            return every if own is None else [own]
        return [shelf for shelf in every if shelf.exact(asked.question) is not None] or [own]

    def _is_exact(self, asked: "_Asked") -> bool:
        """Whether a FAQ entry has just this question; it needs no vector then."""
        with self._lock:
            return any(shelf.exact(asked.question) is not None for shelf in self._open(asked))

    def put(self, passages: Iterable[tuple[IndexedPassage, PassageVectors | None]]) -> None:
        """Add passages, or replace those whose id is known."""
        for passage, vectors in passages:
            entry = Entry.of(passage)  # the slow part, outside the lock: a search waits for one passage at most
            with self._lock:
                self._drop(passage.id)
                self._language_of[passage.id] = passage.language
                self._shelves.setdefault(passage.language, Shelf(passage.language)).add(entry, vectors)

    def drop(self, passage_ids: Iterable[str]) -> None:
        """Remove passages; unknown ids are ignored."""
        for passage_id in passage_ids:
            with self._lock:
                self._drop(passage_id)

    def _drop(self, passage_id: str) -> None:
        language = self._language_of.pop(passage_id, None)
        if language is None:
            return
        self._shelves[language].remove(passage_id)
        if not len(self._shelves[language]):
            del self._shelves[language]

    async def _bridge(self, encoder: Encoder) -> None:
        """Give all passages vectors from the multilingual encoder; waits a while, not for all."""
        key = encoder_key(encoder)
        with self._lock:
            missing = [passage for shelf in self._shelves.values() for passage in shelf.without_vectors(key)]
        if not missing:
            return
        if self._bridging is None or self._bridging.done():
            self._bridging = asyncio.create_task(self._embed(missing, encoder))
        await asyncio.wait([self._bridging], timeout=_BRIDGE_SECONDS)

    async def _embed(self, passages: Sequence[IndexedPassage], encoder: Encoder) -> None:
        for at in range(0, len(passages), _BRIDGE_BATCH):
            some = passages[at : at + _BRIDGE_BATCH]
            try:
                vectors = await embed_passages(some, {ANY_LANGUAGE: encoder})
            except Unavailable:  # its engine was closed or failed; whoever asks next begins again
                return
            with self._lock:
                for passage, made in zip(some, vectors, strict=True):
                    shelf = self._shelves.get(self._language_of.get(passage.id, ""))
                    if shelf is not None:
                        shelf.add_vectors(passage, made)


@dataclass(frozen=True, eq=False)
class _Asked:
    """A question, the group of weights for it, its vector and the encoder's key; without vector, words alone count.

    `keywords_only`: it should have a vector, and the encoder gave none.
    """

    question: str
    language: str
    group: str
    vector: Floats | None = None
    encoder: str = ""
    keywords_only: bool = False


@dataclass(frozen=True, eq=False)
class _Ranked:
    """Scores of a shelf's rows for one question."""

    asked: _Asked
    shelf: Shelf
    terms: tuple[str, ...]
    cosine: Floats
    keyword: Floats
    fused: Floats
    exact: int | None


def _rank(shelf: Shelf, asked: _Asked, fusion: Fusion) -> _Ranked:
    terms = tuple(dict.fromkeys(tokenise(asked.question, shelf.language)))
    mass = sum(shelf.keyword.idf(term) for term in terms)
    keyword = shelf.keyword.scores(terms, shelf.rows) / np.float32(mass or 1.0)
    index = shelf.vectors.get(asked.encoder)
    is_faq = shelf.is_faq()
    if index is None or asked.vector is None:
        cosine = np.zeros(shelf.rows, np.float32)
    else:
        near = index.best(asked.vector, shelf.rows, _NEAREST)
        cosine = np.where(is_faq, fusion.of_entry(near), near.first)
    fused = fusion.vector * cosine + fusion.text * keyword
    if is_faq.any():
        # Entries are lifted by what the best text gains from its words, so that the two kinds stay comparable.
        best_text = float(keyword.max(initial=0.0, where=~is_faq))
        entry = fusion.vector * cosine + fusion.faq * keyword + (fusion.text - fusion.faq) * best_text + fusion.lift
        fused = np.where(is_faq & (cosine + keyword > 0), entry, fused)
    fused = (fused / (fusion.vector + fusion.text)).astype(np.float32)
    if asked.vector is not None:
        _look_closer(shelf, asked, fusion, cosine, fused)
    return _Ranked(asked, shelf, terms, cosine, keyword, fused, shelf.exact(asked.question))


def _look_closer(shelf: Shelf, asked: _Asked, fusion: Fusion, cosine: Floats, fused: Floats) -> None:
    """Let the nearest sentence of each of the best passages count in its cosine, and so in its score."""
    assert asked.vector is not None
    count = min(_CANDIDATES, len(fused))
    best = np.argpartition(fused, -count)[-count:].tolist()
    share = fusion.vector / (fusion.vector + fusion.text)
    for row, nearest in shelf.best_sentences(asked.encoder, asked.vector, best).items():
        change = _SENTENCE * (nearest - float(cosine[row]))
        cosine[row] += change
        fused[row] += share * change


def _evidence(
    asked: _Asked, ranked: Sequence[_Ranked], k: int, fitted: confidence.Calibration | None = None
) -> Evidence:
    """The best of all shelves, and what they are worth by what was fitted to the workspace, else the release."""
    places = [(float(r.fused[row]), r, row) for r in ranked for row in _best(r, max(k, _COMPARED))]
    places.sort(key=lambda place: (-place[0], place[1].shelf.passages[place[2]].id))
    exact = next(((r, r.exact) for r in ranked if r.exact is not None), None)
    if exact is not None:
        places = [(1.0, *exact), *(place for place in places if place[1:] != exact)]
    noted = {"keywords_only": 1.0} if asked.keywords_only else {}
    if not places:
        return Evidence(asked.question, asked.language, (), 0.0, None, noted)
    hits = tuple(_hit(*place) for place in places[:k])
    features = _features(asked, places[:_JUDGED]) | {"share": _share(asked, places[:_COMPARED])} | noted
    if exact is not None:
        return Evidence(asked.question, asked.language, hits, 1.0, hits[0], features)
    probability = _probability(asked, features, fitted)
    return Evidence(asked.question, asked.language, hits, probability, None, features)


def _probability(asked: _Asked, features: dict[str, float], fitted: confidence.Calibration | None) -> float:
    """How likely the first hit answers; where a workspace's own fit says so, the release's opinion is noted."""
    if asked.keywords_only:
        return confidence.by_keywords(features)
    release = confidence.calibration(asked.group).probability(features)
    if fitted is None:
        return release
    features["by_release"] = release
    return fitted.probability(features)


def _best(ranked: _Ranked, count: int) -> list[int]:
    """The rows with the highest fused scores, ties included, removed rows and zeros left out."""
    fused = ranked.fused
    if count < len(fused):
        lowest = max(float(np.partition(fused, -count)[-count]), _SMALLEST)
        rows = np.flatnonzero(fused >= lowest)
    else:
        rows = np.flatnonzero(fused > 0)
    return [row for row in rows.tolist() if row in ranked.shelf.passages]


def _hit(score: float, ranked: _Ranked, row: int) -> Hit:
    passage = ranked.shelf.passages[row]
    matched = None
    if passage.questions:
        of_questions = _cosines(ranked, row)[1 : len(passage.questions) + 1]
        matched = passage.questions[int(np.argmax(of_questions))] if len(of_questions) else None
    features = {"cosine": float(ranked.cosine[row]), "keyword": float(ranked.keyword[row])}
    return Hit(passage, min(1.0, max(0.0, score)), matched, features)


def _cosines(ranked: _Ranked, row: int) -> Floats:
    index, vector = ranked.shelf.vectors.get(ranked.asked.encoder), ranked.asked.vector
    return np.zeros(0, np.float32) if index is None or vector is None else index.cosines(vector, row)


def _crowd(scores: Floats, passages: int) -> float:
    """The mean of the eleventh to the twentieth highest score: what passages reach that merely share the subject."""
    count = min(2 * _CROWD, passages)
    highest = np.sort(np.partition(scores, -count)[-count:])
    return float(highest[: max(1, count - _CROWD)].mean())


def _distinct(places: Sequence[tuple[float, _Ranked, int]]) -> list[float]:
    """Scores, best first, of the places that say something else than those before them."""
    best: dict[str, float] = {}
    for score, ranked, row in places:
        passage = ranked.shelf.passages[row]
        best.setdefault(passage.answer or passage.text, score)
    return list(best.values())


def _share(asked: _Asked, places: Sequence[tuple[float, _Ranked, int]]) -> float:
    """How likely the first of these is the best answer, if one of them is: 1 / number of places where all are level."""
    return share_of(_distinct(places), asked.group)


def share_of(scores: Sequence[float], group: str) -> float:
    """The same for scores, best first, of passages that each say something else."""
    some = np.array(scores[:_COMPARED], np.float64)
    odds = _ODDS.get(group, _ODDS[ANY_LANGUAGE])
    return float(1 / np.exp(odds * (some - some[0])).sum())


def _features(asked: _Asked, places: Sequence[tuple[float, _Ranked, int]]) -> dict[str, float]:
    _, top, row = places[0]
    keyword = top.shelf.keyword
    cosines = _cosines(top, row)
    found = confidence.Found(
        terms={term: keyword.idf(term) for term in top.terms},
        seen=frozenset(term for term in top.terms if keyword.frequency(term)),
        held=[frozenset(top.terms) & frozenset(r.shelf.keyword.terms(at)) for _, r, at in places],
        cosines=[float(r.cosine[at]) for _, r, at in places],
        scores=_distinct(places),
        question_cosine=float(cosines[1:].max(initial=0.0)),
        keyword_scores=[float(r.keyword[at]) for _, r, at in places],
        crowd=_crowd(top.cosine, len(top.shelf)),
        keyword_crowd=_crowd(top.keyword, len(top.shelf)),
        is_entry=bool(top.shelf.passages[row].questions),
        agreement=0 < top.keyword.max() == top.keyword[int(np.argmax(top.cosine))],
    )
    passage = top.shelf.passages[row]
    return confidence.features(asked.question, f"{passage.title}\n{passage.text}", found)
