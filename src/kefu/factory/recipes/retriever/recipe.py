"""The recipe `retriever`: an encoder learns which passage answers which question.

Wrong passages are those of the batch's other questions, those that the file names, and those that the encoder found
near before it was taught. A share of its original weights is put back in the end, which keeps what it was good at. The
result is a workspace's encoder: `path:DIR`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from kefu.contracts.dataset import Dataset
from kefu.contracts.engine import Encoder
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory import checkpoints
from kefu.factory.bases import Base, load_base, new_network
from kefu.factory.batches import tokenize
from kefu.factory.compress.int8 import quantise
from kefu.factory.course import base_for, draft, prepare, started_with
from kefu.factory.export import ONNX_FILE, OPSET, PROBES, write_config
from kefu.factory.loop import LoopOptions, fit
from kefu.factory.network import TextNetwork, mix
from kefu.factory.options import read_options
from kefu.factory.seal import write_card
from kefu.factory.search.lesson import PairLesson, Texts, figures, hard_ones
from kefu.kit import registry
from kefu.kit.errors import BadInput, BadInstallation
from kefu.kit.runtime import run
from kefu.knowledge.pairs import Pair, pairs_of

INT8_FILE = "onnx/model_qint8.onnx"
# What int8 may turn a unit vector by, as a cosine: the shipped encoders' own int8 forms are at 0.98 to 0.99.
_LEAST_COSINE = 0.95


class RetrieverOptions(LoopOptions):
    """Options of `retriever`."""

    learning_rate: float = Field(default=3e-5, gt=0, lt=1, description="the encoder's highest learning rate")
    num_train_epochs: int = Field(default=2, ge=1, le=1000, description="how often every question is seen")
    per_device_train_batch_size: int = Field(default=24, ge=2, le=4096, description="questions of one batch")
    max_tokens: int = Field(default=160, ge=8, le=512, description="longer texts are cut")
    freeze_embeddings: bool = Field(default=True, description="whether the word table stays as it is")
    hard_negatives: int = Field(default=1, ge=0, le=8, description="near passages beside each right one")
    scale: float = Field(default=20.0, gt=0, le=200, description="how sharply near and far are told apart")
    backwards: float = Field(default=0.3, ge=0, le=10, description="what finding a passage's question counts")
    original_share: float = Field(
        default=0.3, ge=0, le=1, description="the share of the encoder's original weights in the result"
    )
    int8: bool = Field(default=True, description="whether the 8-bit form is served, a quarter of the size")


class RetrieverRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(RetrieverOptions, "retriever", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        if job.extend:
            raise BadInput("An encoder is trained on by base_model=path:DIR, not extended.", extend=job.extend)
        options, out = self._options, Path(job.out)
        prepare(options)
        pairs, checked = pairs_of(data, "the data"), pairs_of(valid, "the validation data")
        texts = [each.question for each in pairs]
        base = load_base(options.base_model or base_for(texts), prefixed=False)
        network = new_network(base, 1, dropout=options.dropout)
        network.head.requires_grad_(False)  # an encoder has no labels
        taught, judged = (_texts(base, rows, options.max_tokens) for rows in (pairs, checked))
        before = figures(network, judged, base.pad_id, bf16=options.bf16)
        tell(Told.NOTE, {"sentence": f"Before: {_said(before)}.", **{f"before_{k}": v for k, v in before.items()}})
        if options.hard_negatives:
            mined = hard_ones(network, taught, base.pad_id, most=8, seed=options.seed, bf16=options.bf16)
            taught = replace(taught, wrong=mined)
        lesson = PairLesson(
            texts=taught,
            valid=judged,
            pad_id=base.pad_id,
            batch=options.per_device_train_batch_size,
            seed=options.seed,
            hard=options.hard_negatives,
            scale=options.scale,
            backwards=options.backwards,
            bf16=options.bf16,
        )
        original = {name: each.clone() for name, each in network.encoder.state_dict().items()}
        started = started_with(options, base, data, "retriever")
        fitted = fit(network, lesson, options, out=out, tell=tell, started_with=started, resume=job.resume)
        if options.original_share:
            mix(network, original, options.original_share)
            fitted = replace(fitted, metrics=lesson.judge(network))
        tell(Told.NOTE, {"sentence": f"After: {_said(fitted.metrics)}."})
        card = draft(out, options, base, fitted, recipe="retriever", task="embed", texts=texts, data=data)
        card = replace(
            card,
            query_prefix=base.query_prefix,
            passage_prefix=base.passage_prefix,
            valid_sha256=valid.sha256,
            metrics={**card.metrics, **{f"before_{name}": value for name, value in before.items()}},
        )
        card = _written(out, card, network, base, int8=options.int8, tell=tell)
        checkpoints.remove(out)
        return card


def _texts(base: Base, pairs: Sequence[Pair], max_tokens: int) -> Texts:
    """Tokenised, each passage once."""
    passages = list(dict.fromkeys(text for each in pairs for text in (each.passage, *each.negatives)))
    place = {passage: at for at, passage in enumerate(passages)}
    return Texts(
        questions=tokenize(
            base.tokenizer, [base.query_prefix + each.question for each in pairs], max_tokens=max_tokens
        ),
        passages=tokenize(base.tokenizer, [base.passage_prefix + each for each in passages], max_tokens=max_tokens),
        right=[place[each.passage] for each in pairs],
        wrong=[[place[text] for text in each.negatives] for each in pairs],
    )


def _said(found: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in found.items())


class _Embedding(nn.Module):
    """The network's unit vectors alone: what search asks for."""

    def __init__(self, network: TextNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.network.embed(input_ids, attention_mask)


def _written(out: Path, card: ModelCard, network: TextNetwork, base: Base, *, int8: bool, tell: Tell) -> ModelCard:
    """Write weights, tokenizer and what serves, load that again, and compare."""
    from safetensors.torch import save_file

    network.eval()
    out.mkdir(parents=True, exist_ok=True)
    weights = {name: each.detach().contiguous() for name, each in network.encoder.state_dict().items()}
    save_file(weights, out / "model.safetensors")
    write_config(out, network, pad_id=base.pad_id, more={"architectures": ["Encoder"]})
    base.tokenizer.no_padding()
    base.tokenizer.no_truncation()
    base.tokenizer.save(str(out / "tokenizer.json"), pretty=False)
    _export(network, out / ONNX_FILE)
    serve = ONNX_FILE
    if int8:
        quantise(out / ONNX_FILE, out / INT8_FILE, tables=True)
        (out / ONNX_FILE).unlink()
        serve = INT8_FILE
    card = write_card(out, replace(card, serve=serve, variant="int8" if int8 else "fp32"))
    cosine = _compared(out, network, base, card)
    if cosine < _LEAST_COSINE:
        raise BadInstallation(f"What is served turns vectors away from the network's: cosine {cosine:.3f}.")
    tell(Told.NOTE, {"sentence": f"Exported, loaded again and compared: the least cosine is {cosine:.4f}."})
    return write_card(out, replace(card, metrics={**card.metrics, "export_cosine": round(cosine, 4)}))


def _export(network: TextNetwork, target: Path) -> None:
    import warnings

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
            _Embedding(network),
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
    engine = registry.load("engines", "onnx", Encoder)(f"path:{out}", {"threads": torch.get_num_threads()})
    run(engine.load())
    try:
        served = np.concatenate([run(engine.embed([text], "query")) for text in PROBES])
    finally:
        run(engine.close())
    tokens = tokenize(base.tokenizer, [base.query_prefix + text for text in PROBES], max_tokens=card.max_tokens)
    meant = torch.cat(
        [network.embed(torch.tensor([row]), torch.ones(1, len(row), dtype=torch.int64)) for row in tokens]
    )
    return float((served * meant.numpy()).sum(axis=1).min())
