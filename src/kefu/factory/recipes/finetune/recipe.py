"""The recipe `finetune`: every weight of a sentence encoder learns the labels, with cross-entropy.

Mean pooling and a linear head that starts from the labels' centroids, so that the first step already tells labels
apart. `extend` takes a trained model and teaches it more labels beside its own.
"""

from collections.abc import Mapping
from typing import Any

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell
from kefu.contracts.model_card import ModelCard
from kefu.factory.course import LabelOptions, Manner, teach_labels
from kefu.factory.options import read_options


class FinetuneRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(LabelOptions, "finetune", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        return teach_labels(job, data, valid, tell, options=self._options, manner=Manner("finetune"))
