"""A trained network as files: torch weights to train on from, and ONNX to serve, loaded again and compared."""

import json
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import CARD_FILE, ModelCard, read_card
from kefu.kit.errors import BadInput, BadInstallation
from kefu.kit.optional import require

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from kefu.factory.network import TextNetwork

ONNX_FILE = "onnx/model.onnx"
# LayerNormalization is one node from 17 on; onnxruntime and its quantiser know every operator of it.
OPSET = 17
# float32 sums in another order differ by 1e-6 in a unit vector and, with heads of norm 20, by 1e-4 in a logit; more
# than this is an export that is wrong.
LARGEST_DIFFERENCE = 1e-3
# Texts that an export is compared on: of different lengths, and of different scripts.
PROBES = (
    "where is my parcel?",
    "我的快递到哪里了",
    "I was charged twice for the same order and I would like the second payment back, please.",
    "x",
)


@dataclass(frozen=True)
class Written:
    """What was written: the largest differences between the network and its ONNX file, logits and vectors."""

    logits: float
    vectors: float

    @property
    def largest(self) -> float:
        return max(self.logits, self.vectors)


def write_network(
    folder: Path, network: "TextNetwork", tokenizer: "Tokenizer", labels: Sequence[str], *, pad_id: int, max_tokens: int
) -> Written:
    """Write model.safetensors, config.json, tokenizer.json and onnx/model.onnx into a model's folder.

    Raises BadInstallation when the ONNX file does not give what the network gives.
    """
    network.eval()
    folder.mkdir(parents=True, exist_ok=True)
    write_torch(folder, network, labels, pad_id=pad_id)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    write_onnx(network, folder / ONNX_FILE)
    written = compared(network, folder, max_tokens=max_tokens)
    if written.largest > LARGEST_DIFFERENCE:
        raise BadInstallation(
            f"The ONNX file differs from the network by {written.largest:.2g}; {LARGEST_DIFFERENCE} is allowed. "
            "Install the pinned versions: pip install 'kefu[train]'",
            difference=written.largest,
        )
    return written


def write_torch(folder: Path, network: "TextNetwork", labels: Sequence[str], *, pad_id: int) -> None:
    """Write model.safetensors and config.json: the encoder's own, with `id2label`."""
    from safetensors.torch import save_file

    tensors = {name: each.detach().contiguous() for name, each in network.state_dict().items()}
    save_file(tensors, folder / "model.safetensors")
    config = cast(Any, network.encoder).config.to_diff_dict()
    table = {
        **{name: value for name, value in config.items() if not name.startswith("_")},
        "model_type": cast(Any, network.encoder).config.model_type,
        "architectures": ["TextNetwork"],
        "pad_token_id": pad_id,
        "id2label": {str(place): label for place, label in enumerate(labels)},
        "label2id": {label: place for place, label in enumerate(labels)},
    }
    text = json.dumps(table, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")


def write_onnx(network: "TextNetwork", target: Path) -> None:
    """Write a network as fp32 ONNX with free batch and token axes, outputs `logits` and `sentence_embedding`.

    The legacy exporter's file runs a little faster than the dynamo exporter's, and needs no onnxscript.
    """
    torch = require("torch", extra="train")
    target.parent.mkdir(parents=True, exist_ok=True)
    ids = torch.ones((2, 16), dtype=torch.int64)
    mask = torch.ones_like(ids)
    mask[1, 8:] = 0  # a padded row, so that tracing keeps the mask
    inputs, outputs = ["input_ids", "attention_mask"], ["logits", "sentence_embedding"]
    axes = {**{name: {0: "batch", 1: "tokens"} for name in inputs}, **{name: {0: "batch"} for name in outputs}}
    encoder = cast(Any, network.encoder)
    attention = encoder.config._attn_implementation
    encoder.set_attn_implementation("eager")  # plain MatMul and Softmax nodes: what the quantiser knows
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's advice on tracing and on its successor
            torch.onnx.export(
                network,
                (ids, mask),
                str(target),
                input_names=inputs,
                output_names=outputs,
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,
            )
    finally:
        encoder.set_attn_implementation(attention)


def compared(network: "TextNetwork", folder: Path, *, max_tokens: int) -> Written:
    """Load the ONNX file and the tokenizer again and compare their output with the network's on a few texts."""
    onnxruntime = require("onnxruntime", extra="train")
    torch = require("torch", extra="train")
    from tokenizers import Tokenizer

    from kefu.factory.batches import pad, tokenize

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(folder / ONNX_FILE), options, providers=["CPUExecutionProvider"])
    pad_id = int(json.loads((folder / "config.json").read_text(encoding="utf-8"))["pad_token_id"])
    ids, mask = pad(tokenize(tokenizer, PROBES, max_tokens=max_tokens), pad_id)
    with torch.no_grad():
        logits, vectors = network(ids, mask)
    served = session.run(["logits", "sentence_embedding"], {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})
    return Written(
        float(np.abs(served[0] - logits.numpy()).max()),
        float(np.abs(served[1] - vectors.numpy()).max()),
    )


def export(job: Job, tell: Tell) -> Mapping[str, Any]:
    """Write a trained model anew as a folder of its own that is ready to serve; give what was compared.

    A network is exported from its torch weights; other runtimes have nothing to export from but their own files.
    Raises BadInput for a model or folder that cannot be used, BadInstallation for a damaged file.
    """
    from kefu.factory.seal import outputs, write_card

    source, out = Path(job.model), Path(job.out)
    card = read_card(source)
    before = outputs(source, PROBES)  # checks each served file's hash
    if out.exists() and any(out.iterdir()):
        raise BadInput(f"{out} is not empty; choose another folder.", out=str(out))
    _copy(source, out, card)
    if card.runtime == "onnx" and (source / "model.safetensors").is_file():
        card = _exported(out, card)
    card = write_card(out, card)
    after = outputs(out, PROBES)
    largest = float(np.abs(after.logits - before.logits).max())
    tell(Told.NOTE, {"sentence": f"Loaded again and compared: the largest difference of a logit is {largest:.2g}."})
    return {"out": str(out), "serve": card.serve, "largest_difference": largest, "size_mb": card.metrics["size_mb"]}


def _copy(source: Path, out: Path, card: ModelCard) -> None:
    """Copy what serves a model and what explains it, without its data and checkpoints."""
    for path in [*(each.path for each in card.files), CARD_FILE, "README.md"]:
        if (source / path).is_file() and not path.startswith("data/"):
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / path, out / path)


def _exported(out: Path, card: ModelCard) -> ModelCard:
    """Export the torch weights in a folder anew, beside whatever else it serves."""
    require("torch", extra="train")
    from kefu.factory.bases import from_folder, trained_network

    base = from_folder(out)
    network = trained_network(base)
    labels = card.labels or ("score",)
    written = write_network(out, network, base.tokenizer, labels, pad_id=base.pad_id, max_tokens=card.max_tokens)
    return replace(card, metrics={**card.metrics, "export_difference": written.largest})
