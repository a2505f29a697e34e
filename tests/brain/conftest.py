"""A small shop's knowledge, and an index that counts shared words, so that confidence is plain in a test."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import pytest

from kefu.brain.tools import Tools
from kefu.brain.turn import answer
from kefu.contracts.engine import Generator, Said
from kefu.contracts.index import Evidence, Hit, IndexedPassage, PassageVectors
from kefu.contracts.turn import Policy, TurnOutcome, TurnRequest
from kefu.kit.errors import KefuError
from kefu.knowledge.words import normalised_question, tokenise


class WordIndex:
    """A KnowledgeIndex: confidence is the share of the question's words that the best passage holds."""

    def __init__(self, passages: Iterable[IndexedPassage] = (), failure: KefuError | None = None) -> None:
        self._passages = {passage.id: passage for passage in passages}
        self._failure = failure
        self.searched: list[str] = []

    async def search(self, question: str, language: str, k: int = 5) -> Evidence:
        self.searched.append(question)
        if self._failure is not None:
            raise self._failure
        asked = set(tokenise(question, language))
        hits = [self._hit(passage, asked, language) for passage in self._passages.values()]
        hits = sorted((hit for hit in hits if hit.score > 0), key=lambda hit: (-hit.score, hit.passage.id))[:k]
        exact = next((hit for hit in hits if self._is_exact(hit.passage, question)), None)
        if exact is not None:
            return Evidence(question, language, (exact,), 1.0, exact)
        return Evidence(question, language, tuple(hits), hits[0].score if hits else 0.0, features={"words": len(asked)})

    def put(self, passages: Iterable[tuple[IndexedPassage, PassageVectors | None]]) -> None:
        self._passages.update({passage.id: passage for passage, _ in passages})

    def drop(self, passage_ids: Iterable[str]) -> None:
        for passage_id in passage_ids:
            self._passages.pop(passage_id, None)

    def __len__(self) -> int:
        return len(self._passages)

    def _hit(self, passage: IndexedPassage, asked: set[str], language: str) -> Hit:
        held = set(tokenise(" ".join((*passage.heading_path, passage.text, *passage.questions)), language))
        return Hit(passage, len(asked & held) / len(asked) if asked else 0.0)

    def _is_exact(self, passage: IndexedPassage, question: str) -> bool:
        return normalised_question(question) in map(normalised_question, passage.questions)


def text_passage(number: int, heading: str, body: str, language: str = "en") -> IndexedPassage:
    text = f"{heading}\n\n{body}"
    return IndexedPassage(
        f"p{number}", f"d{number}", f"{heading}.md", heading, text, 100, 100 + len(text), language, (heading,)
    )


def faq_passage(number: int, questions: Sequence[str], reply: str, language: str = "en") -> IndexedPassage:
    text = f"{questions[0]}\n{reply}"
    return IndexedPassage(
        f"f{number}", "faq", "faq.csv", "FAQ", text, 0, len(text), language, kind="faq", questions=tuple(questions),
        answer=reply,
    )  # fmt: skip


SHOP = (
    text_passage(
        1,
        "Delivery",
        "Standard delivery costs ¥12. It is free from ¥99. A parcel takes 2–4 working days. Swiftbird carries it.",
    ),
    text_passage(2, "Gift cards", "A gift card is valid for 36 months. It cannot be paid out in cash."),
    text_passage(
        3,
        "Invoices",
        "To get an invoice you need:\n- the order number\n- the name of your company\n- your tax number",
    ),
    faq_passage(1, ("Can I return shoes?", "Do you take shoes back?"), "Yes, unworn shoes within 30 days."),
    faq_passage(2, ("Can I return a coat?",), "Yes, coats within 45 days."),
    text_passage(4, "配送", "标准配送费用为 ¥12，满 ¥99 免运费。包裹需要 2 至 4 个工作日送达。", "zh"),
    faq_passage(3, ("衣服可以退货吗？",), "可以，衣服签收后 30 天内可退。", "zh"),
    faq_passage(4, ("鞋子可以退货吗？",), "可以，鞋子签收后 15 天内可退。", "zh"),
)
POLICY = Policy(answer_threshold=0.6, approved_threshold=0.7, clarify_threshold=0.4)


@pytest.fixture
def index() -> WordIndex:
    return WordIndex(SHOP)


Ask = Callable[..., "object"]


@pytest.fixture
def ask(index: WordIndex):
    """Ask the shop one question: `await ask("…", history=[…], policy=…, generator=…)`."""

    async def asked(
        text: str,
        *,
        history: Sequence[Said] = (),
        policy: Policy = POLICY,
        refusals: int = 0,
        generator: Generator | None = None,
        knowledge: WordIndex | None = None,
        hint: str | None = None,
        seconds: float = 30.0,
        models: Mapping[str, object] = {},
        contact: Mapping[str, object] = {},
        **listeners: object,
    ) -> TurnOutcome:
        request = TurnRequest("t1", "w1", "c1", text, tuple(history), policy, refusals, hint, contact=contact)
        return await answer(
            request,
            Tools(index if knowledge is None else knowledge, generator, generation_seconds=seconds, **models),
            **listeners,
        )

    return asked
