"""What a rung is worth: its answers, its size, and how long it takes beside the fp32 model."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.contracts.model_card import ModelCard
from kefu.factory.evaluate.exam import Exam, scored_rows
from kefu.factory.evaluate.judging import figures, sit
from kefu.factory.evaluate.metrics import score_figures
from kefu.factory.evaluate.retrieval import judged_pairs
from kefu.factory.evaluate.served import classifier, encoder, scorer, scores
from kefu.kit.runtime import run

Flags = npt.NDArray[np.bool_]
Ask = Callable[[Sequence[str]], Awaitable[Any]]

_WARM_UP = 5
_TIMED = 150


@dataclass(frozen=True)
class Measured:
    """Which rows are right, and the figures.

    A row is right with its label; for a model that gives numbers, with its sign; for an encoder, where the question's
    passage is among the first five: `accuracy` is then Recall@5.
    """

    right: Flags
    figures: dict[str, float | None]

    @property
    def accuracy(self) -> float:
        return float(self.right.mean())


@dataclass(frozen=True)
class Pace:
    """Milliseconds for one text at a time on one thread, and how many times faster than the fp32 model that is."""

    p50: float
    p95: float
    faster: float


def measure(folder: Path, card: ModelCard, exam: Exam) -> Measured:
    """Ask the sealed model in a folder everything."""
    if card.task == "score":
        rows = scored_rows(exam.data, exam.name)
        meant = np.array([each.score for each in rows], np.float32)
        with scorer(folder) as engine:
            given = scores(engine, [each.text for each in rows])
        return Measured(np.sign(given) == np.sign(meant), dict(score_figures(given, meant)))
    if card.task == "embed":
        found, table = judged_pairs(f"path:{folder}", card, exam.data, exam.name)
        return Measured(found, dict(table["metrics"]))
    sat = sit(folder, card, exam)
    return Measured(sat.right, figures(sat))


def race(first: Path, second: Path, card: ModelCard, texts: Sequence[str]) -> tuple[Pace, Pace]:
    """Time two models on the same texts, taking turns text by text, so that a busy machine slows both alike."""
    asked = list(texts[:: max(1, len(texts) // _TIMED)][:_TIMED])
    with ExitStack() as stack:
        asks = [_ask(stack, folder, card) for folder in (first, second)]
        taken = run(_turns(asks, asked))
    ratio = float(np.median(taken[:, 0] / np.maximum(taken[:, 1], 1e-6)))
    return _pace(taken[:, 0], 1.0), _pace(taken[:, 1], ratio)


def _ask(stack: ExitStack, folder: Path, card: ModelCard) -> Ask:
    if card.task == "score":
        return stack.enter_context(scorer(folder, threads=1)).score
    if card.task == "embed":
        engine = stack.enter_context(encoder(f"path:{folder}", threads=1))
        return lambda some: engine.embed(some, "query")
    return stack.enter_context(classifier(folder, threads=1)).classify


async def _turns(asks: Sequence[Ask], texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """Milliseconds [texts, models]."""
    for text in texts[:_WARM_UP]:
        for ask in asks:
            await ask([text])
    taken = np.zeros((len(texts), len(asks)))
    for row, text in enumerate(texts):
        for column, ask in enumerate(asks):
            began = time.perf_counter()
            await ask([text])
            taken[row, column] = 1000 * (time.perf_counter() - began)
        await asyncio.sleep(0)  # others on this loop may have something to do
    return taken


def _pace(taken: npt.NDArray[np.float64], faster: float) -> Pace:
    p50, p95 = np.percentile(taken, (50, 95))
    return Pace(round(float(p50), 2), round(float(p95), 2), round(faster, 2))
