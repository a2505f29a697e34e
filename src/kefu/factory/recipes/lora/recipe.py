"""The recipe `lora` (Hu 2021): each matrix of the encoder gets a product of two narrow ones; they and the head learn.

Afterwards they are merged into the matrices, so that the model is served, compressed and trained on like any other.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell
from kefu.contracts.model_card import ModelCard
from kefu.factory.adapters.teaching import MATRICES, AdapterOptions, teach_adapted
from kefu.factory.options import read_options
from kefu.kit.optional import require


class LoraOptions(AdapterOptions):
    """Options of `lora`."""

    lora_r: int = Field(default=16, ge=1, le=256, description="the rank of each product")
    lora_alpha: float = Field(default=32, gt=0, le=1024, description="its weight, divided by the rank")
    lora_dropout: float = Field(default=0.05, ge=0, lt=1, description="the share of its input left out in training")


class LoraRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(LoraOptions, "lora", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        options = self._options
        peft = require("peft", extra="train")
        config = peft.LoraConfig(
            r=options.lora_r,
            lora_alpha=options.lora_alpha,
            lora_dropout=options.lora_dropout,
            target_modules=MATRICES,
        )
        return teach_adapted("lora", job, data, valid, tell, options=options, config=config)
