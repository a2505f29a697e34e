"""A tiny model trained once for the tests of compression, with texts that are out of scope."""

from pathlib import Path

from kefu.contracts.job import Job
from kefu.contracts.model_card import ModelCard
from kefu.factory.data.version import keep
from kefu.factory.recipes.finetune.recipe import FinetuneRecipe

from ..lessons import sentences
from ..tiny_bert import make

QUICK = {"learning_rate": 5e-3, "head_learning_rate": 2e-2, "num_train_epochs": 6, "per_device_train_batch_size": 16}


def trained(place: Path, *, floor: bool = True) -> tuple[Path, ModelCard]:
    """A model that tells three topics apart, with its copy of the data."""
    data, valid, out = sentences(90), sentences(60, seed=1), place / "model"
    options = {"base_model": f"path:{make(place / 'base')}", "floor": floor, **QUICK}
    card = FinetuneRecipe(options).train(Job("train", out=str(out)), data, valid, lambda *_: None)
    keep(data, out / "data", name="train")
    keep(valid, out / "data", name="valid")
    return out, card
