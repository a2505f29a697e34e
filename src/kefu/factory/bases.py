"""What training starts from: a reference made into a torch encoder and its tokenizer.

- `package:NAME`   one of Kefu's own encoders; its int8 ONNX is dequantised, so nothing more is downloaded
- `path:DIR`       a Hugging-Face-style folder (config.json, model.safetensors, tokenizer.json), such as a trained model
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from torch import nn

from kefu.factory.narrow import take_shapes
from kefu.factory.network import TextNetwork
from kefu.kit.errors import BadInput, BadInstallation, MissingExtra
from kefu.kit.optional import require

FOLDER_FILES = ("config.json", "model.safetensors", "tokenizer.json")
# Of a trained model's weights, those of its encoder and of its head; a plain encoder has neither prefix.
ENCODER_PREFIX = "encoder."
HEAD_PREFIX = "head."
# Published encoders keep their tensors under the name of the architecture.
ARCHITECTURE_PREFIXES = ("bert.", "roberta.", "distilbert.", "xlm_roberta.", "model.")
# Kefu's encoders share one BERT family; what differs is read from the tensors.
HEAD_WIDTH = 32  # both MiniLM-L6 and multilingual-e5-small: 384 dimensions in 12 heads
LAYER_NORM_EPS = 1e-12


@dataclass(frozen=True)
class Base:
    """An encoder to train from. `sha256` is that of its weights' file, `head` the head's tensors, if it had one.

    The tokenizer neither pads nor cuts; a prefix that the encoder wants before each text is part of it.
    """

    reference: str
    sha256: str
    encoder: nn.Module
    tokenizer: Tokenizer
    pad_id: int
    licence: str
    languages: tuple[str, ...] = ()
    head: dict[str, torch.Tensor] | None = None
    query_prefix: str = ""
    passage_prefix: str = ""


def load_base(reference: str, *, prefixed: bool = True) -> Base:
    """The encoder of a reference, in eval mode; not `prefixed`, whoever tokenises puts its prefixes before texts.

    Raises BadInput for a reference that cannot be trained from, MissingExtra, BadInstallation for damaged files.
    """
    scheme, _, name = reference.partition(":")
    if scheme == "package" and name:
        return _from_package(reference, name, prefixed=prefixed)
    if scheme == "path" and name:
        base = from_folder(Path(name).expanduser(), reference)
        if base.query_prefix and prefixed:  # what an encoder that was made here wants, as those of the packages do
            put_prefix(base.tokenizer, base.query_prefix)
        return base
    if scheme == "hub" and name:
        raise BadInput(
            f"Training does not fetch models: download {name} into a folder with {', '.join(FOLDER_FILES)} and name it "
            f"as path:DIR.",
            reference=reference,
        )
    raise BadInput(
        f"{reference!r} is no model to train from. Expected package:minilm-en, package:minilm-service-en, "
        f"package:e5-small-zh-en or path:DIR.",
        reference=reference,
    )


def from_folder(folder: Path, reference: str = "") -> Base:
    """The encoder (and head, of a trained model) in a folder. Only safetensors are read, and no code."""
    if missing := missing_files(folder):
        raise BadInput(f"{folder} cannot be trained from: it has no {', '.join(missing)}.", folder=str(folder))
    transformers = require("transformers", extra="train")
    weights = folder / "model.safetensors"
    try:
        table = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind = str(table.pop("model_type"))
        config = transformers.AutoConfig.for_model(kind, **table)
        tensors = load_file(str(weights))
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # transformers, safetensors and tokenizers share no base of their own
        raise BadInstallation(f"The model in {folder} cannot be read: {error}", folder=str(folder)) from error
    encoder = transformers.AutoModel.from_config(config)
    head = {name.removeprefix(HEAD_PREFIX): each for name, each in tensors.items() if name.startswith(HEAD_PREFIX)}
    take_shapes(encoder)
    _fill(encoder, _encoder_tensors(tensors), str(folder))
    return Base(
        reference=reference or f"path:{folder}",
        sha256=sha256_of(weights),
        encoder=encoder.eval(),
        tokenizer=_plain(tokenizer),
        pad_id=int(config.pad_token_id or 0),
        licence=card_value(folder, "licence"),
        head=head or None,
        query_prefix=card_value(folder, "query_prefix"),
        passage_prefix=card_value(folder, "passage_prefix"),
    )


def missing_files(folder: Path) -> list[str]:
    """What a folder lacks to be trained from."""
    return [name for name in FOLDER_FILES if not (folder / name).is_file()]


def card_value(folder: Path, key: str) -> str:
    """What a model's card says of something; empty where it says nothing, or there is no card."""
    card = folder / "card.json"
    return str(json.loads(card.read_text(encoding="utf-8")).get(key, "")) if card.is_file() else ""


def _encoder_tensors(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A file's tensors by the names that the bare encoder has."""
    if any(name.startswith(HEAD_PREFIX) for name in tensors):
        return {name.removeprefix(ENCODER_PREFIX): each for name, each in tensors.items() if name[:5] != HEAD_PREFIX}
    for prefix in ARCHITECTURE_PREFIXES:
        if any(name.startswith(prefix) for name in tensors):
            return {name.removeprefix(prefix): each for name, each in tensors.items()}
    return tensors


def _fill(encoder: nn.Module, tensors: dict[str, torch.Tensor], where: str) -> None:
    """Load the tensors; a pooler, which mean pooling has no use for, may lack or be left over."""
    lacking = [name for name in encoder.load_state_dict(tensors, strict=False).missing_keys if "pooler" not in name]
    if lacking:
        raise BadInstallation(f"The weights in {where} lack {len(lacking)} tensors, such as {lacking[0]}.")
    if hasattr(encoder, "pooler"):
        encoder.pooler = None  # never trained here, so it has no place in what is saved


def _from_package(reference: str, name: str, *, prefixed: bool) -> Base:
    folder, card = _packaged(reference, name)
    weights, tokenizer_file = folder / "model.onnx", folder / "tokenizer.json"
    digests = {Path(each["path"]).name: each["sha256"] for each in card["files"]}
    for file in (weights, tokenizer_file):
        if sha256_of(file) != digests[file.name]:
            raise BadInstallation(
                f"{file.name} of {reference} is damaged. Run: pip install --force-reinstall kefu-models"
            )
    tokenizer = _plain(Tokenizer.from_file(str(tokenizer_file)))
    pad_id = _pad_id(tokenizer)
    encoder = _bert(read_quantised(weights), pad_id)
    prefix = str(card.get("query_prefix", ""))
    if prefix and prefixed:
        put_prefix(tokenizer, prefix)
    return Base(
        reference=reference,
        sha256=digests["model.onnx"],
        encoder=encoder,
        tokenizer=tokenizer,
        pad_id=pad_id,
        licence=str(card.get("licence", "")),
        languages=tuple(card.get("languages", ())),
        query_prefix=prefix,
        passage_prefix=str(card.get("passage_prefix", "")),
    )


def _packaged(reference: str, name: str) -> tuple[Path, dict[str, Any]]:
    spec = find_spec("kefu_models")
    if spec is None or spec.origin is None:
        raise MissingExtra("The package kefu-models is not installed. Run: pip install kefu-models")
    folder = Path(spec.origin).parent
    listed = json.loads((folder / "models.json").read_text(encoding="utf-8"))["models"]
    cards: dict[str, dict[str, Any]] = {entry["name"]: entry for entry in listed}
    if name not in cards:
        raise BadInput(f"There is no packaged encoder named {name!r}. Known: {', '.join(cards)}.", reference=reference)
    return folder / name, cards[name]


def read_quantised(path: Path) -> dict[str, torch.Tensor]:
    """The weights of an encoder that `quantize_dynamic` made from a traced BertModel, as float32 by their own names.

    A matrix is (quantised - zero point) * scale, one scale for each column; nodes keep the names of the modules.
    """
    onnx = require("onnx", extra="train")
    graph = onnx.load(str(path)).graph
    values = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    tensors: dict[str, np.ndarray[Any, Any]] = {
        name.removeprefix("bert."): each
        for name, each in values.items()
        if name.startswith("bert.") and not name.endswith(("_scale", "_zero_point", "_quantized"))
    }
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            module = node.name.removeprefix("/bert/").removesuffix("/MatMul_quant").replace("/", ".")
            tensors[f"{module}.weight"] = _dequantised(values, node.input[1].removesuffix("_quantized")).T
    for name in values:
        if name.startswith("bert.embeddings.") and name.endswith("_quantized"):
            tensors[name.removeprefix("bert.").removesuffix("_quantized")] = _dequantised(
                values, name.removesuffix("_quantized")
            )
    return {name: torch.from_numpy(np.array(each, dtype=np.float32)) for name, each in tensors.items()}


def _dequantised(values: dict[str, np.ndarray[Any, Any]], name: str) -> np.ndarray[Any, Any]:
    whole = values[f"{name}_quantized"].astype(np.float32) - values[f"{name}_zero_point"].astype(np.float32)
    return np.asarray(whole * values[f"{name}_scale"])


def _bert(tensors: dict[str, torch.Tensor], pad_id: int) -> nn.Module:
    transformers = require("transformers", extra="train")
    words = tensors["embeddings.word_embeddings.weight"]
    layers = {name.split(".")[2] for name in tensors if name.startswith("encoder.layer.")}
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=words.shape[1],
        num_hidden_layers=len(layers),
        num_attention_heads=words.shape[1] // HEAD_WIDTH,
        intermediate_size=len(tensors["encoder.layer.0.intermediate.dense.weight"]),
        max_position_embeddings=len(tensors["embeddings.position_embeddings.weight"]),
        type_vocab_size=len(tensors["embeddings.token_type_embeddings.weight"]),
        layer_norm_eps=LAYER_NORM_EPS,
        pad_token_id=pad_id,
    )
    encoder: nn.Module = transformers.BertModel(config, add_pooling_layer=False)
    _fill(encoder, tensors, "the package kefu-models")
    return encoder.eval()


def put_prefix(tokenizer: Tokenizer, prefix: str) -> None:
    """Make the tokenizer itself put a prefix before each text, so that whoever serves the model need not know of it."""
    plain = tokenizer.encode("")
    start, end = plain.ids[0], plain.ids[-1]
    first, last = str(tokenizer.id_to_token(start)), str(tokenizer.id_to_token(end))
    words = tokenizer.encode(prefix.strip(), add_special_tokens=False)
    tokenizer.post_processor = TemplateProcessing(
        single=f"{first} prefix $A {last}",
        special_tokens=[(first, start), (last, end), {"id": "prefix", "ids": words.ids, "tokens": words.tokens}],
    )


def _plain(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _pad_id(tokenizer: Tokenizer) -> int:
    for name in ("[PAD]", "<pad>"):
        found = tokenizer.token_to_id(name)
        if found is not None:
            return int(found)
    return 0


def sha256_of(path: Path) -> str:
    """A file's SHA-256 in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def new_network(base: Base, outputs: int, *, dropout: float) -> TextNetwork:
    """A network on a base's encoder with a new head."""
    return TextNetwork(base.encoder, outputs, dropout=dropout)


def trained_network(base: Base, *, dropout: float = 0.0) -> TextNetwork:
    """The network of a trained model, head and all. Raises BadInput for a base without a head."""
    if base.head is None:
        raise BadInput(f"{base.reference} is an encoder without a head.", reference=base.reference)
    network = TextNetwork(base.encoder, len(base.head["bias"]), dropout=dropout)
    network.head.load_state_dict(base.head)
    network.eval()
    return network


@torch.no_grad()
def grown_network(base: Base, old: Sequence[str], labels: Sequence[str], *, dropout: float) -> TextNetwork:
    """A trained model's network with a row for each of `labels`: the rows of `old` ones, its own, are kept."""
    before = trained_network(base, dropout=dropout)
    network = TextNetwork(base.encoder, len(labels), dropout=dropout)
    places = [labels.index(label) for label in old]
    network.head.weight[places] = before.head.weight
    network.head.bias[places] = before.head.bias
    return network
