"""A model as customers meet it: loaded by the serving engine, its answers and how long one takes."""

import os
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.contracts.engine import Classified, Classifier, Encoder, Matrix, Reranker, Scorer, Tagger
from kefu.contracts.job import Tell, Told
from kefu.contracts.model_card import Task
from kefu.factory.search.candidates import Candidates
from kefu.kit import registry
from kefu.kit.runtime import run
from kefu.kit.settings import settings

Floats = npt.NDArray[np.float32]
Ask = Callable[[Sequence[str]], Coroutine[Any, Any, Any]]

_CHUNK = 64
# The first runs of a session allocate its memory; after this many a text costs what it will cost.
_WARM_UP = 10
_TIMED = 200
_TIMED_LISTS = 50  # each of them many texts


@dataclass(frozen=True)
class Answers:
    """What a model says of texts, in their order.

    shares [n, labels] calibrated, in the order of `labels`; scope [n] from 0 to 1 or NaN; outside [n].
    """

    labels: tuple[str, ...]
    predicted: tuple[str, ...]
    shares: Matrix
    scope: Floats
    outside: npt.NDArray[np.bool_]

    @property
    def confidence(self) -> Floats:
        return np.asarray(self.shares.max(axis=1, initial=0.0), np.float32)

    def part(self, start: int, end: int) -> "Answers":
        """The answers to some texts that follow each other."""
        return Answers(
            self.labels,
            self.predicted[start:end],
            self.shares[start:end],
            self.scope[start:end],
            self.outside[start:end],
        )


@dataclass(frozen=True)
class Latency:
    """Milliseconds for one text at a time, after a warm-up."""

    threads: int
    p50: float
    p95: float


@contextmanager
def classifier(folder: Path, *, threads: int = 0) -> Iterator[Classifier]:
    """The model in a folder, loaded and its files checked. Raises BadInstallation for one that was tampered with."""
    engine = registry.load("engines", "classifier", Classifier)(f"path:{folder}", {"threads": threads})
    try:
        run(engine.load())
        yield engine
    finally:
        run(engine.close())


@contextmanager
def scorer(folder: Path, *, threads: int = 0) -> Iterator[Scorer]:
    """The same for a model that gives numbers."""
    engine = registry.load("engines", "classifier", Scorer)(f"path:{folder}", {"threads": threads})
    try:
        run(engine.load())
        yield engine
    finally:
        run(engine.close())


@contextmanager
def encoder(reference: str, *, threads: int = 0) -> Iterator[Encoder]:
    """The same for an encoder, by its reference."""
    engine = registry.load("engines", "onnx", Encoder)(reference, {"threads": threads})
    try:
        run(engine.load())
        yield engine
    finally:
        run(engine.close())


@contextmanager
def tagger(folder: Path, *, threads: int = 0) -> Iterator[Tagger]:
    """The same for a model that finds slots."""
    engine = registry.load("engines", "tagger", Tagger)(f"path:{folder}", {"threads": threads})
    try:
        run(engine.load())
        yield engine
    finally:
        run(engine.close())


@contextmanager
def reranker(folder: Path) -> Iterator[Reranker]:
    """The same for a model that puts passages in order."""
    engine = registry.load("engines", "reranker", Reranker)(f"path:{folder}", {"threads": 0})
    try:
        run(engine.load())
        yield engine
    finally:
        run(engine.close())


def answers(engine: Classifier, labels: tuple[str, ...], texts: Sequence[str], tell: Tell | None = None) -> Answers:
    """Ask in chunks: what a whole file needs at once would not fit every machine."""
    found: list[Classified] = []
    for at in range(0, len(texts), _CHUNK):
        found += run(engine.classify(texts[at : at + _CHUNK]))
        _progress(tell, min(at + _CHUNK, len(texts)), len(texts))
    shares = np.array([[each.scores[label] for label in labels] for each in found], np.float32)
    return Answers(
        labels=labels,
        predicted=tuple(each.label for each in found),
        shares=shares.reshape(len(found), len(labels)),
        scope=np.array([each.scope for each in found], np.float32),
        outside=np.array([each.out_of_scope for each in found], np.bool_),
    )


def scores(engine: Scorer, texts: Sequence[str], tell: Tell | None = None) -> Floats:
    """float32 [len(texts)]."""
    found = [np.zeros(0, np.float32)]
    for at in range(0, len(texts), _CHUNK):
        found.append(run(engine.score(texts[at : at + _CHUNK])))
        _progress(tell, min(at + _CHUNK, len(texts)), len(texts))
    return np.concatenate(found)


def relevances(engine: Reranker, candidates: Candidates, tell: Tell | None = None) -> list[Floats]:
    """What a reranker says of the passages that were found for each question."""
    found = []
    for at, question in enumerate(candidates.questions):
        found.append(run(engine.relevance(question, candidates.texts(at))))
        _progress(tell, at + 1, len(candidates.questions))
    return found


def list_latency(engine: Reranker, candidates: Candidates) -> Latency:
    """Of a loaded reranker, a question with all its passages at a time."""
    texts = {question: candidates.texts(at) for at, question in enumerate(candidates.questions)}

    async def ask(some: Sequence[str]) -> None:
        for question in some:
            await engine.relevance(question, texts[question])

    return _latency(ask, list(texts)[:: max(1, len(texts) // _TIMED_LISTS)][:_TIMED_LISTS], settings().threads)


def latencies(ask: Ask, folder: Path, texts: Sequence[str], task: Task) -> list[Latency]:
    """At one thread, and at all of this machine's where it has more than one; `ask` is the model as it is set up."""
    if not texts:
        return []
    every = max(1, len(texts) // _TIMED)
    asked = list(texts[::every][:_TIMED])
    found = []
    for threads in sorted({1, _processors()}):
        if threads == settings().threads:  # loading an encoder takes longer than asking it
            found.append(_latency(ask, asked, threads))
        elif task == "score":
            with scorer(folder, threads=threads) as numbers:
                found.append(_latency(numbers.score, asked, threads))
        elif task == "tag":
            found.append(_tagging_latency(folder, asked, threads))
        else:
            with classifier(folder, threads=threads) as labels:
                found.append(_latency(labels.classify, asked, threads))
    return found


def latency(encoder: Encoder, texts: Sequence[str]) -> Latency:
    """Of a loaded encoder, a question at a time."""

    async def ask(some: Sequence[str]) -> None:
        await encoder.embed(some, "query")

    return _latency(ask, texts[:: max(1, len(texts) // _TIMED)][:_TIMED], settings().threads)


def _tagging_latency(folder: Path, texts: Sequence[str], threads: int) -> Latency:
    with tagger(folder, threads=threads) as engine:

        async def ask(some: Sequence[str]) -> None:
            for text in some:
                await engine.tag(text)

        return _latency(ask, texts, threads)


def _latency(ask: Ask, texts: Sequence[str], threads: int) -> Latency:
    p50, p95 = np.percentile(run(_timed(ask, texts)), (50, 95))
    return Latency(threads, round(float(p50), 2), round(float(p95), 2))


async def _timed(ask: Ask, texts: Sequence[str]) -> list[float]:
    """Milliseconds of each text by itself."""
    for text in texts[:_WARM_UP]:
        await ask([text])
    taken = []
    for text in texts:
        began = time.perf_counter()
        await ask([text])
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def _processors() -> int:
    """Those that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _progress(tell: Tell | None, done: int, total: int) -> None:
    if tell is not None:
        tell(Told.PROGRESS, {"done": done, "total": total, "unit": "texts"})
