"""Encoders whose layers have fewer attention heads or neurons than their architecture: cut, written down, read again.

The configuration of such an encoder says `head_counts` and `neuron_counts`, a number for each layer; its other fields
are those of the encoder that it was cut from. Encoders of BERT's family are known. Needs torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from kefu.kit.errors import BadInput

_HEADS, _NEURONS = "head_counts", "neuron_counts"


@dataclass(frozen=True)
class Layer:
    """The matrices of one layer: attention from `inputs` (query, key, value) to `mixed`, then `up` and `down`."""

    inputs: tuple[nn.Linear, nn.Linear, nn.Linear]
    mixed: nn.Linear
    up: nn.Linear
    down: nn.Linear


def layers_of(encoder: nn.Module) -> list[Layer]:
    """The layers of an encoder, the lowest first. Raises BadInput for one that is not of BERT's family."""
    stack = getattr(getattr(encoder, "encoder", None), "layer", None)
    try:
        found = [_layer(each) for each in cast(Any, stack)]
    except (AttributeError, TypeError):
        raise BadInput(
            "The heads and neurons of this network cannot be told apart; leave out its prune rungs."
        ) from None
    return found


def head_width(encoder: nn.Module) -> int:
    """How many dimensions an attention head has."""
    config = cast(Any, encoder).config
    return int(config.hidden_size) // int(config.num_attention_heads)


def keep_heads(encoder: nn.Module, kept: Sequence[Sequence[int]]) -> None:
    """Leave these heads, by number, in each layer; the others are gone for good."""
    width = head_width(encoder)
    for layer, heads in zip(layers_of(encoder), kept, strict=True):
        rows = torch.tensor([head * width + at for head in sorted(heads) for at in range(width)])
        _narrow(layer.inputs, layer.mixed, rows)
    note_shapes(encoder)


def keep_neurons(encoder: nn.Module, kept: Sequence[Sequence[int]]) -> None:
    """Leave these neurons, by number, between the two matrices of each layer's feed-forward part."""
    for layer, neurons in zip(layers_of(encoder), kept, strict=True):
        _narrow((layer.up,), layer.down, torch.tensor(sorted(neurons)))
    note_shapes(encoder)


def note_shapes(encoder: nn.Module) -> None:
    """Say in an encoder's configuration how wide its layers are, where they differ from the architecture."""
    config, width = cast(Any, encoder).config, head_width(encoder)
    counts = {
        _HEADS: ([each.mixed.in_features // width for each in layers_of(encoder)], config.num_attention_heads),
        _NEURONS: ([each.down.in_features for each in layers_of(encoder)], config.intermediate_size),
    }
    for name, (found, usual) in counts.items():
        if hasattr(config, name) or any(each != usual for each in found):
            setattr(config, name, found)


def take_shapes(encoder: nn.Module) -> None:
    """Make a new encoder as wide as its configuration says, so that the weights of a narrowed one fit."""
    config = cast(Any, encoder).config
    heads, neurons = getattr(config, _HEADS, None), getattr(config, _NEURONS, None)  # cutting notes both anew
    if heads:
        keep_heads(encoder, [range(count) for count in heads])
    if neurons:
        keep_neurons(encoder, [range(count) for count in neurons])


def _layer(module: Any) -> Layer:
    attention = module.attention.self
    return Layer(
        (attention.query, attention.key, attention.value),
        module.attention.output.dense,
        module.intermediate.dense,
        module.output.dense,
    )


@torch.no_grad()
def _narrow(before: Sequence[nn.Linear], after: nn.Linear, kept: Tensor) -> None:
    """Keep these outputs of some matrices, and the same inputs of the one that takes them."""
    for each in before:
        each.weight = nn.Parameter(each.weight[kept].clone())
        each.bias = nn.Parameter(each.bias[kept].clone())
        each.out_features = len(kept)
    after.weight = nn.Parameter(after.weight[:, kept].clone())
    after.in_features = len(kept)
