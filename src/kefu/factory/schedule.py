"""Optimisers by name, the groups of weights they step, and the learning rate over a run."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import nn

from kefu.factory.network import TextNetwork

OptimizerName = Literal["adamw", "adam", "sgd"]
ScheduleName = Literal["linear", "cosine", "constant"]

SGD_MOMENTUM = 0.9  # without momentum SGD does not move a transformer in a few epochs
# Training a transformer's Adam with a longer memory of squares (0.999, the default) is how all our figures were made.
ADAM_BETAS = (0.9, 0.999)


def make_optimizer(
    name: OptimizerName,
    network: TextNetwork,
    *,
    learning_rate: float,
    head_learning_rate: float,
    weight_decay: float,
) -> torch.optim.Optimizer:
    """An optimiser over what may learn in a network, body and head each at its own rate.

    Biases and the weights of layer norms are not decayed. `weight_decay` is decoupled in adamw, L2 in adam and sgd.
    """
    groups = _groups(network, learning_rate, head_learning_rate, weight_decay)
    if name == "sgd":
        return torch.optim.SGD(groups, lr=learning_rate, momentum=SGD_MOMENTUM)
    kind: Callable[..., torch.optim.Optimizer] = torch.optim.AdamW if name == "adamw" else torch.optim.Adam
    # fused: one pass over the weights; half the time of the default on a CPU
    return kind(groups, lr=learning_rate, betas=ADAM_BETAS, fused=True)


def _groups(network: TextNetwork, body_rate: float, head_rate: float, decay: float) -> list[dict[str, Any]]:
    found: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, weight in network.named_parameters():
        if weight.requires_grad:
            rate = head_rate if name.startswith("head.") else body_rate
            found.setdefault((rate, decay if weight.ndim > 1 else 0.0), []).append(weight)
    return [{"params": weights, "lr": rate, "weight_decay": share} for (rate, share), weights in found.items()]


class Schedule:
    """Sets an optimiser's learning rates for each step of a run: up from nothing, then down as the name says."""

    def __init__(self, name: ScheduleName, optimizer: torch.optim.Optimizer, *, steps: int, warmup: int) -> None:
        self._name = name
        self._optimizer = optimizer
        self._steps, self._warmup = steps, warmup
        self._peaks: Sequence[float] = [float(group["lr"]) for group in optimizer.param_groups]

    def set(self, step: int) -> float:
        """Set the rates for a step, the first being 0, and give that of the first group."""
        share = factor(self._name, step, steps=self._steps, warmup=self._warmup)
        for group, peak in zip(self._optimizer.param_groups, self._peaks, strict=True):
            group["lr"] = peak * share
        return self._peaks[0] * share


def factor(name: ScheduleName, step: int, *, steps: int, warmup: int) -> float:
    """The share of the peak learning rate at a step: linear over `warmup` steps, then linear, cosine or constant."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if name == "constant":
        return 1.0
    left = (steps - step) / max(1, steps - warmup)
    return left if name == "linear" else 0.5 * (1 - math.cos(math.pi * left))
