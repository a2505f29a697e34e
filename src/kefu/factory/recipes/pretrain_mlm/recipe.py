"""The recipe `pretrain_mlm`: an encoder goes on learning its language, on a company's own texts (Gururangan 2020).

Words that the company often uses become tokens of their own. Sentence encoders are shipped without what fills gaps, so
that is learnt first, while the encoder stays as it is: only then does "before" mean anything. The result is a base:
`base_model=path:DIR` of other recipes; whether it helps them is for `kefu trial` to say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory import checkpoints
from kefu.factory.bases import Base, load_base
from kefu.factory.course import base_for, draft, prepare, started_with
from kefu.factory.language import gaps
from kefu.factory.language.corpus import texts_of
from kefu.factory.language.lessons import GapLesson
from kefu.factory.language.network import GapNetwork
from kefu.factory.language.words import extended, grow
from kefu.factory.loop import LoopOptions, fit
from kefu.factory.network import mix
from kefu.factory.options import read_options
from kefu.factory.seal import write_card
from kefu.kit.errors import BadInput

HEAD_FOLDER = "head"


class PretrainMlmOptions(LoopOptions):
    """Options of `pretrain_mlm`."""

    base_model: str = Field(
        default="", description="package:NAME, path:DIR, or new for nothing at all; empty chooses by the language"
    )
    learning_rate: float = Field(default=5e-5, gt=0, lt=1, description="the encoder's highest learning rate")
    num_train_epochs: int = Field(default=3, ge=1, le=1000, description="how often every text is seen")
    max_tokens: int = Field(default=128, ge=8, le=512, description="longer texts become several rows")
    mask_share: float = Field(default=0.15, gt=0, lt=1, description="the share of tokens that is asked about")
    new_words: int = Field(default=200, ge=0, le=20_000, description="at most so many words become tokens; 0: none")
    new_word_count: int = Field(default=20, ge=2, description="how often a word stands in the texts at least")
    head_steps: int = Field(default=200, ge=1, description="steps in which the new head alone learns, at first")
    original_share: float = Field(
        default=0.0, ge=0, le=1, description="the share of the encoder's original weights in the result"
    )
    vocabulary_size: int = Field(default=8000, ge=100, le=200_000, description="with new: tokens of the tokenizer")
    hidden_size: int = Field(default=256, ge=32, le=1024, description="with new: the encoder's width")
    layers: int = Field(default=4, ge=1, le=24, description="with new: the encoder's layers")

    @model_validator(mode="after")
    def _check_new(self) -> Self:
        if self.base_model == gaps.NEW and self.original_share:
            raise ValueError("what begins from nothing has no original weights, so original_share is 0")
        return self


class PretrainMlmRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(PretrainMlmOptions, "pretrain_mlm", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        if job.extend:
            raise BadInput("An encoder is trained on by base_model=path:DIR, not extended.", extend=job.extend)
        options, out = self._options, Path(job.out)
        prepare(options)
        texts = texts_of(data)
        base = _base(options, texts, tell)
        network = GapNetwork(base.encoder, dropout=options.dropout)
        has_head = gaps.with_head(network, base.reference)
        lesson = _lesson(options, network, base, texts, texts_of(valid))
        started = started_with(options, base, data, "pretrain_mlm")
        # A run that stopped while its head learnt goes on there; one that stopped later has its head learn again.
        in_head = job.resume and (out / HEAD_FOLDER / checkpoints.FOLDER).is_dir()
        if not has_head and base.reference != gaps.NEW:
            place = out / HEAD_FOLDER
            _teach_head(network, lesson, options, place=place, tell=tell, started=started, resume=in_head)
        before = dict(lesson.judge(network))
        tell(Told.NOTE, {"sentence": f"Before: {said(before)}."})
        original = {name: each.clone() for name, each in network.encoder.state_dict().items()}
        resume = job.resume and not in_head
        fitted = fit(network, lesson, options, out=out, tell=tell, started_with=started, resume=resume)
        if options.original_share:
            mix(network, original, options.original_share)
            fitted = replace(fitted, metrics=lesson.judge(network))
        tell(Told.NOTE, {"sentence": f"After: {said(fitted.metrics)}."})
        card = draft(out, options, base, fitted, recipe="pretrain_mlm", task="language", texts=texts, data=data)
        gaps.write(out, network, base)
        card = replace(
            card,
            runtime="torch",
            serve="model.safetensors",
            query_prefix=base.query_prefix,
            passage_prefix=base.passage_prefix,
            valid_sha256=valid.sha256,
            metrics={**card.metrics, **{f"before_{name}": value for name, value in before.items()}},
        )
        checkpoints.remove(out)
        return write_card(out, card)


def _base(options: PretrainMlmOptions, texts: Sequence[str], tell: Tell) -> Base:
    """What is trained on, with the company's words in its tokenizer."""
    if options.base_model == gaps.NEW:
        size = gaps.Size(options.vocabulary_size, options.hidden_size, options.layers, options.max_tokens)
        base = gaps.new_base(texts, size)
        made = f"a tokenizer of {base.tokenizer.get_vocab_size():,} tokens was made"
        tell(Told.NOTE, {"sentence": f"From nothing: {made}, {options.layers} layers of {options.hidden_size}."})
        return base
    base = load_base(options.base_model or base_for(texts), prefixed=False)
    found = extended(base.tokenizer, texts, most=options.new_words, least=options.new_word_count)
    grow(base.encoder, found)
    if found.words:
        shown = ", ".join(found.words[:10])
        tell(
            Told.NOTE, {"sentence": f"{len(found.words)} words became tokens: {shown}{' …' * (len(found.words) > 10)}"}
        )
    return replace(base, tokenizer=found.tokenizer)


def _lesson(
    options: PretrainMlmOptions, network: GapNetwork, base: Base, texts: Sequence[str], valid: Sequence[str]
) -> GapLesson:
    return GapLesson(
        network=network,
        tokens=gaps.windows(base.tokenizer, texts, max_tokens=options.max_tokens),
        valid=gaps.windows(base.tokenizer, valid, max_tokens=options.max_tokens),
        words=gaps.words_of(base.tokenizer, base.pad_id),
        batch=options.per_device_train_batch_size,
        seed=options.seed,
        share=options.mask_share,
        bf16=options.bf16,
    )


def _teach_head(
    network: GapNetwork,
    lesson: GapLesson,
    options: PretrainMlmOptions,
    *,
    place: Path,
    tell: Tell,
    started: Mapping[str, Any],
    resume: bool,
) -> None:
    """Teach the head alone, `head_steps` steps to whole epochs."""
    short = {"num_train_epochs": 1, "min_steps": options.head_steps, "early_stopping_patience": 0}
    quiet = options.model_copy(update={**short, "adversarial_epsilon": 0.0, "l1": 0.0, "save_steps": 0})
    network.encoder.requires_grad_(False)

    def tell_notes(told: Told, fields: Mapping[str, Any]) -> None:
        # Its steps and epochs are none of the run's.
        if told is Told.PROGRESS:
            tell(told, fields)

    fit(network, lesson, quiet, out=place, tell=tell_notes, started_with=started, resume=resume)
    network.encoder.requires_grad_(True)
    checkpoints.remove(place)
    if place.is_dir():
        place.rmdir()


def said(figures: Mapping[str, float]) -> str:
    """Figures of language in a sentence."""
    return f"perplexity {figures['perplexity']:.2f}, right words {figures['token_accuracy']:.1%}"
