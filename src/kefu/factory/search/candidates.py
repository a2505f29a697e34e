"""What search finds for the questions of a file among its passages: what a reranker learns on, and is judged on.

It is the very search that serves, keywords and vectors fused: scores and order are those of customers' questions. Needs
no torch.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.contracts.engine import Encoder
from kefu.contracts.index import IndexedPassage
from kefu.contracts.job import Tell, Told
from kefu.factory.examples import languages_of
from kefu.kit import registry
from kefu.kit.runtime import run
from kefu.knowledge.embedding import ANY_LANGUAGE, DEFAULT_ENCODERS, embed_passages
from kefu.knowledge.language import detect
from kefu.knowledge.pairs import Pair
from kefu.knowledge.rerank import order_of
from kefu.knowledge.search import WorkspaceIndex

Floats = npt.NDArray[np.float32]

# What a reranker's logits may count beside search's scores, which lie a few hundredths apart. The least that is as good
# as any is taken; 0 leaves search's order.
_WEIGHTS = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_AT_ONCE = 256


@dataclass(frozen=True)
class Candidates:
    """For each question its passage's row, and the rows of the passages that were found, best first, with scores."""

    questions: tuple[str, ...]
    passages: tuple[str, ...]
    right: tuple[int, ...]
    found: tuple[tuple[int, ...], ...]
    scores: tuple[tuple[float, ...], ...]

    def texts(self, at: int) -> list[str]:
        """The passages that were found for a question."""
        return [self.passages[row] for row in self.found[at]]

    def places(self, order: Sequence[Sequence[int]] | None = None) -> npt.NDArray[np.float64]:
        """How many passages stand before each question's own, infinite where it was not found.

        `order` has the places of `found` for each question, best first; without it the order is search's.
        """
        places = []
        for at, rows in enumerate(self.found):
            listed = rows if order is None else [rows[place] for place in order[at]]
            places.append(float(listed.index(self.right[at])) if self.right[at] in rows else np.inf)
        return np.array(places, np.float64)


def candidates_of(pairs: Sequence[Pair], most: int, *, encoder: str = "", tell: Tell | None = None) -> Candidates:
    """Ask search every question of a file whose passages are all there is; `most` hits of each are kept.

    `encoder` serves in place of Kefu's own, as a reference. Raises what loading an encoder raises.
    """
    passages = list(dict.fromkeys(text for each in pairs for text in (each.passage, *each.negatives)))
    row = {text: at for at, text in enumerate(passages)}
    languages = _Languages(pairs, passages)
    with ExitStack() as stack:
        index = _index(passages, languages, encoder, stack)
        found: list[tuple[tuple[int, ...], tuple[float, ...]]] = []
        for at in range(0, len(pairs), _AT_ONCE):
            found += run(_searched(index, pairs[at : at + _AT_ONCE], languages, most))
            if tell is not None:
                tell(Told.PROGRESS, {"done": len(found), "total": len(pairs), "unit": "questions"})
    return Candidates(
        questions=tuple(each.question for each in pairs),
        passages=tuple(passages),
        right=tuple(row[each.passage] for each in pairs),
        found=tuple(rows for rows, _ in found),
        scores=tuple(scores for _, scores in found),
    )


def figures_of(places: npt.NDArray[np.float64]) -> dict[str, float]:
    """Recall among the first and the first five, and the mean reciprocal rank; a passage not found counts 0."""
    return {
        "mrr": float((1 / (1 + places)).mean()),
        "recall_1": float((places < 1).mean()),
        "recall_5": float((places < 5).mean()),
    }


def best_weight(candidates: Candidates, logits: Sequence[Floats]) -> float:
    """What logits count beside search's scores for the highest mean reciprocal rank, the least of those as good."""
    return max(
        _WEIGHTS, key=lambda weight: (round(figures_of(reordered(candidates, logits, weight))["mrr"], 6), -weight)
    )


def reordered(candidates: Candidates, logits: Sequence[Floats], weight: float) -> npt.NDArray[np.float64]:
    """The places of the right passages once logits count."""
    return candidates.places(
        [order_of(scores, (weight * own).tolist()) for scores, own in zip(candidates.scores, logits, strict=True)]
    )


class _Languages:
    """In which language each text is searched: where all are English, none is told to be something else."""

    def __init__(self, pairs: Sequence[Pair], passages: Sequence[str]) -> None:
        self.all_english = languages_of(passages) == ("en",)
        self._named = {each.question: each.language for each in pairs if each.language}

    def of(self, text: str) -> str:
        return "en" if self.all_english else self._named.get(text) or detect(text)


def _index(passages: Sequence[str], languages: _Languages, encoder: str, stack: ExitStack) -> WorkspaceIndex:
    """The passages as a workspace's knowledge."""
    groups = ["en"] if languages.all_english else [ANY_LANGUAGE] if encoder else list(DEFAULT_ENCODERS)
    encoders: dict[str, Any] = {group: _loaded(encoder or DEFAULT_ENCODERS[group], stack) for group in groups}
    known = [
        IndexedPassage(str(at), str(at), "", "", text, 0, len(text), languages.of(text))
        for at, text in enumerate(passages)
    ]
    index = WorkspaceIndex(encoders)
    index.put(zip(known, run(embed_passages(known, _for_passages(encoders))), strict=True))
    return index


def _for_passages(encoders: Mapping[str, Encoder]) -> Mapping[str, Encoder]:
    return encoders if ANY_LANGUAGE in encoders else {**encoders, ANY_LANGUAGE: encoders["en"]}


def _loaded(reference: str, stack: ExitStack) -> Encoder:
    engine: Encoder = registry.load("engines", "onnx", Encoder)(reference, {"threads": 0})
    stack.callback(lambda: run(engine.close()))
    run(engine.load())
    return engine


async def _searched(
    index: WorkspaceIndex, pairs: Sequence[Pair], languages: _Languages, most: int
) -> list[tuple[tuple[int, ...], tuple[float, ...]]]:
    found = []
    for each in pairs:
        hits = (await index.search(each.question, languages.of(each.question), most)).hits
        found.append((tuple(int(hit.passage.id) for hit in hits), tuple(hit.score for hit in hits)))
    return found
