"""The recipe `retriever`: an encoder learns which passage answers which question.

Wrong passages are those of the batch's other questions, those that the file names, and those that the encoder found
near before it was taught. A share of its original weights is put back in the end, which keeps what it was good at. The
result is a workspace's encoder: `path:DIR`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory import checkpoints
from kefu.factory.bases import Base, new_network
from kefu.factory.batches import tokenize
from kefu.factory.course import draft, started_with
from kefu.factory.examples import searching
from kefu.factory.loop import LoopOptions, fit
from kefu.factory.network import mix
from kefu.factory.options import read_options
from kefu.factory.search.course import begin, write_served
from kefu.factory.search.lesson import PairLesson, Texts, figures, hard_ones
from kefu.knowledge.pairs import Pair


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
        options, out = self._options, Path(job.out)
        begun = begin(job, data, valid, options, what="An encoder", base_of=searching)
        base = begun.base
        network = new_network(base, 1, dropout=options.dropout)
        network.head.requires_grad_(False)  # an encoder has no labels
        taught, judged = (_texts(base, rows, options.max_tokens) for rows in (begun.pairs, begun.checked))
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
        card = draft(out, options, base, fitted, recipe="retriever", task="embed", texts=begun.questions, data=data)
        card = replace(
            card,
            query_prefix=base.query_prefix,
            passage_prefix=base.passage_prefix,
            valid_sha256=valid.sha256,
            metrics={**card.metrics, **{f"before_{name}": value for name, value in before.items()}},
        )
        card = write_served(out, card, network, base, int8=options.int8, tell=tell)
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
