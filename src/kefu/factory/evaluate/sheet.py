"""What every report states alike, whatever the model's task: the model, the rows, their slices and the time taken."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.contracts.dataset import Dataset
from kefu.contracts.model_card import Judged, ModelCard, Slice
from kefu.factory.evaluate import slices
from kefu.factory.evaluate.served import Latency

Flags = npt.NDArray[np.bool_]

_OF_A_MODEL = "name task recipe runtime variant base_model languages seed options data_sha256 created"


def model_table(card: ModelCard, *more: str) -> dict[str, Any]:
    """The model that was examined; `more` are fields of the card that only its task has."""
    table = {name: getattr(card, name) for name in (*_OF_A_MODEL.split(), *more)}
    table["own_heads"] = {head.language: head.base_model for head in card.own_heads}
    return {**table, "size_mb": card.metrics.get("size_mb")}


def rows_table(data: Dataset, name: str, rows: int) -> dict[str, Any]:
    return {"name": name, "sha256": data.sha256, "rows": rows}


def slices_table(parts: Mapping[str, Slice], timed: Sequence[Latency]) -> dict[str, Any]:
    """The slices, the worst of them, and the latencies."""
    return {
        "slices": {part: {**asdict(each), "accuracy": each.accuracy} for part, each in parts.items()},
        "worst_slice": slices.worst(parts),
        "latency": [asdict(each) for each in timed],
    }


def verdicts(right: Flags) -> str:
    """A character for each row, 1 for a right one: what another model's are paired with."""
    return "".join("1" if one else "0" for one in right)


def fill(card: ModelCard, table: Mapping[str, Any], data: Dataset, told: str) -> ModelCard:
    """The card with what was found: metrics that are numbers, and what the gate compares.

    What training found stays; what an earlier examination found gives way.
    """
    found = {name: round(value, 6) for name, value in table["metrics"].items() if value is not None}
    for each in [one for one in table["latency"] if one["threads"] == 1] or table["latency"][:1]:
        found |= {"latency_p50_ms": each["p50"], "latency_p95_ms": each["p95"]}
    parts = {name: Slice(each["rows"], each["right"]) for name, each in table["slices"].items()}
    kept = {name: value for name, value in card.metrics.items() if name not in table["metrics"]}
    return replace(card, metrics={**kept, **found}, judged=Judged(data.sha256, told, parts))
