"""A model that gives numbers on a file of numbers."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.contracts.dataset import Dataset
from kefu.contracts.engine import Scorer
from kefu.contracts.job import Tell
from kefu.contracts.model_card import Judged, ModelCard, Slice
from kefu.factory.evaluate import slices
from kefu.factory.evaluate.exam import scored_rows
from kefu.factory.evaluate.metrics import score_figures
from kefu.factory.evaluate.paired import accuracy_interval
from kefu.factory.evaluate.served import latencies, scorer, scores

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

_POINTS, _MISTAKES, _SHOWN_CHARACTERS = 500, 30, 300


def judged_scores(
    folder: Path, card: ModelCard, data: Dataset, name: str, tell: Tell | None = None
) -> tuple[Flags, dict[str, Any]]:
    """Which rows' sign the model has right, and its report. Raises BadInput for data without numbers."""
    rows = scored_rows(data, name)
    texts = [each.text for each in rows]
    meant = np.array([each.score for each in rows], np.float32)
    with scorer(folder) as engine:
        given = scores(engine, texts, tell)
        right = np.sign(given) == np.sign(meant)
        parts = slices.by_language(texts, [each.language for each in rows], right) | slices.by_length(texts, right)
        parts |= _forms(engine, texts, meant)
        timed = latencies(engine.score, folder, texts, card.task)
    low, high = accuracy_interval(right)
    table = {
        "model": {"name": card.name, "task": card.task, "recipe": card.recipe, "runtime": card.runtime}
        | {"variant": card.variant, "base_model": card.base_model, "languages": card.languages, "seed": card.seed}
        | {"options": card.options, "data_sha256": card.data_sha256, "created": card.created}
        | {"size_mb": card.metrics.get("size_mb")},
        "data": {"name": name, "sha256": data.sha256, "rows": len(rows)},
        "metrics": {**score_figures(given, meant), "sign": float(right.mean()), "sign_low": low, "sign_high": high},
        "points": _points(given, meant),
        "mistakes": _mistakes(texts, [each.row for each in rows], given, meant),
        "slices": {part: {**asdict(each), "accuracy": each.accuracy} for part, each in parts.items()},
        "worst_slice": slices.worst(parts),
        "latency": [asdict(each) for each in timed],
    }
    return right, table


def scores_on_card(card: ModelCard, data: Dataset, right: Flags, table: dict[str, Any]) -> ModelCard:
    """The card with what was found."""
    found = {name: round(value, 6) for name, value in table["metrics"].items()}
    for each in table["latency"]:
        if each["threads"] == 1:
            found |= {"latency_p50_ms": each["p50"], "latency_p95_ms": each["p95"]}
    parts = {name: Slice(each["rows"], each["right"]) for name, each in table["slices"].items()}
    kept = {name: value for name, value in card.metrics.items() if name not in table["metrics"]}
    told = "".join("1" if one else "0" for one in right)
    return replace(card, metrics={**kept, **found}, judged=Judged(data.sha256, told, parts))


def _forms(engine: Scorer, texts: Sequence[str], meant: Floats) -> dict[str, Slice]:
    found = {}
    for form in slices.rewritten(texts):
        given = scores(engine, form.texts)
        right = int((np.sign(given) == np.sign(meant[list(form.rows)])).sum())
        found[form.name] = Slice(len(form.rows), right)
    return found


def _points(given: Floats, meant: Floats) -> list[list[float]]:
    """[meant, given] of some rows, spread over the file."""
    step = max(1, -(-len(given) // _POINTS))
    return [[round(float(one), 3), round(float(two), 3)] for one, two in zip(meant[::step], given[::step], strict=True)]


def _mistakes(texts: Sequence[str], rows: Sequence[int], given: Floats, meant: Floats) -> list[dict[str, Any]]:
    """The rows that are furthest off."""
    order = np.argsort(-np.abs(given - meant), kind="stable")[:_MISTAKES].tolist()
    return [
        {
            "row": rows[at],
            "text": texts[at][:_SHOWN_CHARACTERS],
            "truth": round(float(meant[at]), 3),
            "predicted": round(float(given[at]), 3),
        }
        for at in order
    ]
