"""Pruning: which heads, neurons and single weights of a network tell least, and leaving them out. Needs torch.

Heads and neurons go whole, so that the matrices get smaller and faster. Single weights become zero, little by little
while the network learns on (Zhu 2017); what that saves is told in `zeros`.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from kefu.factory.batches import Tokens, pad
from kefu.factory.lessons import PREDICTED_AT_ONCE
from kefu.factory.narrow import head_width, keep_heads, keep_neurons, layers_of
from kefu.factory.network import TextNetwork

# Texts that tell what a part of the network is worth: the order hardly changes with more.
_ASKED = 512
# int8 kernels work on so many columns at once: fewer neurons than a multiple of it save nothing.
_BLOCK = 16
# Of a training, the share in which weights go: in the rest, those that are left learn to do without.
_GOING = 0.6
# How often, while they go, those that go next are chosen anew: sorting millions of weights takes as long as a step.
_CHOSEN_ANEW = 20


def prune_heads(network: TextNetwork, tokens: Tokens, targets: Tensor, pad_id: int, share: float) -> list[int]:
    """Leave out that share of all heads, those that matter least; gives how many each layer keeps, at least one."""
    takers, width = [each.mixed for each in layers_of(network.encoder)], head_width(network.encoder)
    worth = _worth(network, takers, width=width, tokens=tokens, targets=targets, pad_id=pad_id)
    kept = _kept(worth, share)
    keep_heads(network.encoder, kept)
    return [len(each) for each in kept]


def prune_neurons(network: TextNetwork, tokens: Tokens, targets: Tensor, pad_id: int, share: float) -> list[int]:
    """Leave out about that share of all neurons, whole blocks of a layer's; gives how many each layer keeps."""
    takers = [each.down for each in layers_of(network.encoder)]
    worth = _worth(network, takers, width=1, tokens=tokens, targets=targets, pad_id=pad_id)
    kept = _kept(worth, share, block=_BLOCK)
    keep_neurons(network.encoder, kept)
    return [len(each) for each in kept]


class ThinningNetwork(TextNetwork):
    """A network whose matrices lose that share of their weights, the smallest ones of each, while it learns on."""

    def __init__(self, network: TextNetwork, share: float) -> None:
        super().__init__(network.encoder, network.head.out_features)
        self.head = network.head
        self._share = share
        self._steps = 1
        self._masks: list[Tensor] = []

    def planned(self, steps: int) -> None:
        self._steps = max(1, math.ceil(_GOING * steps))

    def stepped(self, step: int) -> None:
        if step <= self._steps and (step % math.ceil(self._steps / _CHOSEN_ANEW) == 0 or step == self._steps):
            self.thin(1 - (1 - step / self._steps) ** 3)
        else:
            self._zero()

    @torch.no_grad()
    def thin(self, part: float = 1.0) -> None:
        """Make that part of the share zero; what is zero stays so."""
        self._masks = [_largest(each, part * self._share) for each in self._matrices()]
        self._zero()

    @torch.no_grad()
    def _zero(self) -> None:
        for weight, mask in zip(self._matrices(), self._masks, strict=False):
            weight.mul_(mask)

    def _matrices(self) -> Iterator[Tensor]:
        return (each.weight for each in self.encoder.modules() if isinstance(each, nn.Linear))


def _largest(weight: Tensor, share: float) -> Tensor:
    """A mask without the smallest weights of a matrix, as many as the share says."""
    gone = int(share * weight.numel())
    if not gone:
        return torch.ones_like(weight)
    order = weight.abs().flatten().argsort(stable=True)
    mask = torch.ones(weight.numel())
    mask[order[:gone]] = 0.0
    return mask.view_as(weight)


def _kept(worth: Sequence[Tensor], share: float, *, block: int = 1) -> list[list[int]]:
    """The parts of each layer that stay when the least ones of all layers go, in their order.

    Layers are made comparable by the length of their vectors (Molchanov 2017). A layer keeps one part, or a whole
    number of blocks, at least.
    """
    level = [each / each.norm().clamp(min=1e-12) for each in worth]
    gone = int(share * sum(map(len, level)))
    least = torch.cat(level).sort().values[gone]
    found = []
    for each in level:
        count = max(1, int((each >= least).sum()))
        count = min(len(each), -(-count // block) * block)
        found.append(sorted(each.argsort(descending=True, stable=True)[:count].tolist()))
    return found


def _worth(
    network: TextNetwork,
    takers: Sequence[nn.Linear],
    *,
    width: int,
    tokens: Tokens,
    targets: Tensor,
    pad_id: int,
) -> list[Tensor]:
    """For each layer how much the loss would move without each part, to the first order (Michel 2019).

    A part is `width` inputs of the matrix that takes what heads or neurons give.
    """
    network.eval()
    rows = list(range(0, len(tokens), max(1, len(tokens) // _ASKED)))
    worth = [torch.zeros(each.in_features // width) for each in takers]
    for at in range(0, len(rows), PREDICTED_AT_ONCE):
        some = rows[at : at + PREDICTED_AT_ONCE]
        with _caught(takers) as inputs:
            logits, _ = network(*pad([tokens[row] for row in some], pad_id))
        gradients = torch.autograd.grad(_loss(logits, targets[some]), inputs)
        for place, (given, gradient) in enumerate(zip(inputs, gradients, strict=True)):
            moved = (given * gradient).detach().sum(dim=1)  # [texts, inputs]
            worth[place] += moved.view(len(some), -1, width).sum(dim=2).abs().sum(dim=0)
    return worth


def _loss(logits: Tensor, targets: Tensor) -> Tensor:
    if targets.is_floating_point():
        return functional.mse_loss(logits[:, 0], targets, reduction="sum")
    return functional.cross_entropy(logits, targets, reduction="sum")


@contextmanager
def _caught(modules: Sequence[nn.Module]) -> Iterator[list[Tensor]]:
    """What each module was given while the block ran."""
    inputs: list[Tensor] = []
    hooks = [each.register_forward_pre_hook(lambda _, given: inputs.append(given[0])) for each in modules]
    try:
        yield inputs
    finally:
        for each in hooks:
            each.remove()
