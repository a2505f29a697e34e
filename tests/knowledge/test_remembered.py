"""What remembers questions: once for a turn, bounded, and nobody can spoil what is remembered."""

import numpy as np
import pytest

from kefu.contracts.engine import Classified, Classifier, Encoder, EngineCard, RawScores, Scorer
from kefu.contracts.index import Evidence, Hit, IndexedPassage, KnowledgeIndex
from kefu.engines.scripted_encoder.engine import ScriptedEncoder
from kefu.knowledge.remembered import RememberedClassifier, RememberedEncoder, RememberedIndex, RememberedScorer


class Counting(ScriptedEncoder):
    asked: list[str]

    async def embed(self, texts, kind):
        self.asked = [*getattr(self, "asked", []), *texts]
        return await super().embed(texts, kind)


async def remembered(most: int = 2) -> tuple[Counting, RememberedEncoder]:
    encoder = Counting("scripted:test", {})
    await encoder.load()
    return encoder, RememberedEncoder(encoder, most)


async def test_a_question_is_embedded_once_and_comes_back_unspoilt() -> None:
    encoder, known = await remembered()
    assert isinstance(known, Encoder)
    first = await known.embed(["a"], "query")
    wanted = first.copy()
    first[:] = 0
    assert np.array_equal(await known.embed(["a"], "query"), wanted)
    assert encoder.asked == ["a"]


async def test_passages_and_batches_are_not_kept() -> None:
    encoder, known = await remembered()
    for _ in range(2):
        await known.embed(["a"], "passage")
        await known.embed(["a", "b"], "query")
    assert encoder.asked == ["a", "a", "b"] * 2


async def test_the_oldest_is_forgotten() -> None:
    encoder, known = await remembered(most=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        await known.embed([text], "query")
    assert encoder.asked == ["a", "b", "c", "b"]


# passages, intents and moods


class Index:
    """Finds a passage of the language it was made for, and counts how often it was asked."""

    def __init__(self, language: str = "en", **features: float) -> None:
        self.asked, self._language, self._features = 0, language, features

    def __len__(self) -> int:
        return 1

    async def search(self, question: str, language: str, k: int = 5) -> Evidence:
        self.asked += 1
        passage = IndexedPassage("p", "d", "d", "t", "x", 0, 1, self._language)
        return Evidence(question, language, (Hit(passage, 0.5, None, {}),), 0.5, None, self._features)

    def put(self, passages: object) -> None: ...

    def drop(self, passage_ids: object) -> None: ...


async def test_what_was_found_is_remembered_until_knowledge_changes() -> None:
    index = Index()
    known = RememberedIndex(index)
    assert isinstance(known, KnowledgeIndex)
    first = await known.search("a", "en")
    assert await known.search("a", "en") is first
    await known.search("a", "en", 3)
    await known.search("b", "en")
    assert index.asked == 3
    known.drop(["p"])
    known.put([])
    await known.search("a", "en")
    assert index.asked == 4


async def test_a_search_that_a_removal_overtakes_is_not_remembered() -> None:
    class Overtaken(Index):
        async def search(self, question: str, language: str, k: int = 5) -> Evidence:
            found = await super().search(question, language, k)
            if self.asked == 1:
                known.drop(["p"])
            return found

    index = Overtaken()
    known = RememberedIndex(index)
    stale = await known.search("a", "en")
    assert await known.search("a", "en") is not stale
    assert index.asked == 2


@pytest.mark.parametrize("index", [Index("zh"), Index(keywords_only=1.0), Index(not_reranked=1.0)])
async def test_what_may_be_found_better_in_a_moment_is_looked_for_again(index: Index) -> None:
    known = RememberedIndex(index)
    for _ in range(2):
        await known.search("a", "en")
    assert index.asked == 2


async def test_a_long_question_is_not_kept() -> None:
    index = Index()
    known = RememberedIndex(index)
    for _ in range(2):
        await known.search("a" * 501, "en")
    assert index.asked == 2


class Model:
    """Tells a text's length, as a label and as a number."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def card(self) -> EngineCard:
        return EngineCard("m", "1", ("en",))

    async def load(self) -> None: ...

    async def close(self) -> None: ...

    async def classify(self, texts: list[str]) -> list[Classified]:
        self.asked += texts
        return [Classified(str(len(text)), 1.0, False, 0.5, {}) for text in texts]

    async def raw(self, texts: list[str]) -> RawScores:
        return RawScores(*(np.zeros((len(texts), 1), np.float32) for _ in range(2)), np.zeros(len(texts), np.float32))

    async def score(self, texts: list[str]) -> np.ndarray:
        self.asked += texts
        return np.array([len(text) for text in texts], np.float32)


async def test_what_models_tell_of_a_question_is_remembered() -> None:
    model = Model()
    intents, moods = RememberedClassifier(model), RememberedScorer(model)
    assert isinstance(intents, Classifier)
    assert isinstance(moods, Scorer)
    for _ in range(2):
        assert [each.label for each in await intents.classify(["abc"])] == ["3"]
    assert model.asked == ["abc"]
    for _ in range(2):
        assert (await moods.score(["ab"])).tolist() == [2.0]
    assert model.asked == ["abc", "ab"]
    assert [each.label for each in await intents.classify(["abc", "a"])] == ["3", "1"], "of several nothing is kept"
    assert (await moods.score(["abc" * 200])).tolist() == [600.0]
    assert model.asked[2:] == ["abc", "a", "abc" * 200]
