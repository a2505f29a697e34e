"""AdaLoRA's ranks in a loop that can stop anywhere (Zhang 2023): matrices that matter keep theirs, others give them up.

The library keeps what it has seen of each weight beside the weights, where no checkpoint would find it; here it is
handed out as tensors and taken back.
"""

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

# Of a run's steps: before the first share every matrix has its full rank, after the second none changes.
BEGIN, END = 0.15, 0.5
# Steps between two looks at which ranks to give up; at most, so that a short run looks some ten times.
LOOKS = 10
_SEEN = ("ipt", "exp_avg_ipt", "exp_avg_unc")
PREFIX = "ranks."


class Ranks:
    """The allotment of one wrapped encoder."""

    def __init__(self, wrapped: nn.Module) -> None:
        self._model: Any = cast(Any, wrapped).base_model
        self._config: Any = self._model.peft_config["default"]

    def plan(self, steps: int) -> None:
        """A run of so many steps begins."""
        config = self._config
        # Ranks are settled by what was seen before: there is a step to see in the shortest of runs.
        end = max(2, int(END * steps))
        config.total_step, config.tinit = steps, min(int(BEGIN * steps), end - 1)
        config.tfinal = steps - end
        config.deltaT = max(1, (end - config.tinit) // LOOKS)

    def allot(self, step: int) -> None:
        """After a step of the optimiser, while its gradients are there."""
        self._model.update_and_allocate(step)

    def penalty(self) -> Tensor:
        """How far the factors are from being orthogonal, in the mean: what their ranks are told apart by."""
        parts = []
        for name, weight in self._model.named_parameters():
            if "lora_A" in name or "lora_B" in name:
                square = weight @ weight.T if "lora_A" in name else weight.T @ weight
                parts.append(torch.linalg.matrix_norm(square - torch.eye(len(square), device=square.device)))
        return cast(Tensor, self._config.orth_reg_weight * torch.stack(parts).mean())

    def tensors(self) -> dict[str, Tensor]:
        """What was seen of each weight, and which ranks are kept."""
        found = {
            f"{PREFIX}{kind}/{name}": each
            for kind in _SEEN
            for name, each in getattr(self._model.rankallocator, kind).items()
        }
        for name, kept in (self._config.rank_pattern or {}).items():
            found[f"{PREFIX}pattern/{name}"] = torch.tensor(kept)
        return found

    def taken(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Take back what `tensors` gave, and give the rest."""
        seen: dict[str, dict[str, Tensor]] = {kind: {} for kind in (*_SEEN, "pattern")}
        for key in tensors:
            if key.startswith(PREFIX):
                kind, _, name = key.removeprefix(PREFIX).partition("/")
                seen[kind][name] = tensors[key]
        for kind in _SEEN:
            setattr(self._model.rankallocator, kind, seen[kind])
        self._config.rank_pattern = {name: each.tolist() for name, each in seen["pattern"].items()} or None
        return {key: each for key, each in tensors.items() if not key.startswith(PREFIX)}
