"""The recipe `adapter` (Houlsby 2019): after each layer a narrow detour learns, with the head."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell
from kefu.contracts.model_card import ModelCard
from kefu.factory.adapters.bottleneck import Bottlenecks
from kefu.factory.adapters.teaching import AdapterOptions, teach_adapted
from kefu.factory.options import read_options


class BottleneckOptions(AdapterOptions):
    """Options of `adapter`."""

    width: int = Field(default=48, ge=1, le=1024, description="how many numbers the detour has")


class AdapterRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(BottleneckOptions, "adapter", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        options = self._options
        config = Bottlenecks(options.width)
        return teach_adapted("adapter", job, data, valid, tell, options=options, config=config)
