"""A model of two labels that nobody trained: as small as one can be that runs."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from kefu.contracts.model_card import ModelCard
from kefu.factory.seal import write_card


def tiny_model(folder: Path, *, bias: float = 0.0) -> Path:
    """Write the model into a folder; gives it. Another bias makes another model."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {
        "weights": np.zeros((1, 2), np.float16),
        "idf": np.ones(1, np.float32),
        "intercept": np.array([bias, 0.0], np.float32),
    }
    save_file(arrays, folder / "linear.safetensors")
    (folder / "vocabulary.json").write_text(json.dumps(["nothing"]), encoding="utf-8")
    card = ModelCard(folder.name, "classify", "linear", "linear", "linear.safetensors", labels=("delivery", "refund"))
    write_card(folder, card)
    return folder
