"""Confidence fitted to a workspace's own FAQ."""

from collections.abc import Sequence

import numpy as np
import pytest

from kefu.contracts.engine import EngineCard, Matrix, TextKind
from kefu.contracts.index import IndexedPassage, PassageVectors
from kefu.knowledge.confidence import FEATURES, calibration
from kefu.knowledge.embedding import encoder_key
from kefu.knowledge.rehearsal import FEWEST_ENTRIES, Filed, Rehearsed, rehearse
from kefu.knowledge.search import WorkspaceIndex

DIMENSION = 48


class Still:
    """An encoder that must not be asked: a rehearsal has its vectors."""

    def card(self) -> EngineCard:
        return EngineCard("still", "1", "MIT", ("en",))

    async def load(self) -> None: ...

    async def close(self) -> None: ...

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Matrix:
        raise AssertionError("nothing is embedded")


ENCODER = Still()


def faq(entries: int, *, closeness: float = 2.0, phrasings: int = 5) -> list[Filed]:
    """Entries about things of their own, in families of four that are near to each other."""
    chance = np.random.default_rng(3)
    families = chance.normal(size=(entries // 4 + 1, DIMENSION))
    made = []
    for number in range(entries):
        own = closeness * families[number // 4] + chance.normal(size=DIMENSION)
        rows = np.stack([own + 0.7 * chance.normal(size=DIMENSION) for _ in range(phrasings + 1)])
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        questions = tuple(f"what about thing{number} way{at}?" for at in range(phrasings))
        answer = f"Thing{number} is ready."
        passage = IndexedPassage(
            f"p{number:03}", f"d{number}", "faq.csv", "", answer, 0, len(answer), "en", (), "faq", questions, answer
        )
        made.append((passage, PassageVectors(encoder_key(ENCODER), rows.astype(np.float16))))
    return made


async def rehearsed(filed: list[Filed]) -> list[Rehearsed]:
    return await rehearse(filed, {"en": ENCODER, "*": ENCODER})


async def test_a_faq_of_few_entries_keeps_the_releases_calibration() -> None:
    assert await rehearsed(faq(FEWEST_ENTRIES - 1)) == []


async def test_a_faq_of_one_phrasing_keeps_the_releases_calibration() -> None:
    assert await rehearsed(faq(FEWEST_ENTRIES, phrasings=1)) == []


async def test_vectors_of_another_encoder_tell_nothing() -> None:
    old = [(passage, PassageVectors("older@1.1", vectors.rows)) for passage, vectors in faq(FEWEST_ENTRIES)]
    assert await rehearsed(old) == []


async def test_a_fit_refuses_more_of_what_is_gone_and_answers_most_that_is_there() -> None:
    (fitted,) = await rehearsed(faq(100))
    assert (fitted.group, fitted.encoder, fitted.entries) == ("en", encoder_key(ENCODER), 100)
    assert fitted.refused > 0.5
    assert fitted.answered > 0.7
    assert set(fitted.as_json()["weights"]) == set(FEATURES)


async def test_the_same_knowledge_teaches_the_same() -> None:
    assert await rehearsed(faq(100)) == await rehearsed(faq(100)) != []


async def test_an_index_judges_by_what_was_fitted_and_notes_the_releases_opinion() -> None:
    filed = faq(100)
    (fitted,) = await rehearsed(filed)

    class Asked(Still):
        async def embed(self, texts: Sequence[str], kind: TextKind) -> Matrix:
            return np.asarray(filed[0][1].rows[1:2], np.float32)

    index = WorkspaceIndex({"en": Asked(), "*": Asked()})
    index.put(filed)
    before = await index.search("about thing0 in another way", "en")
    index.calibrate({"en": fitted.calibration})
    after = await index.search("about thing0 in another way", "en")
    assert after.features["by_release"] == pytest.approx(before.confidence)
    assert after.confidence == pytest.approx(fitted.calibration.probability(after.features))
    assert before.confidence == pytest.approx(calibration("en").probability(before.features))
