"""The recipe `adalora` (Zhang 2023): as `lora`, but what each matrix is given is found while it learns.

The products have the form of a singular value decomposition, whose least values are given up until the mean rank is
`lora_r`.
"""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell
from kefu.contracts.model_card import ModelCard
from kefu.factory.adapters.teaching import MATRICES, AdapterOptions, teach_adapted
from kefu.factory.options import read_options
from kefu.kit.optional import require

# The library wants the number of steps before the loop knows it; `Ranks.plan` sets it.
STEPS_UNKNOWN = 1_000_000


class AdaloraOptions(AdapterOptions):
    """Options of `adalora`."""

    lora_r: int = Field(default=8, ge=1, le=256, description="the mean rank in the end")
    initial_r: int = Field(default=12, ge=1, le=512, description="the rank at the beginning")
    lora_alpha: float = Field(default=32, gt=0, le=1024, description="the products' weight, divided by the rank")
    lora_dropout: float = Field(default=0.05, ge=0, lt=1, description="the share of its input left out in training")

    @model_validator(mode="after")
    def _check_ranks(self) -> Self:
        if self.initial_r <= self.lora_r:
            raise ValueError("initial_r must be more than lora_r: ranks are given up, never taken")
        return self


class AdaloraRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(AdaloraOptions, "adalora", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        options = self._options
        peft = require("peft", extra="train")
        config = peft.AdaLoraConfig(
            init_r=options.initial_r,
            target_r=options.lora_r,
            lora_alpha=options.lora_alpha,
            lora_dropout=options.lora_dropout,
            target_modules=MATRICES,
            total_step=STEPS_UNKNOWN,
        )
        return teach_adapted("adalora", job, data, valid, tell, options=options, config=config)
