"""What the loop is taught with: labels to tell apart, or a number to give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from kefu.factory.batches import Batches, Tokens, balanced, by_length, pad
from kefu.factory.devices import CPU, given_by, place_of
from kefu.factory.losses import ClassLoss, ContrastiveLoss, classification, contrastive, distillation
from kefu.factory.network import TextNetwork

# Texts of one forward pass where no gradients are kept: small enough for the smallest machine's memory.
PREDICTED_AT_ONCE = 64


@dataclass(frozen=True)
class Checked:
    """Validation data: `targets` are label numbers, -1 for a label that the model does not have, or scores."""

    tokens: Tokens
    targets: Tensor


@dataclass(frozen=True)
class Telling:
    """How labels are told apart: the loss, label smoothing, and the focal loss's gamma."""

    name: ClassLoss = "cross_entropy"
    smoothing: float = 0.0
    gamma: float = 2.0


@dataclass(frozen=True)
class Contrast:
    """How texts of one label are drawn together beside it: `weight` 0 for not at all."""

    name: ContrastiveLoss = "none"
    weight: float = 0.0
    temperature: float = 0.07
    margin: float = 0.3


@dataclass(frozen=True)
class Teacher:
    """What an earlier model gave each text: logits [rows, its labels] for `places` of the new one's."""

    logits: Tensor
    places: Tensor
    weight: float
    temperature: float = 2.0


@dataclass(frozen=True)
class Memory:
    """Vectors [n, dimension] of texts that are no longer there, the label numbers of each, and the head they meet."""

    vectors: Tensor
    targets: Tensor
    head: nn.Linear


@dataclass
class LabelLesson:
    """Telling labels apart. `each` texts of each of `labels` labels make a batch; 0 for batches by length.

    A target of -1 is a text that nobody labelled: only the teacher says what it is. `label_weight` is what labels count
    beside the teacher.
    """

    tokens: Tokens
    pad_id: int
    targets: Tensor
    valid: Checked
    batch: int
    seed: int
    bf16: bool = False
    telling: Telling = field(default_factory=Telling)
    contrast: Contrast = field(default_factory=Contrast)
    teacher: Teacher | None = None
    memory: Memory | None = None
    each: int = 0
    label_weight: float = 1.0

    def batches(self, epoch: int) -> Batches:
        if self.each:
            labels = max(1, self.batch // self.each)
            return balanced(self.targets.tolist(), labels=labels, each=self.each, seed=self.seed, epoch=epoch)
        return by_length([len(row) for row in self.tokens], size=self.batch, seed=self.seed, epoch=epoch)

    def inputs(self, rows: list[int]) -> tuple[Tensor, Tensor]:
        return pad([self.tokens[row] for row in rows], self.pad_id)

    def loss(self, logits: Tensor, vectors: Tensor, rows: list[int]) -> Tensor:
        targets, how, contrast = self.targets[rows], self.telling, self.contrast
        said = targets >= 0
        loss = logits.sum() * 0.0
        if bool(said.any()) and self.label_weight:
            told = classification(how.name, logits[said], targets[said], smoothing=how.smoothing, gamma=how.gamma)
            # A batch half of which is labelled learns half as much from labels.
            loss = loss + self.label_weight * told * said.float().mean()
        if contrast.weight:
            loss = loss + contrast.weight * contrastive(
                contrast.name, vectors, targets, temperature=contrast.temperature, margin=contrast.margin
            )
        if self.teacher is not None:
            taught = distillation(
                logits[:, self.teacher.places], self.teacher.logits[rows], temperature=self.teacher.temperature
            )
            loss = loss + self.teacher.weight * taught
        if self.memory is not None:
            said_of = self.memory.head(self.memory.vectors.to(place_of(self.memory.head))).to(CPU)
            loss = loss + functional.cross_entropy(said_of, self.memory.targets)
        return loss

    def judge(self, network: TextNetwork) -> Mapping[str, float]:
        logits, _ = predict(network, self.valid.tokens, self.pad_id, bf16=self.bf16)
        return label_metrics(logits, self.valid.targets)


@dataclass
class ScoreLesson:
    """Giving a number from -1 to 1: mean squared error."""

    tokens: Tokens
    pad_id: int
    scores: Tensor
    valid: Checked
    batch: int
    seed: int
    bf16: bool = False

    def batches(self, epoch: int) -> Batches:
        return by_length([len(row) for row in self.tokens], size=self.batch, seed=self.seed, epoch=epoch)

    def inputs(self, rows: list[int]) -> tuple[Tensor, Tensor]:
        return pad([self.tokens[row] for row in rows], self.pad_id)

    def loss(self, logits: Tensor, vectors: Tensor, rows: list[int]) -> Tensor:
        return functional.mse_loss(logits[:, 0], self.scores[rows])

    def judge(self, network: TextNetwork) -> Mapping[str, float]:
        logits, _ = predict(network, self.valid.tokens, self.pad_id, bf16=self.bf16)
        return score_metrics(logits[:, 0], self.valid.targets)


@dataclass
class VectorLesson:
    """Giving each text the unit vector that another network gave it: what stays of an encoder learns so."""

    tokens: Tokens
    pad_id: int
    meant: Tensor
    valid: Checked
    batch: int
    seed: int
    bf16: bool = False

    def batches(self, epoch: int) -> Batches:
        return by_length([len(row) for row in self.tokens], size=self.batch, seed=self.seed, epoch=epoch)

    def inputs(self, rows: list[int]) -> tuple[Tensor, Tensor]:
        return pad([self.tokens[row] for row in rows], self.pad_id)

    def loss(self, logits: Tensor, vectors: Tensor, rows: list[int]) -> Tensor:
        # The mean over a few hundred dimensions would be so small that clipping never saw it.
        return (1 - (vectors * self.meant[rows]).sum(1)).mean()

    def judge(self, network: TextNetwork) -> Mapping[str, float]:
        return {}


@torch.no_grad()
def predict(
    network: TextNetwork, tokens: Sequence[Sequence[int]], pad_id: int, *, bf16: bool = False
) -> tuple[Tensor, Tensor]:
    """logits [texts, outputs] and unit vectors [texts, dimension], without dropout; texts of like length together."""
    was_training = network.training
    network.eval()
    order = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
    logits = torch.zeros(len(tokens), network.head.out_features)
    vectors = torch.zeros(len(tokens), network.head.in_features)
    for start in range(0, len(order), PREDICTED_AT_ONCE):
        rows = order[start : start + PREDICTED_AT_ONCE]
        logits[rows], vectors[rows] = given_by(network, *pad([tokens[row] for row in rows], pad_id), bf16=bf16)
    network.train(was_training)
    return logits, vectors


def label_metrics(logits: Tensor, targets: Tensor) -> dict[str, float]:
    """Accuracy and mean loss on the texts whose label the model has; nothing where there is none."""
    known = targets >= 0
    if not bool(known.any()):
        return {}
    right = logits[known].argmax(1) == targets[known]
    loss = functional.cross_entropy(logits[known], targets[known])
    return {"accuracy": float(right.float().mean()), "loss": float(loss)}


def score_metrics(found: Tensor, meant: Tensor) -> dict[str, float]:
    """Correlation, mean absolute error and the share whose sign is right."""
    if not len(meant):
        return {}
    given, truth = found.clamp(-1, 1).numpy(), meant.numpy()
    varied = len(truth) > 1 and given.std() > 0 and truth.std() > 0
    correlation = float(np.corrcoef(given, truth)[0, 1]) if varied else 0.0
    return {
        "pearson": correlation,
        "mae": float(np.abs(given - truth).mean()),
        "sign": float((np.sign(given) == np.sign(truth)).mean()),
    }
