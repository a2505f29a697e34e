"""An encoder on a file of questions and passages: where each question's passage comes among all of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.contracts.dataset import Dataset
from kefu.contracts.engine import Encoder, Matrix
from kefu.contracts.model_card import ModelCard
from kefu.factory.evaluate import slices
from kefu.factory.evaluate.paired import accuracy_interval
from kefu.factory.evaluate.served import encoder, latency
from kefu.factory.evaluate.sheet import Flags, model_table, rows_table, slices_table
from kefu.kit.runtime import run
from kefu.knowledge.pairs import Pair, pairs_of

Ranks = npt.NDArray[np.int64]

FIRST = 5
_CHUNK = 64
_MISTAKES, _SHOWN_CHARACTERS = 30, 300


def judged_pairs(reference: str, card: ModelCard, data: Dataset, name: str) -> tuple[Flags, dict[str, Any]]:
    """Which questions find their passage in the first five, and the report. Raises BadInput for data without pairs."""
    pairs = pairs_of(data, name)
    with encoder(reference) as engine:
        ranks = ranks_of(engine, pairs)
        timed = latency(engine, [each.question for each in pairs])
    right = ranks < FIRST
    low, high = accuracy_interval(right)
    parts = slices.by_language([each.question for each in pairs], [each.language for each in pairs], right)
    parts |= slices.by_length([each.question for each in pairs], right)
    table = {
        "model": model_table(card),
        "data": rows_table(data, name, len(pairs)),
        "metrics": {
            "recall_1": float((ranks < 1).mean()),
            "recall_5": float(right.mean()),
            "recall_5_low": low,
            "recall_5_high": high,
            "mrr": float((1 / (ranks + 1)).mean()),
            "accuracy": float(right.mean()),
        },
        "mistakes": mistakes(pairs, ranks, first=FIRST),
        **slices_table(parts, [timed]),
    }
    return right, table


def ranks_of(engine: Encoder, pairs: Sequence[Pair]) -> Ranks:
    """How many passages of the file, those that answer nothing among them, stand before each question's own."""
    passages = list(dict.fromkeys(text for each in pairs for text in (each.passage, *each.negatives)))
    place = {passage: at for at, passage in enumerate(passages)}
    asked = _embedded(engine, [each.question for each in pairs], "query")
    found = _embedded(engine, passages, "passage")
    return ranks(asked, found, np.array([place[each.passage] for each in pairs]))


def ranks(questions: Matrix, passages: Matrix, right: npt.NDArray[np.int64]) -> Ranks:
    """The same for unit vectors [n, d] and [m, d]; `right` [n] are rows of the passages."""
    scores = questions @ passages.T
    own = scores[np.arange(len(right)), right]
    return np.asarray((scores > own[:, None]).sum(axis=1), np.int64)


def _embedded(engine: Encoder, texts: Sequence[str], kind: Any) -> Matrix:
    parts = [run(engine.embed(texts[at : at + _CHUNK], kind)) for at in range(0, len(texts), _CHUNK)]
    return np.concatenate(parts)


def mistakes(pairs: Sequence[Pair], found: Ranks | npt.NDArray[np.float64], *, first: int) -> list[dict[str, Any]]:
    """The questions whose passage comes latest, none of them among the `first`; infinite is not found at all."""
    worst = np.argsort(-found, kind="stable")[:_MISTAKES]
    return [
        {
            "row": pairs[at].row,
            "text": pairs[at].question[:_SHOWN_CHARACTERS],
            "truth": pairs[at].passage[:_SHOWN_CHARACTERS],
            "predicted": f"comes as number {int(found[at]) + 1}" if np.isfinite(found[at]) else "is not found",
            "confidence": 0.0,
        }
        for at in worst.tolist()
        if found[at] >= first
    ]
