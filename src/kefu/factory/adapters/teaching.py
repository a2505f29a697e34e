"""What the recipes of adapters share: their options, and how labels are taught with one."""

from typing import Any, Self

from pydantic import Field, model_validator

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell
from kefu.contracts.model_card import ModelCard
from kefu.factory.adapters.network import adapted
from kefu.factory.course import LabelOptions, Manner, teach_labels
from kefu.factory.network import TextNetwork

# Of an encoder of the BERT family, the matrices that low-rank products stand beside: all of them.
MATRICES = ("query", "key", "value", "dense")


class AdapterOptions(LabelOptions):
    """Options of every recipe that trains an adapter: those of `finetune`, at the rates that few weights want."""

    learning_rate: float = Field(default=1e-3, gt=0, lt=1, description="the adapter's highest learning rate")
    num_train_epochs: int = Field(default=6, ge=1, le=1000, description="how often every text is seen")
    floor_weight: float = Field(
        default=1.0, ge=0, le=100, description="what the floor's margins count beside the logits"
    )

    @model_validator(mode="after")
    def _check_original(self) -> Self:
        if self.original_share:
            raise ValueError("an adapter leaves the original weights as they are, so original_share is 0")
        return self


def teach_adapted(
    recipe: str, job: Job, data: Dataset, valid: Dataset, tell: Tell, *, options: AdapterOptions, config: Any
) -> ModelCard:
    """Train an adapter that `config` describes, and the head, to tell labels apart; seal the model in `job.out`."""

    def adapt(network: TextNetwork) -> TextNetwork:
        return adapted(network, config)

    return teach_labels(job, data, valid, tell, options=options, manner=Manner(recipe, adapt=adapt))
