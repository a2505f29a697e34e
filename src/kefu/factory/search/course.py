"""What the recipes of search have in common: how they begin, and how an encoder becomes what is served."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory.bases import Base, load_base
from kefu.factory.batches import tokenize
from kefu.factory.compress.int8 import quantise
from kefu.factory.course import prepare
from kefu.factory.evaluate.served import encoder as served_encoder
from kefu.factory.export import INT8_FILE, ONNX_FILE, OPSET, PROBES, write_config
from kefu.factory.loop import LoopOptions
from kefu.factory.network import TextNetwork
from kefu.factory.seal import write_card
from kefu.kit.errors import BadInput, BadInstallation
from kefu.kit.runtime import run
from kefu.knowledge.pairs import Pair, pairs_of

# What int8 may turn a unit vector by, as a cosine: the shipped encoders' own int8 forms are at 0.98 to 0.99.
_LEAST_COSINE = 0.95


@dataclass(frozen=True)
class Begun:
    """The pairs to learn from and to judge on, and the encoder to begin with, which puts no prefix by itself."""

    pairs: list[Pair]
    checked: list[Pair]
    base: Base

    @property
    def questions(self) -> list[str]:
        return [each.question for each in self.pairs]


def begin(
    job: Job, data: Dataset, valid: Dataset, options: LoopOptions, *, what: str, base_of: Callable[[Sequence[str]], str]
) -> Begun:
    """Read the pairs and load the encoder that the options name, or what `base_of` says of the questions.

    Raises BadInput for data without pairs, and for a job that would extend `what` is trained.
    """
    if job.extend:
        raise BadInput(f"{what} is trained on by base_model=path:DIR, not extended.", extend=job.extend)
    prepare(options)
    pairs, checked = pairs_of(data, "the data"), pairs_of(valid, "the validation data")
    base = load_base(options.base_model or base_of([each.question for each in pairs]), prefixed=False)
    return Begun(pairs, checked, base)


def in_8_bits(out: Path, card: ModelCard) -> ModelCard:
    """Serve the fp32 ONNX file of a model's folder in 8 bits from now on; the card is not written."""
    quantise(out / ONNX_FILE, out / INT8_FILE, tables=True)
    (out / ONNX_FILE).unlink()
    return replace(card, serve=INT8_FILE, variant="int8")


def write_encoder(out: Path, network: TextNetwork, base: Base) -> None:
    """Write an encoder's weights, configuration and tokenizer, and the fp32 ONNX file of its vectors."""
    from safetensors.torch import save_file

    network.eval()
    out.mkdir(parents=True, exist_ok=True)
    weights = {name: each.detach().contiguous() for name, each in network.encoder.state_dict().items()}
    save_file(weights, out / "model.safetensors")
    write_config(out, network, pad_id=base.pad_id, more={"architectures": ["Encoder"]})
    base.tokenizer.no_padding()
    base.tokenizer.no_truncation()
    base.tokenizer.save(str(out / "tokenizer.json"), pretty=False)
    write_vectors_onnx(network, out / ONNX_FILE)


def write_served(out: Path, card: ModelCard, network: TextNetwork, base: Base, *, int8: bool, tell: Tell) -> ModelCard:
    """The same, in 8 bits where that is asked for; load what serves again and compare. Gives the card as written."""
    write_encoder(out, network, base)
    card = replace(card, serve=ONNX_FILE, variant="fp32")
    card = write_card(out, in_8_bits(out, card) if int8 else card)
    cosine = _compared(out, network, base, card)
    if cosine < _LEAST_COSINE:
        raise BadInstallation(f"What is served turns vectors away from the network's: cosine {cosine:.3f}.")
    tell(Told.NOTE, {"sentence": f"Exported, loaded again and compared: the least cosine is {cosine:.4f}."})
    return write_card(out, replace(card, metrics={**card.metrics, "export_cosine": round(cosine, 4)}))


class _Embedding(nn.Module):
    """The network's unit vectors alone: what search asks for."""

    def __init__(self, network: TextNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.network.embed(input_ids, attention_mask)


def write_vectors_onnx(network: TextNetwork, target: Path) -> None:
    """Write a network's unit vectors as fp32 ONNX, with free batch and token axes and nothing beside them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    ids = torch.ones((2, 16), dtype=torch.int64)
    mask = torch.ones_like(ids)
    mask[1, 8:] = 0  # a padded row, so that tracing keeps the mask
    encoder: Any = network.encoder
    encoder.set_attn_implementation("eager")  # plain MatMul and Softmax nodes: what the quantiser knows
    axes = {name: {0: "batch", 1: "tokens"} for name in ("input_ids", "attention_mask")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's advice on its successor
        torch.onnx.export(
            _Embedding(network).eval(),  # or the exporter leaves the network as one that learns, dropping out
            (ids, mask),
            str(target),
            input_names=["input_ids", "attention_mask"],
            output_names=["sentence_embedding"],
            dynamic_axes={**axes, "sentence_embedding": {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )


@torch.no_grad()
def _compared(out: Path, network: TextNetwork, base: Base, card: ModelCard) -> float:
    tokens = tokenize(base.tokenizer, [base.query_prefix + text for text in PROBES], max_tokens=card.max_tokens)
    meant = torch.cat(
        [network.embed(torch.tensor([row]), torch.ones(1, len(row), dtype=torch.int64)) for row in tokens]
    )
    with served_encoder(f"path:{out}") as engine:
        served = [torch.from_numpy(run(engine.embed([text], "query"))) for text in PROBES]
    return float((torch.cat(served) * meant).sum(1).min())
