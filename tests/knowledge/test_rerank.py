"""What search found, in another order: scores, certainty and exact hits stay."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from kefu.contracts.engine import EngineCard
from kefu.contracts.index import KnowledgeIndex
from kefu.engines.reranker.engine import RerankerEngine
from kefu.kit.errors import Busy, Unavailable
from kefu.knowledge.rerank import RerankedIndex, joined, order_of, text_of

from .test_search import articles, faq, filled, text


class Scripted:
    """`contracts.engine.Reranker`: passages that hold a word gain."""

    def __init__(self, reference: str = "warranty", options: Mapping[str, Any] | None = None) -> None:
        self.word, self.asked, self.fails = reference, [], None
        self.most = 4

    def card(self) -> EngineCard:
        return EngineCard("scripted", "1")

    async def load(self) -> None:
        """Nothing to read."""

    async def close(self) -> None:
        """Nothing to free."""

    def reads(self) -> int:
        return self.most

    async def relevance(self, question: str, passages: Sequence[str]) -> np.ndarray:
        self.asked.append((question, list(passages)))
        if self.fails is not None:
            raise self.fails
        return np.array([self.word in passage for passage in passages], np.float32)

    gains = relevance


QUESTION = "valid three years"


async def test_what_the_reader_prefers_comes_first_and_places_keep_their_scores() -> None:
    index, reader = await filled(*articles()), Scripted()
    before = await index.search(QUESTION, "en", 4)
    after = await RerankedIndex(index, reader).search(QUESTION, "en", 2)
    assert [hit.passage.id for hit in before.hits[:2]] == ["en3", "en2"]
    assert [hit.passage.id for hit in after.hits] == ["en2", "en3"]
    assert [hit.score for hit in after.hits] == [hit.score for hit in before.hits[:2]]
    assert after.hits[0].features["found"] == before.hits[1].score
    assert after.hits[0].features["gain"] == 1
    assert after.confidence == before.confidence
    assert after.features["share"] > 0.9
    ((question, passages),) = reader.asked
    assert question == QUESTION
    assert len(passages) == 4  # more are read than are given


async def test_an_order_that_stays_changes_nothing_else() -> None:
    index = await filled(*articles())
    before = await index.search(QUESTION, "en", 3)
    after = await RerankedIndex(index, Scripted("nowhere")).search(QUESTION, "en", 3)
    assert [hit.passage for hit in after.hits] == [hit.passage for hit in before.hits]
    assert after.features == before.features


async def test_a_question_that_is_an_entrys_own_is_not_read() -> None:
    reader = Scripted("Change")
    index = await filled(faq("f", "How long is the warranty?", "Three years."), *articles())
    found = await RerankedIndex(index, reader).search("How long is the warranty?", "en", 1)
    assert found.exact is not None
    assert [hit.passage.id for hit in found.hits] == ["f"]
    assert not reader.asked


@pytest.mark.parametrize("error", [Busy("full"), Unavailable("gone")])
async def test_while_the_reader_is_busy_or_away_searchs_order_stands(error: Exception) -> None:
    index, reader = await filled(*articles()), Scripted()
    reader.fails = error
    found = await RerankedIndex(index, reader).search(QUESTION, "en", 2)
    assert [hit.passage.id for hit in found.hits] == ["en3", "en2"]
    assert found.features["not_reranked"] == 1


async def test_it_is_an_index_like_any() -> None:
    index = RerankedIndex(await filled(*articles()), Scripted())
    assert isinstance(index, KnowledgeIndex)
    assert len(index) == 8
    index.drop(["en3"])
    assert "en3" not in [hit.passage.id for hit in (await index.search(QUESTION, "en", 5)).hits]
    index.put([(text("new", "Umbrellas are yellow."), None)])
    assert len(index) == 8
    assert len((await index.search("umbrellas", "en", 0)).hits) == 0


def test_question_and_passage_are_read_as_one_text_and_cut_to_fit() -> None:
    assert joined([1, 5, 6, 2], [1, 7, 8, 2], 20) == [1, 5, 6, 2, 7, 8, 2]
    assert joined([1, 5, 6, 2], [1, 7, 8, 9, 2], 6) == [1, 5, 2, 7, 8, 2]
    assert joined([1, 5, 2], [1, *range(3, 40), 2], 8) == [1, 5, 2, 3, 4, 5, 6, 2]


def test_what_is_level_keeps_searchs_order() -> None:
    assert order_of([0.5, 0.4, 0.3], [0.0, 0.1, 0.0]) == [0, 1, 2]
    assert order_of([0.5, 0.4, 0.3], [0.0, 0.11, 0.3]) == [2, 1, 0]


def test_an_entry_is_read_with_its_question() -> None:
    assert text_of(faq("f", "How long?", "Three years.", "Other wording?")) == "How long?\nThree years."
    assert text_of(text("t", "Lamps shine.")) == "Lamps shine."


async def test_an_engine_that_is_not_loaded_says_so() -> None:
    engine = RerankerEngine("path:/nowhere", {})
    with pytest.raises(Unavailable):
        engine.reads()
    with pytest.raises(Unavailable):
        await engine.relevance("q", ["p"])
