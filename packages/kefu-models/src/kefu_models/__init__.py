"""Sentence encoders as int8 ONNX files, found by name."""

import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def path(name: str) -> Path:
    """Return the directory of a model: model.onnx, tokenizer.json, card.toml, LICENSE.

    Raises KeyError with the known names when there is no such model.
    """
    return _HERE / str(card(name)["name"])


def names() -> list[str]:
    """Return the names of the models in this package."""
    return sorted(_index())


def card(name: str) -> dict[str, Any]:
    """Return what models.json says of a model: dimension, prefixes, licence, source, SHA-256 of each file."""
    index = _index()
    if name not in index:
        raise KeyError(f"no model {name!r} in kefu-models; it has {', '.join(sorted(index))}")
    return index[name]


def _index() -> dict[str, dict[str, Any]]:
    listed = json.loads((_HERE / "models.json").read_text(encoding="utf-8"))
    return {entry["name"]: entry for entry in listed["models"]}
