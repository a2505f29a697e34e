"""The recipe `reranker`: a network learns to read a question with a passage, and tells whether that one answers.

Wrong passages are those that the file names and those that search itself finds beside the right one. What its logits
count beside search's scores is fitted on the validation data, with the network as it is served; where no weight helps,
it is 0, and the card says so. The result serves in a workspace's role `rerank`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory import checkpoints
from kefu.factory.bases import Base, new_network
from kefu.factory.batches import tokenize
from kefu.factory.course import base_for, draft, started_with
from kefu.factory.evaluate.served import relevances, reranker
from kefu.factory.export import write_network
from kefu.factory.loop import LoopOptions, fit
from kefu.factory.network import TextNetwork
from kefu.factory.options import read_options
from kefu.factory.seal import write_card
from kefu.factory.search.candidates import Candidates, best_weight, candidates_of, figures_of, reordered
from kefu.factory.search.course import begin, in_8_bits
from kefu.factory.search.reading import ListLesson, Lists, wrong_ones
from kefu.kit.errors import BadInput
from kefu.knowledge.pairs import Pair

_IN_VAIN = "Its order is no better than search's own on its validation data: it changes nothing."


class RerankerOptions(LoopOptions):
    """Options of `reranker`."""

    learning_rate: float = Field(default=5e-5, gt=0, lt=1, description="the network's highest learning rate")
    num_train_epochs: int = Field(default=2, ge=1, le=1000, description="how often every question is seen")
    per_device_train_batch_size: int = Field(default=8, ge=1, le=4096, description="questions of one batch")
    max_tokens: int = Field(default=192, ge=16, le=512, description="of question and passage; longer ones are cut")
    freeze_embeddings: bool = Field(default=True, description="whether the word table stays as it is")
    encoder: str = Field(default="", description="the encoder that search has, where it is not Kefu's own")
    candidates: int = Field(default=10, ge=2, le=50, description="passages that are read and put in order")
    hard_negatives: int = Field(default=4, ge=1, le=32, description="wrong passages beside each right one in a batch")
    mined: int = Field(
        default=20, ge=1, le=100, description="of what search finds, how many the wrong ones are taken of"
    )
    scale: float = Field(default=10.0, gt=0, le=200, description="how sharply right and wrong are told apart")
    int8: bool = Field(default=True, description="whether the 8-bit form is served, a quarter of the size")


class RerankerRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(RerankerOptions, "reranker", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        options, out = self._options, Path(job.out)
        begun = begin(job, data, valid, options, what="A reranker", base_of=base_for)
        pairs, base = begun.pairs, begun.base
        mined = candidates_of(pairs, options.mined, encoder=options.encoder, tell=tell)
        judged = candidates_of(begun.checked, options.candidates, encoder=options.encoder, tell=tell)
        before = figures_of(judged.places())
        tell(Told.NOTE, {"sentence": f"Search alone: {_said(before)}.", **_named("before", before)})
        network = new_network(base, 1, dropout=options.dropout)
        lesson = self._lesson(base, pairs, mined, judged)
        started = started_with(options, base, data, "reranker")
        fitted = fit(network, lesson, options, out=out, tell=tell, started_with=started, resume=job.resume)
        with torch.no_grad():
            network.head.weight.mul_(options.scale)
            network.head.bias.mul_(options.scale)
        card = draft(out, options, base, fitted, recipe="reranker", task="rerank", texts=begun.questions, data=data)
        card = replace(card, valid_sha256=valid.sha256, rerank_reads=options.candidates)
        card = replace(card, metrics={**card.metrics, **_named("before", before)})
        card = _weighed(out, _written(out, card, network, base, int8=options.int8, tell=tell), judged, tell)
        checkpoints.remove(out)
        return card

    def _lesson(self, base: Base, pairs: Sequence[Pair], mined: Candidates, judged: Candidates) -> ListLesson:
        options = self._options
        hard = min(options.hard_negatives, len(mined.passages) - 1)
        if not hard:
            raise BadInput("The data hold a single passage; a reranker learns to tell several apart.")
        wrong = wrong_ones(mined, [each.negatives for each in pairs], least=hard, seed=options.seed)
        return ListLesson(
            lists=_lists(base, mined, wrong, options.max_tokens),
            valid=_lists(base, judged, (), options.max_tokens),
            candidates=judged,
            pad_id=base.pad_id,
            batch=options.per_device_train_batch_size,
            seed=options.seed,
            hard=hard,
            scale=options.scale,
            max_tokens=options.max_tokens,
            bf16=options.bf16,
        )


def _lists(base: Base, found: Candidates, wrong: Sequence[Sequence[int]], max_tokens: int) -> Lists:
    questions, passages = (
        tokenize(base.tokenizer, texts, max_tokens=max_tokens) for texts in (found.questions, found.passages)
    )
    return Lists(questions, passages, found.right, wrong)


def _written(out: Path, card: ModelCard, network: TextNetwork, base: Base, *, int8: bool, tell: Tell) -> ModelCard:
    """Write weights, tokenizer and what serves; the ONNX file is loaded again and compared."""
    written = write_network(
        out, network, base.tokenizer, ("relevance",), pad_id=base.pad_id, max_tokens=card.max_tokens
    )
    tell(
        Told.NOTE,
        {"sentence": f"Exported, loaded again and compared: the largest difference is {written.largest:.2g}."},
    )
    card = replace(card, metrics={**card.metrics, "export_difference": written.largest})
    return write_card(out, in_8_bits(out, card) if int8 else card)


def _weighed(out: Path, card: ModelCard, judged: Candidates, tell: Tell) -> ModelCard:
    """Fit what its logits count, as they are served, and say what that gives."""
    with reranker(out) as engine:
        logits = relevances(engine, judged, tell)
    weight = best_weight(judged, logits)
    after = figures_of(reordered(judged, logits, weight))
    tell(Told.NOTE, {"sentence": f"With its order: {_said(after)}; its logits count {weight:g}.", "weight": weight})
    limits = card.limits if weight else (*card.limits, _IN_VAIN)
    ceiling = float(np.isfinite(judged.places()).mean())
    metrics = {**card.metrics, **_named("valid", after), "valid_found": ceiling}
    return write_card(out, replace(card, rerank_weight=weight, limits=limits, metrics=metrics))


def _named(prefix: str, found: Mapping[str, float]) -> dict[str, float]:
    return {f"{prefix}_{name}": round(value, 6) for name, value in found.items()}


def _said(found: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in found.items())
