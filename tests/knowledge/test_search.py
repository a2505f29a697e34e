import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kefu.contracts.engine import Matrix, TextKind
from kefu.contracts.index import IndexedPassage, KnowledgeIndex, PassageVectors
from kefu.kit.errors import Busy, KefuError, Unavailable
from kefu.knowledge.embedding import embed_passages, encoder_key
from kefu.knowledge.search import WorkspaceIndex
from kefu.knowledge.vectors import VectorIndex

from .toy_encoder import DIMENSION, ToyEncoder

ENGLISH = (
    "Refunds reach your card within five days.",
    "Standard delivery costs twelve yuan.",
    "Lamps have a warranty of three years.",
    "Gift cards are valid for three years.",
    "Change your password in the settings of the app.",
)
CHINESE = ("退款在五天内到账。", "标准配送费十二元。", "灯具保修三年。")
# What the toy multilingual encoder knows of Chinese: both words mean the same.
MEANINGS = {"退款": "refund", "到账": "reach", "配送": "deliveri", "配送费": "deliveri", "保修": "warranti"}


def text(passage_id: str, says: str, language: str = "en", **fields: object) -> IndexedPassage:
    return replace(
        IndexedPassage(passage_id, passage_id, f"{passage_id}.md", "", says, 0, len(says), language), **fields
    )


def faq(passage_id: str, question: str, answer: str, *more: str, language: str = "en") -> IndexedPassage:
    return text(passage_id, f"{question}\n{answer}", language, kind="faq", questions=(question, *more), answer=answer)


def encoders() -> dict[str, ToyEncoder]:
    return {"en": ToyEncoder("toy-en"), "*": ToyEncoder("toy-any", MEANINGS)}


async def filled(*passages: IndexedPassage, engines: dict[str, ToyEncoder] | None = None) -> WorkspaceIndex:
    engines = engines or encoders()
    index = WorkspaceIndex(engines)
    index.put(zip(passages, await embed_passages(passages, engines), strict=True))
    return index


def articles() -> list[IndexedPassage]:
    return [
        *(text(f"en{at}", says) for at, says in enumerate(ENGLISH)),
        *(text(f"zh{at}", says, "zh") for at, says in enumerate(CHINESE)),
    ]


async def test_the_passage_about_the_question_is_first() -> None:
    index = await filled(*articles())
    evidence = await index.search("how long is the warranty of a lamp", "en", 3)
    assert next(hit.passage.id for hit in evidence.hits) == "en2"
    assert len(evidence.hits) == 3
    scores = [hit.score for hit in evidence.hits]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1
    assert isinstance(index, KnowledgeIndex)


async def test_passages_in_the_questions_language_are_searched() -> None:
    index = await filled(*articles())
    assert {hit.passage.language for hit in (await index.search("退款多久到账", "zh", 10)).hits} == {"zh"}
    assert {hit.passage.language for hit in (await index.search("refund", "en", 10)).hits} == {"en"}


async def test_without_passages_in_the_language_the_others_are_searched() -> None:
    engines = encoders()
    index = await filled(*articles()[:5], engines=engines)
    evidence = await index.search("退款多久到账", "zh", 2)
    assert evidence.hits[0].passage.id == "en0"
    embedded = sum(count for count, kind in engines["*"].calls if kind == "passage")
    await index.search("保修", "zh", 2)
    assert embedded == 5
    assert sum(count for count, kind in engines["*"].calls if kind == "passage") == embedded


async def test_an_exact_question_wins_without_the_encoder() -> None:
    engines = encoders()
    index = await filled(
        faq("a", "How do I return an item?", "In the app.", "Return an item?"),
        faq("b", "How do I return an item to a shop?", "We have no shops."),
        engines=engines,
    )
    calls = len(engines["en"].calls)
    evidence = await index.search("how do i RETURN an item", "en")
    assert evidence.exact is not None
    assert evidence.exact.passage.id == "a"
    assert evidence.hits[0] == evidence.exact
    assert evidence.confidence == 1.0
    assert len(engines["en"].calls) == calls
    assert (await index.search("return an item", "en")).exact is not None


async def test_an_exact_question_wins_though_its_entry_is_taken_for_another_language() -> None:
    index = await filled(
        faq("a", "How do I return an item?", "In the app."), replace(faq("b", "BOM here?", "Yes."), language="pt")
    )
    evidence = await index.search("bom here", "en")
    assert evidence.exact is not None
    assert evidence.exact.passage.id == "b"


async def test_one_question_with_two_answers_is_not_exact() -> None:
    index = await filled(
        faq("a", "Do you have wifi?", "Yes, free.", language="en"), faq("b", "Do you have wifi?", "No.", language="en")
    )
    assert (await index.search("Do you have wifi?", "en")).exact is None
    index.drop(["b"])
    assert (await index.search("Do you have wifi?", "en")).exact is not None


async def test_the_matched_wording_of_a_faq_entry_is_named() -> None:
    index = await filled(faq("a", "When do I get a refund?", "In five days.", "money reach card"))
    evidence = await index.search("when does money reach the card", "en")
    assert evidence.hits[0].matched_question == "money reach card"


async def test_one_embedding_call_for_a_question() -> None:
    engines = encoders()
    index = await filled(*articles(), engines=engines)
    engines["en"].calls.clear()
    await index.search("how long is the warranty", "en")
    assert engines["en"].calls == [(1, "query")]


@pytest.mark.parametrize("question", ["", "   ", "\n"])
async def test_an_empty_question_finds_nothing(question: str) -> None:
    index = await filled(*articles())
    evidence = await index.search(question, "en")
    assert (evidence.hits, evidence.confidence) == ((), 0.0)


async def test_an_empty_index_finds_nothing() -> None:
    index = await filled()
    evidence = await index.search("refund", "en")
    assert (evidence.hits, evidence.confidence, evidence.exact) == ((), 0.0, None)


async def test_a_passage_put_again_is_replaced_also_in_another_language() -> None:
    index = await filled(*articles())
    count = len(index)
    replacement = text("en0", "退货需要原包装。", "zh")
    index.put([(replacement, None)])
    assert len(index) == count
    assert "en0" not in {hit.passage.id for hit in (await index.search("refund card days", "en", 10)).hits}
    assert (await index.search("原包装", "zh", 1)).hits[0].passage == replacement


async def test_passages_without_vectors_are_found_by_their_words() -> None:
    index = WorkspaceIndex(encoders())
    index.put((passage, None) for passage in articles())
    assert (await index.search("password", "en", 1)).hits[0].passage.id == "en4"


async def test_vectors_of_other_weights_are_left_alone() -> None:
    engines = encoders()
    passage = articles()[0]
    (made,) = await embed_passages([passage], engines)
    index = WorkspaceIndex(engines)
    index.put([(passage, PassageVectors("another@1", made.rows[:, :8]))])
    assert (await index.search("refunds", "en", 1)).hits[0].passage == passage


async def test_features_explain_the_confidence() -> None:
    index = await filled(*articles())
    evidence = await index.search("how long is the warranty of a helicopter", "en")
    assert 0 < evidence.features["unseen"] <= 1
    assert evidence.features["coverage"] < 1
    assert {"cosine", "keyword"} <= set(evidence.hits[0].features)


PASSAGES = [*articles(), *(faq(f"faq{at}", f"Question {at} on refunds?", f"Answer {at}.") for at in range(3))]
STEPS = st.lists(st.tuples(st.booleans(), st.sampled_from(range(len(PASSAGES)))), max_size=30)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_putting_and_dropping_in_any_order_equals_a_fresh_index(steps: list[tuple[bool, int]]) -> None:
    async def check() -> None:
        engines = encoders()
        vectors = await embed_passages(PASSAGES, engines)
        index = WorkspaceIndex(engines)
        kept: dict[int, None] = {}
        for is_put, at in steps:
            if is_put:
                index.put([(PASSAGES[at], vectors[at])])
                kept[at] = None
            else:
                index.drop([PASSAGES[at].id])
                kept.pop(at, None)
        fresh = WorkspaceIndex(engines)
        fresh.put((PASSAGES[at], vectors[at]) for at in sorted(kept))
        assert len(index) == len(fresh) == len(kept)
        for question, language in (("refund on my card", "en"), ("退款到账", "zh"), ("question 1 on refunds", "en")):
            one, other = await index.search(question, language, 20), await fresh.search(question, language, 20)
            assert [hit.passage.id for hit in one.hits] == [hit.passage.id for hit in other.hits]
            assert one.confidence == pytest.approx(other.confidence, rel=1e-3)
            assert (one.exact and one.exact.passage.id) == (other.exact and other.exact.passage.id)

    asyncio.run(check())


async def test_numbers_of_removed_passages_are_let_go() -> None:
    index = await filled(*articles())
    vectors = await embed_passages(articles(), encoders())
    for _ in range(600):
        index.put(zip(articles(), vectors, strict=True))
    assert all(shelf.rows < 1100 for shelf in index._shelves.values())
    assert (await index.search("warranty lamp", "en", 1)).hits[0].passage.id == "en2"


async def test_searching_while_passages_change_never_fails() -> None:
    index = await filled(*articles())
    vectors = await embed_passages(articles(), encoders())
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            index.put(zip(articles(), vectors, strict=True))
            index.drop(["en0", "zh1"])

    writer = threading.Thread(target=change)
    writer.start()
    try:
        for _ in range(150):
            evidence = await index.search("warranty of a lamp", "en", 3)
            assert evidence.hits[0].passage.id == "en2"
    finally:
        stop.set()
        writer.join()


def test_many_vectors_are_searched_approximately_with_the_same_result() -> None:
    encoder = ToyEncoder()
    words = [f"word{at}" for at in range(300)]
    exact, approximate = VectorIndex(), VectorIndex(exact_rows=10)
    for at, word in enumerate(words):
        for index in (exact, approximate):
            index.add(at, encoder.vector(word)[None, :])
    for index in (exact, approximate):
        index.remove(5)
    query = encoder.vector("word7 word8")
    found = [index.best(query, len(words), 20).first for index in (exact, approximate)]
    assert {int(row) for row in found[0].argsort()[-2:]} == {7, 8} == {int(row) for row in found[1].argsort()[-2:]}
    assert found[1][5] == 0
    assert exact.cosines(query, 7).shape == (1,)
    assert query.shape[0] == DIMENSION


async def test_the_nearest_sentence_counts_in_a_long_passage() -> None:
    long = " ".join(ENGLISH)
    other = "Refunds cards lamps delivery warranty password. Something else about all of these subjects in the shop."
    index = await filled(text("long", long), text("other", other))
    evidence = await index.search("gift cards are valid for three years", "en", 2)
    assert evidence.hits[0].passage.id == "long"
    with_sentence = evidence.hits[0].features["cosine"]
    engine = encoders()["en"]
    assert with_sentence > float(engine.vector(long) @ engine.vector("gift cards are valid for three years"))


async def test_embedding_reports_progress_and_files_under_the_weights() -> None:
    engines = encoders()
    seen: list[tuple[int, int]] = []
    passages = [*articles(), faq("f", "One?", "Yes.", "Two?")]
    vectors = await embed_passages(passages, engines, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(passages) + 2, len(passages) + 2)
    assert vectors[-1].rows.shape == (3, DIMENSION)
    assert vectors[0].encoder == encoder_key(engines["en"])
    assert vectors[5].encoder == encoder_key(engines["*"])


class AwayEncoder(ToyEncoder):
    """Embeds until `trouble` comes."""

    trouble: KefuError | None = None

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Matrix:
        if self.trouble is not None:
            raise self.trouble
        return await super().embed(texts, kind)


@pytest.mark.parametrize("trouble", [Unavailable("The encoder is closed."), Busy("Too many.", retry_after=1)])
async def test_while_the_encoder_is_away_words_alone_are_searched(trouble: KefuError) -> None:
    engine = AwayEncoder("toy-en")
    index = await filled(*articles(), engines={"en": engine, "*": engine})
    sure = await index.search("the warranty of lamps", "en")
    engine.trouble = trouble
    evidence = await index.search("the warranty of lamps", "en")
    assert evidence.hits[0].passage.id == sure.hits[0].passage.id == "en2"
    assert evidence.features["keywords_only"] == 1.0
    assert "keywords_only" not in sure.features
    partly = await index.search("warranty of a kitchen blender bought abroad", "en")
    assert 0 < partly.confidence < 0.3 < evidence.confidence <= 1
    nothing = await index.search("refund", "xx")
    assert nothing.features["keywords_only"] == 1.0
    unknown = await index.search("gardening tools", "en")
    assert (unknown.hits, unknown.confidence, unknown.features) == ((), 0.0, {"keywords_only": 1.0})


async def test_a_known_question_is_exact_while_the_encoder_is_away() -> None:
    engine = AwayEncoder("toy-en")
    entry = faq("f", "Do you ship abroad?", "Yes, to twelve countries.")
    index = await filled(entry, engines={"en": engine, "*": engine})
    engine.trouble = Unavailable("The encoder is closed.")
    evidence = await index.search("do you ship abroad", "en")
    assert (evidence.confidence, evidence.exact is not None) == (1.0, True)
    assert "keywords_only" not in evidence.features


async def test_it_tells_how_surely_the_first_hit_is_the_best() -> None:
    two = await filled(faq("a", "How long is a refund?", "Five days."), faq("b", "Who gets a refund?", "All do."))
    level = (await two.search("refund", "en")).features["share"]
    assert 0.4 < level < 0.8
    clear = (await two.search("who gets one refund", "en")).features["share"]
    assert clear > 0.9
    same = await filled(faq("a", "How long is a refund?", "Five days."), faq("b", "How long, refund?", "Five days."))
    assert (await same.search("How long is one refund?", "en")).features["share"] == 1.0
