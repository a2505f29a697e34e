"""Write an encoder into the package: int8 ONNX, tokenizer, and its entry in models.json."""

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from encoders import Encoder, SentenceEncoder
from fetch import PACKAGE, read_card
from onnxruntime.quantization import QuantType, quantize_dynamic

FILES = ("model.onnx", "tokenizer.json", "card.toml", "LICENSE")


def export_encoder(name: str, encoder: Encoder) -> Path:
    """Write model.onnx and tokenizer.json of an encoder, refresh models.json, and return the model's folder."""
    folder = PACKAGE / name
    with tempfile.TemporaryDirectory() as scratch:
        fp32 = Path(scratch) / "fp32.onnx"
        write_onnx(encoder.module, fp32)
        quantise(fp32, folder / "model.onnx")
    encoder.tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    write_index()
    return folder


def write_onnx(module: SentenceEncoder, target: Path) -> None:
    """Write a module as fp32 ONNX with free batch and token axes.

    The legacy exporter's file runs a little faster than the dynamo exporter's, which also takes the output's name
    `embedding` for one of its own.
    """
    ids = torch.ones((2, 16), dtype=torch.int64)
    mask = torch.ones_like(ids)
    mask[1, 8:] = 0  # a padded row, so that tracing keeps the mask
    axes = {"input_ids": {0: "batch", 1: "tokens"}, "attention_mask": {0: "batch", 1: "tokens"}}
    torch.onnx.export(
        module,
        (ids, mask),
        str(target),
        input_names=["input_ids", "attention_mask"],
        output_names=["sentence_embedding"],
        dynamic_axes={**axes, "sentence_embedding": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )


def quantise(fp32: Path, int8: Path) -> None:
    """Write the int8 form of an ONNX file.

    Per channel: one scale for a whole matrix drops the cosine to fp32 from 0.994 to 0.966 (MiniLM). Gather holds the
    word embeddings, most of the file.
    """
    operators = ["MatMul", "Gather"]
    quantize_dynamic(fp32, int8, per_channel=True, weight_type=QuantType.QInt8, op_types_to_quantize=operators)


def write_index() -> None:
    """Write models.json from the cards and the files of the models that have been built."""
    built = sorted(folder.parent for folder in PACKAGE.glob("*/model.onnx"))
    index = {"models": [_entry(folder) for folder in built]}
    (PACKAGE / "models.json").write_text(json.dumps(index, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _entry(folder: Path) -> dict[str, Any]:
    return {**read_card(folder.name), "files": [_file(folder / filename) for filename in FILES]}


def _file(path: Path) -> dict[str, Any]:
    return {
        "path": f"{path.parent.name}/{path.name}",
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
