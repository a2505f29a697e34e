"""An encoder on a file of questions and passages: where each question's passage comes among all of them."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.contracts.dataset import Dataset
from kefu.contracts.engine import Encoder, Matrix
from kefu.contracts.model_card import Judged, ModelCard, Slice
from kefu.factory.evaluate import slices
from kefu.factory.evaluate.paired import accuracy_interval
from kefu.factory.evaluate.served import latency
from kefu.kit import registry
from kefu.kit.runtime import run
from kefu.knowledge.pairs import Pair, pairs_of

Flags = npt.NDArray[np.bool_]
Ranks = npt.NDArray[np.int64]

FIRST = 5
_CHUNK = 64
_MISTAKES, _SHOWN_CHARACTERS = 30, 300


def judged_pairs(reference: str, card: ModelCard, data: Dataset, name: str) -> tuple[Flags, dict[str, Any]]:
    """Which questions find their passage in the first five, and the report. Raises BadInput for data without pairs."""
    pairs = pairs_of(data, name)
    engine = registry.load("engines", "onnx", Encoder)(reference, {"threads": 0})
    run(engine.load())
    try:
        ranks = ranks_of(engine, pairs)
        timed = latency(engine, [each.question for each in pairs])
    finally:
        run(engine.close())
    right = ranks < FIRST
    low, high = accuracy_interval(right)
    parts = slices.by_language([each.question for each in pairs], [each.language for each in pairs], right)
    parts |= slices.by_length([each.question for each in pairs], right)
    table = {
        "model": {"name": card.name, "task": card.task, "recipe": card.recipe, "runtime": card.runtime}
        | {"variant": card.variant, "base_model": card.base_model, "languages": card.languages, "seed": card.seed}
        | {"options": card.options, "data_sha256": card.data_sha256, "created": card.created}
        | {"size_mb": card.metrics.get("size_mb")},
        "data": {"name": name, "sha256": data.sha256, "rows": len(pairs)},
        "metrics": {
            "recall_1": float((ranks < 1).mean()),
            "recall_5": float(right.mean()),
            "recall_5_low": low,
            "recall_5_high": high,
            "mrr": float((1 / (ranks + 1)).mean()),
            "accuracy": float(right.mean()),
        },
        "mistakes": _mistakes(pairs, ranks),
        "slices": {part: {**asdict(each), "accuracy": each.accuracy} for part, each in parts.items()},
        "worst_slice": slices.worst(parts),
        "latency": [asdict(timed)],
    }
    return right, table


def pairs_on_card(card: ModelCard, data: Dataset, right: Flags, table: dict[str, Any]) -> ModelCard:
    """The card with what was found."""
    found = {name: round(value, 6) for name, value in table["metrics"].items()}
    for each in table["latency"]:
        found |= {"latency_p50_ms": each["p50"], "latency_p95_ms": each["p95"]}
    parts = {name: Slice(each["rows"], each["right"]) for name, each in table["slices"].items()}
    told = "".join("1" if one else "0" for one in right)
    return replace(card, metrics={**card.metrics, **found}, judged=Judged(data.sha256, told, parts))


def ranks_of(engine: Encoder, pairs: Sequence[Pair]) -> Ranks:
    """How many passages stand before the right one, for each question."""
    passages = list(dict.fromkeys(each.passage for each in pairs))
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


def _mistakes(pairs: Sequence[Pair], found: Ranks) -> list[dict[str, Any]]:
    worst = np.argsort(-found, kind="stable")[:_MISTAKES]
    return [
        {
            "row": pairs[at].row,
            "text": pairs[at].question[:_SHOWN_CHARACTERS],
            "truth": pairs[at].passage[:_SHOWN_CHARACTERS],
            "predicted": f"comes as number {int(found[at]) + 1}",
            "confidence": 0.0,
        }
        for at in worst.tolist()
        if found[at] >= FIRST
    ]
