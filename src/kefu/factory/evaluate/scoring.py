"""A model that gives numbers on a file of numbers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.contracts.dataset import Dataset
from kefu.contracts.engine import Scorer
from kefu.contracts.job import Tell
from kefu.contracts.model_card import ModelCard, Slice
from kefu.factory.evaluate import slices
from kefu.factory.evaluate.exam import scored_rows
from kefu.factory.evaluate.metrics import score_figures
from kefu.factory.evaluate.paired import accuracy_interval
from kefu.factory.evaluate.served import latencies, scorer, scores
from kefu.factory.evaluate.sheet import Flags, model_table, rows_table, slices_table

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
        "model": model_table(card),
        "data": rows_table(data, name, len(rows)),
        "metrics": {**score_figures(given, meant), "sign": float(right.mean()), "sign_low": low, "sign_high": high},
        "points": _points(given, meant),
        "mistakes": _mistakes(texts, [each.row for each in rows], given, meant),
        **slices_table(parts, timed),
    }
    return right, table


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
