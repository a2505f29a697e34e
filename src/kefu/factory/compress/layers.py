"""Leaving out layers of a network: which ones stay. Needs torch."""

from collections.abc import Sequence
from typing import Any, cast

from torch import Tensor, nn
from torch.nn import functional

from kefu.contracts.job import Tell, Told
from kefu.factory.batches import Tokens
from kefu.factory.lessons import predict
from kefu.factory.narrow import note_shapes
from kefu.factory.network import TextNetwork
from kefu.kit.errors import BadInput

# Texts on which two ways of leaving out are compared: their mean cosines differ by more than chance.
_COMPARED_ON = 256


def keep_layers(network: TextNetwork, tokens: Tokens, pad_id: int, keep: int, tell: Tell) -> None:
    """Leave `keep` of its layers in a network: those whose vectors of some texts come nearer to the whole one's.

    Raises BadInput for a network without so many layers.
    """
    chosen = _choose(network, tokens[:: max(1, len(tokens) // _COMPARED_ON)], pad_id, keep)
    tell(Told.NOTE, {"sentence": f"Of its layers these stay: {', '.join(str(place + 1) for place in chosen)}."})
    _put_stack(network, chosen)


def check_kept(encoder: nn.Module, keep: int) -> None:
    """Raises BadInput for an encoder without so many layers, before anything slow is done with it; 0 keeps all."""
    if keep:
        _refuse_unless_fewer(int(cast(Any, encoder).config.num_hidden_layers), keep)


def _refuse_unless_fewer(layers: int, keep: int) -> None:
    if not 0 < keep < layers:
        raise BadInput(f"The network has {layers} layers; keep fewer, and at least one, not {keep}.", layers=layers)


def spread(layers: int, keep: int) -> list[int]:
    """Evenly spaced places with the last among them: every second of six is 1, 3, 5 (Sanh 2019 takes such)."""
    return [-(-layers * (place + 1) // keep) - 1 for place in range(keep)]


def _choose(network: TextNetwork, tokens: Tokens, pad_id: int, keep: int) -> list[int]:
    layers = len(_stack(network)[2])
    _refuse_unless_fewer(layers, keep)
    _, whole = predict(network, tokens, pad_id)
    ways = (spread(layers, keep), list(range(keep)))
    return max(ways, key=lambda places: _nearness(network, places, tokens, pad_id, whole))


def _nearness(network: TextNetwork, places: Sequence[int], tokens: Tokens, pad_id: int, whole: Tensor) -> float:
    """Mean cosine of the vectors without the other layers to `whole`, those of the whole network."""
    parent, name, before = _stack(network)
    setattr(parent, name, nn.ModuleList([before[place] for place in places]))
    try:
        _, vectors = predict(network, tokens, pad_id)
    finally:
        setattr(parent, name, before)
    return float(functional.cosine_similarity(vectors, whole).mean())


def _put_stack(network: TextNetwork, places: Sequence[int]) -> None:
    parent, name, before = _stack(network)
    setattr(parent, name, nn.ModuleList([before[place] for place in places]))
    config = cast(Any, network.encoder).config
    config.num_hidden_layers = len(places)
    if hasattr(config, "head_counts") or hasattr(config, "neuron_counts"):
        note_shapes(network.encoder)


def _stack(network: TextNetwork) -> tuple[nn.Module, str, nn.ModuleList]:
    """The list of the encoder's layers, and where it hangs."""
    layers = int(cast(Any, network.encoder).config.num_hidden_layers)
    for parent in network.encoder.modules():
        for name, child in parent.named_children():
            if isinstance(child, nn.ModuleList) and len(child) == layers:
                return parent, name, child
    raise BadInput("The layers of this network cannot be told apart; leave out the rung drop-layers.")
