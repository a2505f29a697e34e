"""The recipe `finetune`: every weight of a sentence encoder learns the labels, with cross-entropy.

Mean pooling and a linear head that starts from the labels' centroids, so that the first step already tells labels
apart. `extend` takes a trained model and teaches it more labels beside its own.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell
from kefu.contracts.model_card import ModelCard
from kefu.factory.course import LabelOptions, Manner, teach_labels
from kefu.factory.options import read_options


class FinetuneOptions(LabelOptions):
    """Options of `finetune`."""

    # Where a label has tens of examples the floor knows words that the network forgot: on BANKING77 with 30 texts a
    # label, judged on others, 90.3 becomes 91.0. With fewer it knows too little: `fewshot` leaves it at 0.
    floor_weight: float = Field(
        default=1.0, ge=0, le=100, description="what the floor's margins count beside the logits"
    )


class FinetuneRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(FinetuneOptions, "finetune", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        return teach_labels(job, data, valid, tell, options=self._options, manner=Manner("finetune"))
