"""What training makes small. Each loss is the mean over a batch."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

ClassLoss = Literal["cross_entropy", "focal"]
ContrastiveLoss = Literal["supervised_contrastive", "batch_hard_triplet", "none"]


def classification(name: ClassLoss, logits: Tensor, targets: Tensor, *, smoothing: float, gamma: float) -> Tensor:
    """The loss of that name for logits [batch, labels] and targets [batch]."""
    if name == "focal":
        return focal(logits, targets, gamma=gamma, smoothing=smoothing)
    return functional.cross_entropy(logits, targets, label_smoothing=smoothing)


def focal(logits: Tensor, targets: Tensor, *, gamma: float, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy that counts a text less the surer it is: (1 - p)^gamma (Lin 2017)."""
    each = functional.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)
    sure = logits.softmax(1).gather(1, targets[:, None])[:, 0]
    return ((1 - sure) ** gamma * each).mean()


def contrastive(
    name: ContrastiveLoss, vectors: Tensor, targets: Tensor, *, temperature: float, margin: float
) -> Tensor:
    """The loss of that name for unit vectors [batch, dimension]; 0 where no two texts of a batch share a label."""
    if name == "supervised_contrastive":
        return supervised_contrastive(vectors, targets, temperature=temperature)
    if name == "batch_hard_triplet":
        return batch_hard_triplet(vectors, targets, margin=margin)
    return vectors.new_zeros(())


def supervised_contrastive(vectors: Tensor, targets: Tensor, *, temperature: float) -> Tensor:
    """Each text's likes against all others of the batch (Khosla 2020); one matrix product, never pairs of texts."""
    same, itself = _alike(targets)
    scores = (vectors @ vectors.T / temperature).masked_fill(itself, float("-inf"))
    share = scores - scores.logsumexp(1, keepdim=True)
    likes = same.sum(1)
    summed = share.masked_fill(~same, 0.0).sum(1)
    chosen = likes > 0
    return -(summed[chosen] / likes[chosen]).mean() if bool(chosen.any()) else vectors.sum() * 0.0


def batch_hard_triplet(vectors: Tensor, targets: Tensor, *, margin: float) -> Tensor:
    """The farthest like and the nearest unlike of each text, as cosine distances (Hermans 2017)."""
    same, itself = _alike(targets)
    distances = 1 - vectors @ vectors.T
    farthest = distances.masked_fill(~same, float("-inf")).amax(1)
    nearest = distances.masked_fill(same | itself, float("inf")).amin(1)
    chosen = torch.isfinite(farthest) & torch.isfinite(nearest)
    if not bool(chosen.any()):
        return vectors.sum() * 0.0
    return functional.relu(farthest[chosen] - nearest[chosen] + margin).mean()


def _alike(targets: Tensor) -> tuple[Tensor, Tensor]:
    """[batch, batch]: which two texts share a label, and which are one and the same."""
    itself = torch.eye(len(targets), dtype=torch.bool)
    return (targets[:, None] == targets[None, :]) & ~itself, itself


def distillation(logits: Tensor, teacher: Tensor, *, temperature: float) -> Tensor:
    """How far a network's shares of the teacher's labels are from the teacher's (Hinton 2015), both [batch, labels]."""
    return functional.kl_div(
        functional.log_softmax(logits / temperature, dim=1),
        functional.log_softmax(teacher / temperature, dim=1),
        log_target=True,
        reduction="batchmean",
    ) * (temperature**2)


def absolute_weights(network: nn.Module) -> Tensor:
    """The sum of the absolute values of all matrices that learn: what L1 is a share of."""
    learning = [weight for weight in network.parameters() if weight.requires_grad and weight.ndim > 1]
    return torch.stack([weight.abs().sum() for weight in learning]).sum()
