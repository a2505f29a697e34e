"""A reranker on a file of questions and passages: where each question's passage comes before it reads and after."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.contracts.dataset import Dataset
from kefu.contracts.model_card import ModelCard
from kefu.factory.evaluate import slices
from kefu.factory.evaluate.paired import accuracy_interval
from kefu.factory.evaluate.retrieval import mistakes
from kefu.factory.evaluate.served import list_latency, relevances, reranker
from kefu.factory.evaluate.sheet import Flags, model_table, rows_table, slices_table
from kefu.factory.search.candidates import Candidates, candidates_of, figures_of, reordered
from kefu.knowledge.pairs import pairs_of

Places = npt.NDArray[np.float64]


def judged_lists(folder: Path, card: ModelCard, data: Dataset, name: str) -> tuple[Flags, Flags, dict[str, Any]]:
    """Which questions have their passage first, which had before, and the report.

    The passages of the file are searched as a workspace's knowledge would be. Raises BadInput for data without pairs.
    """
    pairs = pairs_of(data, name)
    found = candidates_of(pairs, max(2, card.rerank_reads), encoder=str(card.options.get("encoder", "")))
    before, after, timed = _places(folder, card, found)
    right = after < 1
    low, high = accuracy_interval(right)
    figures = figures_of(after)
    parts = slices.by_language([each.question for each in pairs], [each.language for each in pairs], right)
    parts |= slices.by_length([each.question for each in pairs], right)
    table = {
        "model": model_table(card),
        "data": rows_table(data, name, len(pairs)),
        "metrics": {
            **figures,
            "recall_1_low": low,
            "recall_1_high": high,
            **{f"before_{each}": value for each, value in figures_of(before).items()},
            "found": float(np.isfinite(after).mean()),
            "accuracy": figures["recall_1"],
        },
        "mistakes": mistakes(pairs, after, first=1),
        **slices_table(parts, [timed]),
    }
    return right, before < 1, table


def _places(folder: Path, card: ModelCard, found: Candidates) -> tuple[Places, Places, Any]:
    with reranker(folder) as engine:
        after = reordered(found, relevances(engine, found), card.rerank_weight)
        return found.places(), after, list_latency(engine, found)
