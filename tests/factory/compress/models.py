"""A tiny model trained once for the tests of compression, with texts that are out of scope."""

from dataclasses import replace
from pathlib import Path

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job
from kefu.contracts.model_card import ModelCard
from kefu.factory.data.version import keep
from kefu.factory.recipes.finetune.recipe import FinetuneRecipe
from kefu.factory.recipes.score.recipe import ScoreRecipe
from kefu.knowledge.labels import dataset_of

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


def scoring(place: Path) -> Path:
    """A model that gives 1 for one topic and -1 for the others, with its copy of the data."""
    out = place / "model"
    data, valid = (_scored(sentences(rows, seed)) for rows, seed in ((90, 0), (60, 1)))
    options = {"base_model": f"path:{make(place / 'base')}", **QUICK}
    ScoreRecipe(options).train(Job("train", out=str(out)), data, valid, lambda *_: None)
    keep(data, out / "data", name="train")
    keep(valid, out / "data", name="valid")
    return out


def _scored(data: Dataset) -> Dataset:
    rows = [replace(each, label=None, score=1.0 if each.label == "login" else -1.0) for each in data.examples]
    return dataset_of(rows, mapping={"text": "text", "score": "score"}, format="csv")
