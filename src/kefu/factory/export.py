"""A trained network as files: torch weights to train on from, and ONNX to serve, loaded again and compared."""

import hashlib
import json
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

ONNX_FILE, INT8_FILE = "onnx/model.onnx", "onnx/model_qint8.onnx"
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
    """Write model.safetensors and config.json: the encoder's own, with `id2label`.

    One that is an encoder with something beside it has no weights that others could train on, so none are written.
    """
    from safetensors.torch import save_file

    if network.is_whole:
        tensors = {name: each.detach().contiguous() for name, each in network.state_dict().items()}
        save_file(tensors, folder / "model.safetensors")
    more = {
        "architectures": ["TextNetwork"],
        "id2label": {str(place): label for place, label in enumerate(labels)},
        "label2id": {label: place for place, label in enumerate(labels)},
    }
    write_config(folder, network, pad_id=pad_id, more=more)


def write_config(folder: Path, network: "TextNetwork", *, pad_id: int, more: Mapping[str, Any]) -> None:
    """Write config.json: what the encoder's own says, and more."""
    config = cast(Any, network.encoder).config
    kept = {name: value for name, value in config.to_diff_dict().items() if not name.startswith("_")}
    table = {**kept, "model_type": config.model_type, "pad_token_id": pad_id, **more}
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
    if network.per_token:
        axes["logits"][1] = "tokens"
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
    """Write what serves a model into a folder, or a zip, of its own; load that again and compare.

    It holds the network (or the head), tokenizer, labels, thresholds, card and README: neither data nor torch weights,
    but of an encoder that serves nobody and is only trained on from; nothing that is pickled. Raises BadInput for a
    model, a format or a place that cannot be used, BadInstallation for a file that was altered.
    """
    for name in ("model", "out"):
        if not getattr(job, name):
            raise BadInput(f"An export needs {name}.", missing=name)
    _check_options(job.options)
    source, out = Path(job.model), Path(job.out)
    card = read_card(source)
    check_files(source, card)
    is_zip = out.suffix.lower() == ".zip"
    if out.exists() and (is_zip or not out.is_dir() or any(each.name != "events.jsonl" for each in out.iterdir())):
        raise BadInput(f"{out} is there already, or not empty; choose another place.", out=str(out))
    from kefu.factory.probing import answers_of

    before = answers_of(source, PROBES)
    if is_zip:
        with tempfile.TemporaryDirectory(prefix="kefu-export-") as place:
            card = _copied(source, Path(place) / out.stem, card)
            _pack(Path(place) / out.stem, out)
        with tempfile.TemporaryDirectory(prefix="kefu-export-") as place:
            zipfile.ZipFile(out).extractall(place)  # ours, written a moment ago
            after = answers_of(Path(place) / out.stem, PROBES)
    else:
        card = _copied(source, out, card)
        after = answers_of(out, PROBES)
    if after.shape != before.shape:
        raise BadInstallation(f"{source} answers otherwise once it is exported.", folder=str(source))
    largest = float(np.abs(after - before).max(initial=0.0))
    tell(Told.NOTE, {"sentence": f"Loaded again and compared: the largest difference is {largest:.2g}."})
    return {"out": str(out), "serve": card.serve, "largest_difference": largest, "size_mb": card.metrics["size_mb"]}


def _check_options(options: Mapping[str, Any]) -> None:
    unknown = sorted(set(options) - {"format"})
    if unknown:
        raise BadInput(f"An export has no option {unknown[0]!r}. Options: format.", option=unknown[0])
    if options.get("format", "onnx") != "onnx":
        raise BadInput(f"Models are exported as onnx, not {options['format']!r}.", option="format")


def check_files(folder: Path, card: ModelCard) -> None:
    """Raises BadInstallation for a file that is not what the card says; data that are not there are not missed."""
    for file in card.files:
        path = folder / file.path
        if file.path.startswith("data/") and not path.exists():
            continue
        if not path.is_file() or _sha256(path) != file.sha256:
            raise BadInstallation(
                f"{file.path} of the model {card.name} is missing or was altered: its card says another SHA-256.",
                file=file.path,
            )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _copied(source: Path, out: Path, card: ModelCard) -> ModelCard:
    """Copy what serves a model and what explains it; gives the card of what was copied."""
    from kefu.factory.seal import write_card

    for path in [*(each.path for each in card.files), CARD_FILE, "README.md"]:
        if (source / path).is_file() and _is_shipped(path, card):
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / path, out / path)
    return write_card(out, card)


def _is_shipped(path: str, card: ModelCard) -> bool:
    if path.endswith(".onnx"):
        return path == card.serve
    # Weights to train on from are not needed to serve, unless they are all that there is.
    return not path.startswith("data/") and (path != "model.safetensors" or path == card.serve)


def _pack(folder: Path, target: Path) -> None:
    """Zip a folder under its own name. The same files give the same zip: their times are left out."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            archive.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)
