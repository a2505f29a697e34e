"""The recipe `distill`: a student learns what its teachers give each text (Hinton 2015), and the labels beside.

Teachers are trained models that know the same labels: one that is larger, or several whose answers are averaged. They
answer once, as they are served, and are remembered; texts without a label teach as well. The student is the encoder
with some of its layers left out, or a smaller one.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field
from safetensors.numpy import load_file, save_file
from torch import Tensor

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import CARD_FILE, ModelCard, read_card
from kefu.factory.bases import Base, load_base, new_network
from kefu.factory.batches import Tokens, tokenize
from kefu.factory.compress.layers import check_kept, keep_layers
from kefu.factory.course import (
    FLOOR_FEATURES,
    LabelOptions,
    base_for,
    checked,
    draft,
    finish,
    prepare,
    set_head,
    started_with,
)
from kefu.factory.evaluate.exam import texts_of
from kefu.factory.examples import labelled
from kefu.factory.export import check_files
from kefu.factory.lessons import LabelLesson, Teacher, Telling
from kefu.factory.loop import fit
from kefu.factory.network import TextNetwork
from kefu.factory.options import read_options
from kefu.factory.recipes.linear.recipe import fit_linear
from kefu.factory.seal import outputs
from kefu.kit.errors import BadInput

# What the teachers said, so that a run which is gone on from does not ask again; it is gone when the student is there.
_REMEMBERED = "teachers.safetensors"
UNLABELLED = -1


class DistillOptions(LabelOptions):
    """Options of `distill`: those of `finetune`, the teachers, and what they count."""

    teachers: str = Field(default="", description="folders of trained models with the same labels, with commas")
    unlabelled: str = Field(default="", description="a file of texts that only the teachers label")
    layers: int = Field(default=0, ge=0, le=100, description="of the encoder's, how many the student has; 0 for all")
    alpha: float = Field(default=0.3, ge=0, le=1, description="what labels count beside the teachers")
    temperature: float = Field(default=4.0, ge=1, le=100, description="how much the teachers' answers are softened")
    num_train_epochs: int = Field(default=6, ge=1, le=1000, description="how often every text is seen")
    floor_weight: float = Field(
        default=1.0, ge=0, le=100, description="what the floor's margins count beside the logits"
    )


class DistillRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(DistillOptions, "distill", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        if job.extend:
            raise BadInput("A student cannot be extended; extend its teacher, and distill that.", extend=job.extend)
        options, out = self._options, Path(job.out)
        prepare(options)
        named = (each.strip().removeprefix("path:") for each in options.teachers.split(","))
        teachers = [Path(each).expanduser() for each in named if each]
        cards = _checked_teachers(teachers)
        labels = cards[0].labels
        texts, names = labelled(data)
        if other := sorted(set(names) - set(labels)):
            raise BadInput(f"The teachers do not know the label {other[0]!r}.", label=other[0])
        more = _unlabelled(options.unlabelled, texts)
        base = load_base(options.base_model or base_for(texts))
        check_kept(base.encoder, options.layers)
        tokens = tokenize(base.tokenizer, [*texts, *more], max_tokens=options.max_tokens)
        targets = torch.tensor([*(labels.index(name) for name in names), *[UNLABELLED] * len(more)])
        said = _said(out, teachers, cards, [*texts, *more], tell)
        network = _student(base, tokens, targets, said, options=options, tell=tell)
        lesson = LabelLesson(
            tokens=tokens,
            pad_id=base.pad_id,
            targets=targets,
            valid=checked(base, valid, labels, options),
            batch=options.per_device_train_batch_size,
            seed=options.seed,
            bf16=options.bf16,
            telling=Telling(options.loss, options.label_smoothing, options.focal_gamma),
            teacher=Teacher(said, torch.arange(len(labels)), 1 - options.alpha, options.temperature),
            label_weight=options.alpha,
        )
        started = started_with(options, base, data, "distill")
        started |= {"teachers": [_digest(each / CARD_FILE) for each in teachers]}
        fitted = fit(network, lesson, options, out=out, tell=tell, started_with=started, resume=job.resume)
        (out / _REMEMBERED).unlink(missing_ok=True)
        if options.floor:
            fit_linear(out / "linear", texts, names, regularisation=1.0, features=FLOOR_FEATURES, seed=options.seed)
        card = draft(out, options, base, fitted, recipe="distill", task="classify", texts=texts, data=data)
        card = replace(
            card,
            labels=labels,
            floor_weight=options.floor_weight if options.floor else 0.0,
            parents=tuple(_digest(each / CARD_FILE) for each in teachers),
            valid_sha256=valid.sha256,
        )
        return finish(out, card, network, base, data=data, valid=valid, tell=tell)


def _student(
    base: Base, tokens: Tokens, targets: Tensor, said: Tensor, *, options: DistillOptions, tell: Tell
) -> TextNetwork:
    """The encoder, with the layers that are kept and a head from the centroids of what is labelled."""
    network = new_network(base, said.shape[1], dropout=options.dropout)
    if options.layers:
        keep_layers(network, tokens, base.pad_id, options.layers, tell)
    known = torch.where(targets >= 0, targets, said.argmax(1))
    set_head(network, tokens, known, base.pad_id, known=(), bf16=options.bf16)
    return network


def _checked_teachers(folders: Sequence[Path]) -> list[ModelCard]:
    """Their cards. Raises BadInput for none, for models that cannot teach together, BadInstallation for altered
    ones.
    """
    if not folders:
        raise BadInput("A student needs teachers: teachers=DIR, or several with commas.", missing="teachers")
    cards = [read_card(each) for each in folders]
    for folder, card in zip(folders, cards, strict=True):
        if card.task != "classify":
            raise BadInput(f"{folder.name} tells no labels: its task is {card.task}.", teacher=folder.name)
        if card.labels != cards[0].labels:
            raise BadInput(
                f"{folder.name} knows other labels than {folders[0].name}; teachers share theirs.", teacher=folder.name
            )
        check_files(folder, card)
    return cards


def _unlabelled(file: str, known: Sequence[str]) -> list[str]:
    if not file:
        return []
    seen = set(known)
    return [each for each in dict.fromkeys(texts_of(Path(file))) if each not in seen]


def _said(out: Path, teachers: Sequence[Path], cards: Sequence[ModelCard], texts: Sequence[str], tell: Tell) -> Tensor:
    """float32 [texts, labels]: the logarithm of the teachers' mean share of each label; remembered in `out`."""
    kept = load_file(out / _REMEMBERED) if (out / _REMEMBERED).is_file() else {}
    asked = hashlib.sha256("\x00".join(texts).encode("utf-8", "replace")).hexdigest()[:16]
    shares = []
    for folder, card in zip(teachers, cards, strict=True):
        name = f"{_digest(folder / CARD_FILE)}-{asked}"
        if name not in kept:
            tell(Told.NOTE, {"sentence": f"{card.name} answers {len(texts):,} texts."})
            kept[name] = np.ascontiguousarray(outputs(folder, texts).logits / card.temperature, np.float32)
            out.mkdir(parents=True, exist_ok=True)
            save_file(kept, out / _REMEMBERED)
        shares.append(torch.from_numpy(kept[name]).softmax(1))
    return torch.stack(shares).mean(0).clamp(min=1e-9).log()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
