"""Trimming a vocabulary: the rows of the word table that a company's texts never use are half of a small encoder.

What is kept: special tokens, every token that the training texts use, every single character, so that any word can
still be spelt, and of the rest the most frequent. Texts that were learnt from are tokenised as before: the longest
piece (WordPiece) or the likeliest path (Unigram) is still there. Needs onnx, not torch.
"""

import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.kit.errors import BadInput, BadInstallation
from kefu.kit.optional import require

TOKENIZER = "tokenizer.json"
# Places that a vocabulary was published with for others to fill; no text leads to them.
_UNUSED = re.compile(r"\[unused\d+\]")
# What a piece is marked with: inside a word (WordPiece), after a space (Unigram).
_MARKS = ("##", "▁")
# Raw bytes that an unknown character falls back on.
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
# What BertProcessing and RobertaProcessing keep their special tokens under.
_ENDS = ("sep", "cls")

Table = dict[str, Any]


@dataclass(frozen=True)
class Trimmed:
    """How many tokens the vocabulary had and has."""

    before: int
    after: int


def trim(folder: Path, network: Path, texts: Sequence[str], *, frequent: int) -> Trimmed:
    """Trim the tokenizer and the fp32 ONNX file `network` of a model's folder, and its torch weights if it has them.

    So many of the most `frequent` tokens are kept whether the texts use them or not. Raises BadInput for a tokenizer
    that cannot be trimmed, BadInstallation if texts would be tokenised otherwise, MissingExtra.
    """
    table = json.loads((folder / TOKENIZER).read_text(encoding="utf-8"))
    before = _tokens_of(folder / TOKENIZER, texts)
    kept = kept_ids(table, _used(folder / TOKENIZER, texts), frequent)
    text = json.dumps(with_ids(table, kept), ensure_ascii=False)
    (folder / TOKENIZER).write_text(text, encoding="utf-8")
    if _tokens_of(folder / TOKENIZER, texts) != before:
        raise BadInstallation("The trimmed tokenizer cuts the training texts otherwise; leave out trim-vocabulary.")
    rows = np.array(kept)
    whole = _cut_network(network, rows)
    _cut_weights(folder, whole, rows)
    return Trimmed(len(whole), len(kept))


def kept_ids(table: Mapping[str, Any], used: set[int], frequent: int) -> list[int]:
    """The ids that stay, in their order."""
    pieces = _by_frequency(table["model"])
    kept = used | _needed(table) | {place for piece, place in pieces if _is_spelling(piece)}
    words = [place for piece, place in pieces if not _is_spelling(piece) and not _UNUSED.fullmatch(piece)]
    return sorted(kept.union(words[:frequent]))


def with_ids(table: Mapping[str, Any], kept: Sequence[int]) -> Table:
    """The tokenizer's table with only these ids, numbered anew."""
    places = {old: new for new, old in enumerate(kept)}
    found: Table = copy.deepcopy(dict(table))
    model = found["model"]
    if isinstance(model["vocab"], list):
        model["vocab"] = [model["vocab"][old] for old in kept if old < len(model["vocab"])]
        if model.get("unk_id") is not None:
            model["unk_id"] = places[model["unk_id"]]
    else:
        old = sorted((place, piece) for piece, place in model["vocab"].items() if place in places)
        model["vocab"] = {piece: places[place] for place, piece in old}
    for each in found.get("added_tokens") or ():
        each["id"] = places[each["id"]]
    if found.get("padding"):
        found["padding"]["pad_id"] = places[found["padding"]["pad_id"]]
    if found.get("post_processor"):
        _renumber(found["post_processor"], places)
    return found


def _needed(table: Mapping[str, Any]) -> set[int]:
    """The ids that the tokenizer itself names."""
    model = table["model"]
    found = {int(each["id"]) for each in table.get("added_tokens") or ()}
    if model.get("unk_id") is not None:
        found.add(int(model["unk_id"]))
    if isinstance(model["vocab"], dict) and model.get("unk_token") in model["vocab"]:
        found.add(int(model["vocab"][model["unk_token"]]))
    if table.get("padding") and "pad_id" in table["padding"]:
        found.add(int(table["padding"]["pad_id"]))
    return found | set(_processor_ids(table.get("post_processor") or {}))


def _processor_ids(processor: Mapping[str, Any]) -> Iterator[int]:
    for each in processor.get("processors") or ():
        yield from _processor_ids(each)
    for special in (processor.get("special_tokens") or {}).values():
        yield from special["ids"]
    for name in _ENDS:
        if name in processor:
            yield processor[name][1]


def _by_frequency(model: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Pieces and ids, the most frequent first: a vocabulary is numbered so, unless it holds likelihoods."""
    vocabulary = model["vocab"]
    if isinstance(vocabulary, list):
        order = sorted(range(len(vocabulary)), key=lambda place: -float(vocabulary[place][1]))
        return [(str(vocabulary[place][0]), place) for place in order]
    if model.get("merges"):
        raise BadInput(
            "This tokenizer joins pairs (BPE), so no token can be left out; leave out the rung trim-vocabulary."
        )
    return sorted(((str(piece), int(place)) for piece, place in vocabulary.items()), key=lambda item: item[1])


def _is_spelling(piece: str) -> bool:
    """Whether a piece is a single character or a raw byte, which any text can be spelt with."""
    for mark in _MARKS:
        piece = piece.removeprefix(mark)
    return len(piece) <= 1 or bool(_BYTE.fullmatch(piece))


def _renumber(processor: Table, places: Mapping[int, int]) -> None:
    for each in processor.get("processors") or ():
        _renumber(each, places)
    for special in (processor.get("special_tokens") or {}).values():
        special["ids"] = [places[old] for old in special["ids"]]
    for name in _ENDS:
        if name in processor:
            processor[name] = [processor[name][0], places[processor[name][1]]]


def _tokenizer(path: Path) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _used(path: Path, texts: Sequence[str]) -> set[int]:
    tokenizer = _tokenizer(path)
    return {place for text in (*texts, "") for place in tokenizer.encode(_sound(text)).ids}


def _tokens_of(path: Path, texts: Sequence[str]) -> list[list[str]]:
    tokenizer = _tokenizer(path)
    return [tokenizer.encode(_sound(text)).tokens for text in texts]


def _sound(text: str) -> str:
    # Half a surrogate pair is no character; the tokenizer would raise.
    return text.encode("utf-8", "replace").decode("utf-8")


def _cut_network(path: Path, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Keep these rows of the ONNX file's word table; gives the table as it was."""
    onnx = require("onnx", extra="train")
    model = onnx.load(str(path))
    initializers = {each.name: each for each in model.graph.initializer}
    gathers = [node for node in model.graph.node if node.op_type == "Gather" and node.input[1] == "input_ids"]
    names = {node.input[0] for node in gathers if node.input[0] in initializers}
    if len(names) != 1:
        raise BadInput(f"{path.name} has {len(names)} word tables that can be trimmed; exactly one is expected.")
    name = names.pop()
    whole: npt.NDArray[np.float32] = onnx.numpy_helper.to_array(initializers[name])
    if int(rows.max()) >= len(whole):
        raise BadInstallation(f"The tokenizer has more tokens than the word table of {path.name} has rows.")
    initializers[name].CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(whole[rows]), name))
    onnx.save(model, str(path))
    return whole


def _cut_weights(folder: Path, whole: npt.NDArray[np.float32], rows: npt.NDArray[np.int64]) -> None:
    """Do the same to model.safetensors and config.json, so that the model can be trained on."""
    from safetensors.numpy import load_file, save_file

    weights, config = folder / "model.safetensors", folder / "config.json"
    if not (weights.exists() and config.exists()):
        return
    tensors = load_file(weights)
    names = [name for name, each in tensors.items() if each.shape == whole.shape and np.array_equal(each, whole)]
    if len(names) != 1:
        raise BadInstallation(f"{weights.name} does not hold the word table of the ONNX file; export the model anew.")
    tensors[names[0]] = np.ascontiguousarray(whole[rows])
    weights.unlink()  # it may be another folder's file, too
    save_file(tensors, weights)
    table = json.loads(config.read_text(encoding="utf-8"))
    old = int(table.get("pad_token_id") or 0)
    places = {int(before): after for after, before in enumerate(rows)}
    table |= {"vocab_size": len(rows), "pad_token_id": places.get(old, 0)}
    config.write_text(json.dumps(table, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
