"""Small models written by hand, so that the engine is tested without the factory."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from kefu.contracts.model_card import CARD_FILE, ModelCard, ModelFile, OwnHead
from kefu.engines.scripted_encoder.engine import ScriptedEncoder
from kefu.knowledge.ngrams import ngrams

LABELS = ("cancel", "refund")
TEXTS = {"cancel": "cancel my order", "refund": "give me a refund"}
DIMENSION = 32
# That of the encoder of English.
ENGLISH = 16


def written(folder: Path, card: ModelCard) -> ModelCard:
    """The card with every file's hash, written beside them."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != CARD_FILE]
    pinned = tuple(
        ModelFile(
            path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size
        )
        for path in files
    )
    card = replace(card, files=pinned)
    (folder / CARD_FILE).write_text(card.to_json(), encoding="utf-8")
    return card


def linear(folder: Path, **fields: Any) -> ModelCard:
    """Two labels told apart by the letters of one text each."""
    folder.mkdir(parents=True, exist_ok=True)
    terms = sorted({term for text in TEXTS.values() for term in ngrams(text)})
    weights = np.array([[float(term in ngrams(TEXTS[label])) for label in LABELS] for term in terms], np.float16)
    arrays = {"weights": weights, "idf": np.ones(len(terms), np.float32), "intercept": np.zeros(2, np.float32)}
    save_file(arrays, folder / "linear.safetensors")
    (folder / "vocabulary.json").write_text(json.dumps(terms), encoding="utf-8")
    card = ModelCard("m", "classify", "linear", "linear", "linear.safetensors", LABELS, ("en",))
    return written(folder, replace(card, **fields))


async def encoder(dimension: int = DIMENSION) -> ScriptedEncoder:
    made = ScriptedEncoder("scripted:letters", {"dimension": dimension})
    await made.load()
    return made


async def head(folder: Path, **fields: Any) -> ModelCard:
    """A head on the scripted encoder, whose rows are the labels' texts."""
    vectors = await (await encoder()).embed([TEXTS[label] for label in LABELS], "query")
    arrays = {"weight": 10 * vectors, "bias": np.zeros(2, np.float32), "mean": np.zeros(DIMENSION, np.float32)}
    save_file({**arrays, "beside": np.zeros(2, np.float32)}, folder / "head.safetensors")
    card = ModelCard("m", "classify", "head", "head", "head.safetensors", LABELS, ("en",), "scripted:letters")
    return written(folder, replace(card, **{"base_sha256": f"scripted-{DIMENSION}", **fields}))


def scope(folder: Path, card: ModelCard, **arrays: Any) -> ModelCard:
    """The model with statistics of its scope: the logit alone, ranked from 0 to 16."""
    empty = np.zeros((0, 0), np.float16)
    statistics = {
        "mean": np.zeros(0, np.float16),
        "centroids": np.zeros((2, 0), np.float16),
        "whiten": empty,
        "bank": empty,
        "rank.logit": np.linspace(0, 16, 9, dtype=np.float32),
        "rank": np.linspace(0, 1, 9, dtype=np.float32),
    }
    save_file({**statistics, **arrays}, folder / "scope.safetensors")
    return written(folder, replace(card, scope_threshold=0.05))


async def two_heads(folder: Path, **own: Any) -> ModelCard:
    """A head that takes every text for a cancellation, and one of English that takes each for a refund."""
    await head(folder)
    for place, label in (("", 0), ("en", 1)):
        (folder / place).mkdir(exist_ok=True)
        width = ENGLISH if place else DIMENSION
        bias = np.eye(2, dtype=np.float32)[label]
        arrays = {"weight": np.zeros((2, width), np.float32), "bias": bias, "mean": np.zeros(width, np.float32)}
        save_file({**arrays, "beside": np.zeros(2, np.float32)}, folder / place / "head.safetensors")
    english = OwnHead("en", "scripted:letters", f"scripted-{ENGLISH}")
    card = ModelCard("m", "classify", "head", "head", "head.safetensors", LABELS, ("zh", "en"), "scripted:letters")
    return written(folder, replace(card, base_sha256=f"scripted-{DIMENSION}", own_heads=(replace(english, **own),)))
