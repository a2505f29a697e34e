"""Bottleneck adapters (Houlsby 2019, in Pfeiffer's place): after each layer's feed-forward part a narrow detour learns.

The library that the other adapters come from does not have them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self, cast

from torch import Tensor, nn
from torch.nn import functional

from kefu.kit.errors import BadInput

# So small a start that the encoder answers as it did before; zeros would leave the lower half without a gradient.
START = 1e-3


class Detour(nn.Module):
    """A linear layer with a way around it: down to a few numbers, a bend, and up again."""

    def __init__(self, whole: nn.Linear, width: int) -> None:
        super().__init__()
        self.whole = whole
        self.down = nn.Linear(whole.out_features, width)
        self.up = nn.Linear(width, whole.out_features)
        for each in (self.down, self.up):
            nn.init.normal_(each.weight, std=START)
            nn.init.zeros_(each.bias)

    def forward(self, hidden: Tensor) -> Tensor:
        """[…, dimension] for […, what the layer takes]."""
        straight = cast(Tensor, self.whole(hidden))
        return straight + cast(Tensor, self.up(functional.gelu(self.down(straight))))


@dataclass(frozen=True)
class Bottlenecks:
    """How wide the detours are."""

    width: int = 48

    def put_in(self, encoder: nn.Module) -> nn.Module:
        """Put a detour into each layer of an encoder of the BERT family, and give the encoder."""
        layers = getattr(getattr(encoder, "encoder", None), "layer", ())
        if not layers or not all(hasattr(each, "output") for each in layers):
            raise BadInput("Bottleneck adapters fit encoders of the BERT family; this one keeps its layers elsewhere.")
        for each in layers:
            output = cast(Any, each).output
            output.dense = Detour(output.dense, self.width)
        return encoder

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        return cls(**{each.name: table[each.name] for each in fields(cls)})

    @classmethod
    def table(cls, encoder: nn.Module) -> dict[str, Any]:
        """What `from_table` reads."""
        first = next(each for _, each in _detours(encoder))
        return {"peft_type": "BOTTLENECK", **asdict(cls(first.down.out_features))}

    @staticmethod
    def learnt(encoder: nn.Module) -> dict[str, Tensor]:
        """The detours' weights by their names in the encoder."""
        return {
            f"{name}.{part}": each
            for name, detour in _detours(encoder)
            for part, each in detour.state_dict().items()
            if not part.startswith("whole.")
        }

    @staticmethod
    def fill(encoder: nn.Module, tensors: Mapping[str, Tensor]) -> None:
        """Raises KeyError for a weight that lacks or is left over, RuntimeError for one of another size."""
        known = Bottlenecks.learnt(encoder)
        if other := set(known) ^ set(tensors):
            raise KeyError(min(other))
        for name, each in tensors.items():
            if known[name].shape != each.shape:
                raise RuntimeError(f"{name} has another size")
            known[name].copy_(each)


def _detours(encoder: nn.Module) -> Iterator[tuple[str, Detour]]:
    for name, module in encoder.named_modules():
        if isinstance(module, Detour):
            yield name, module
