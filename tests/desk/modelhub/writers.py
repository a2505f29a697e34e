"""Generators as a training leaves them, small: a card and a file of weights, which need not be weights."""

import hashlib
from pathlib import Path

from kefu.contracts.model_card import CARD_FILE, ModelCard, ModelFile

WEIGHTS = "model-q8_0.gguf"


def write_generator(folder: Path, data: bytes = b"GGUF") -> Path:
    """A folder whose card pins a generator's file of these bytes."""
    folder.mkdir(parents=True)
    (folder / WEIGHTS).write_bytes(data)
    file = ModelFile(WEIGHTS, hashlib.sha256(data).hexdigest(), len(data))
    card = ModelCard("writer", "generate", "sft_lora", "gguf", WEIGHTS, files=(file,))
    (folder / CARD_FILE).write_text(card.to_json(), encoding="utf-8")
    return folder
