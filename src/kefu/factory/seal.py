"""Sealing a model: its card with the hash of every file, and what is fitted after training, on the served form.

Temperature (Guo 2017) and the statistics of scope are fitted through the engine that will serve the model, so they
hold for what customers meet. Whatever changes logits (int8, fewer layers) is sealed again.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu import __version__
from kefu.contracts.dataset import Dataset
from kefu.contracts.engine import Classifier, Encoder, Matrix, RawScores
from kefu.contracts.model_card import CARD_FILE, ModelCard, ModelFile
from kefu.kit import registry
from kefu.kit.runtime import run

Floats = npt.NDArray[np.float32]

SCOPE_FILE = "scope.safetensors"
# The share of in-scope validation texts that may be called out of scope (Kefu's reference: never by accuracy).
REJECTED = 0.05
# Rows whose vectors the statistics are made of, and those that are kept as neighbours: 2,000 x 384 float16 is 1.5 MB.
_STATISTICS_ROWS = 3000
_BANK_ROWS = 2000
_QUANTILES = 129
# Fewer rows kept apart tell neither a temperature nor where one text in twenty lies.
LEAST_ROWS = 40
_UNCALIBRATED = "Its confidence is not calibrated and nothing is told out of scope: too few rows were kept apart."
# Written for people or for training on, or of no use to whoever serves the model.
_UNPINNED = ("README.md", "report.html", "report.json", "events.jsonl", "tracked.json", CARD_FILE)
_CHUNK = 256
# What is trained with cross-entropy is off by a factor of 1.6 or so: the standard deviation of the temperature's
# logarithm. Some hundred rows outweigh it.
_EXPECTED = 0.5


def seal(folder: Path, card: ModelCard, train: Dataset, valid: Dataset, *, encoder: Encoder | None = None) -> ModelCard:
    """Fit temperature, scope and its threshold on the model in `folder` as it is served; write and give its card.

    `encoder` is the loaded base of a head, where there is one.

    `train` gives the statistics of scope, `valid` its ranks and the temperature; rows without label are left out. With
    too few rows kept apart nothing is fitted, and the card says so.
    """
    (folder / SCOPE_FILE).unlink(missing_ok=True)
    card = write_card(folder, replace(card, temperature=1.0, scope_threshold=None))
    if card.task != "classify":
        return card
    known, checked = _in_scope(train, card, _STATISTICS_ROWS), _in_scope(valid, card, len(valid.examples))
    place = {label: index for index, label in enumerate(card.labels)}
    taught = outputs(folder, [text for text, _ in known], encoder)
    arrays = _statistics(taught.vectors, np.array([place[label] for _, label in known]), len(card.labels))
    _write_arrays(folder / SCOPE_FILE, arrays)
    write_card(folder, card)
    if len(checked) < LEAST_ROWS or valid.sha256 == train.sha256:
        (folder / SCOPE_FILE).unlink()
        return write_card(folder, replace(card, limits=tuple(dict.fromkeys((*card.limits, _UNCALIBRATED)))))
    seen = outputs(folder, [text for text, _ in checked], encoder)
    _write_arrays(folder / SCOPE_FILE, {**arrays, **_ranks(seen.detectors)})
    temperature = fit_temperature(seen.logits, np.array([place[label] for _, label in checked]))
    return write_card(folder, replace(card, temperature=temperature, scope_threshold=REJECTED))


def write_card(folder: Path, card: ModelCard) -> ModelCard:
    """Hash the folder's files into the card and write it."""
    files = tuple(_pinned(folder, path) for path in _files(folder))
    size = sum(file.bytes for file in files if _is_served(file.path, card)) / 1e6
    card = replace(
        card,
        files=files,
        metrics={**card.metrics, "size_mb": round(size, 2)},
        created=card.created or datetime.now(UTC).isoformat(timespec="seconds"),
        kefu=__version__,
    )
    partial = folder / f"{CARD_FILE}.partial"
    partial.write_text(card.to_json(), encoding="utf-8")
    partial.replace(folder / CARD_FILE)
    return card


def outputs(folder: Path, texts: Sequence[str], encoder: Encoder | None = None) -> RawScores:
    """What the served model gives for each text; a head may be given the loaded encoder that it stands on."""
    options = {"encoder": encoder} if encoder is not None else {}
    engine = registry.load("engines", "classifier", Classifier)(f"path:{folder}", options)
    run(engine.load())
    try:
        parts = [run(engine.raw(texts[at : at + _CHUNK])) for at in range(0, len(texts), _CHUNK)]
    finally:
        run(engine.close())
    joined: Any = np.concatenate
    return RawScores(
        joined([part.logits for part in parts]),
        joined([part.vectors for part in parts]),
        joined([part.scope for part in parts]),
        {name: joined([part.detectors[name] for part in parts]) for name in parts[0].detectors},
    )


def fit_temperature(logits: Matrix, truth: npt.NDArray[np.int64]) -> float:
    """The most likely temperature, from 0.02 to 50, before which one near 1 is expected.

    Without the expectation it would fall to its lower end wherever a few rows are all right, and every answer be sure.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    if not len(truth):
        return 1.0

    def loss(log_temperature: float) -> float:
        shares = log_softmax(logits.astype(np.float64) / math.exp(log_temperature), axis=1)
        expected = (log_temperature / _EXPECTED) ** 2 / 2
        return expected - float(shares[np.arange(len(truth)), truth].sum())

    found = minimize_scalar(loss, bounds=(math.log(0.02), math.log(50.0)), method="bounded")
    return round(math.exp(float(found.x)), 4)


def _in_scope(data: Dataset, card: ModelCard, most: int) -> list[tuple[str, str]]:
    """Texts with a label of the card, spread over the file when there are too many."""
    known = frozenset(card.labels)
    rows = [(each.text, each.label) for each in data.examples if each.label is not None and each.label in known]
    step = max(1, math.ceil(len(rows) / most)) if most else 1
    return rows[::step]


def _statistics(vectors: Matrix, truth: npt.NDArray[np.int64], labels: int) -> dict[str, Floats]:
    width = vectors.shape[1] if len(vectors) else 0
    if not width:
        empty = np.zeros((0, 0), np.float32)
        return {
            "mean": np.zeros(0, np.float32),
            "centroids": np.zeros((labels, 0), np.float32),
            "whiten": empty,
            "bank": empty,
        }
    from sklearn.covariance import LedoitWolf

    mean = vectors.mean(axis=0)
    centred = vectors - mean
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    centroids = np.zeros((labels, width), np.float32)
    for label in np.unique(truth):
        centroids[label] = centred[truth == label].mean(axis=0)
    covariance = LedoitWolf(assume_centered=True).fit(centred - centroids[truth]).covariance_
    values, directions = np.linalg.eigh(covariance)
    whiten = directions / np.sqrt(np.maximum(values, 1e-9))
    step = max(1, math.ceil(len(centred) / _BANK_ROWS))
    # A label without a row here would be a centroid at the origin, near to everything.
    return {"mean": mean, "centroids": centroids[np.unique(truth)], "whiten": whiten, "bank": centred[::step]}


def _ranks(detectors: dict[str, Floats] | Any) -> dict[str, Floats]:
    places = np.linspace(0.0, 1.0, _QUANTILES)
    quantiles = {name: np.quantile(values, places) for name, values in detectors.items()}
    average = np.mean([np.interp(values, quantiles[name], places) for name, values in detectors.items()], axis=0)
    return {**{f"rank.{name}": found for name, found in quantiles.items()}, "rank": np.quantile(average, places)}


def _write_arrays(path: Path, arrays: dict[str, Floats]) -> None:
    from safetensors.numpy import save_file

    # Ranks need their digits where quantiles lie close together; vectors do not.
    kinds = {name: np.float32 if name.startswith("rank") else np.float16 for name in arrays}
    save_file({name: np.ascontiguousarray(values, kinds[name]) for name, values in arrays.items()}, path)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and inside.parts[0] != "checkpoint" and inside.as_posix() not in _UNPINNED:
            yield inside


def _pinned(folder: Path, path: Path) -> ModelFile:
    with (folder / path).open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return ModelFile(path.as_posix(), digest, (folder / path).stat().st_size)


def _is_served(path: str, card: ModelCard) -> bool:
    if path.endswith(".onnx"):
        return path == card.serve
    return not path.startswith("data/") and path not in {"model.safetensors", "config.json"}
