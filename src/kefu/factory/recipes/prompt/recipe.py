"""The recipe `prompt` (Lester 2021): vectors stand before each text as if they were words, and learn, as does the head.

The fewest weights of all, and the least that can be learnt.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell
from kefu.contracts.model_card import ModelCard
from kefu.factory.adapters.teaching import AdapterOptions, teach_adapted
from kefu.factory.options import read_options
from kefu.kit.optional import require


class PromptOptions(AdapterOptions):
    """Options of `prompt`: vectors that begin at chance want ten times the rate of products beside weights."""

    learning_rate: float = Field(default=1e-2, gt=0, lt=1, description="the adapter's highest learning rate")
    head_learning_rate: float = Field(default=3e-3, gt=0, lt=1, description="the head's highest learning rate")
    virtual_tokens: int = Field(default=16, ge=1, le=256, description="vectors before each text")


class PromptRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(PromptOptions, "prompt", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        options = self._options
        peft = require("peft", extra="train")
        config = peft.PromptTuningConfig(task_type="FEATURE_EXTRACTION", num_virtual_tokens=options.virtual_tokens)
        return teach_adapted("prompt", job, data, valid, tell, options=options, config=config)
