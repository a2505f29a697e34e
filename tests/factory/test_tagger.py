"""The recipe `tagger` end to end on a tiny network: files, card, 8-bit form, the served model."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from kefu.contracts.job import Job  # noqa: E402
from kefu.contracts.model_card import ModelCard, read_card  # noqa: E402
from kefu.factory.evaluate.bench import judged_and_reported  # noqa: E402
from kefu.factory.evaluate.spans import span_f1  # noqa: E402
from kefu.factory.evaluate.tagging import served_spans  # noqa: E402
from kefu.factory.export import export  # noqa: E402
from kefu.factory.recipes.tagger.recipe import TaggerRecipe  # noqa: E402
from kefu.kit.errors import BadInput  # noqa: E402
from kefu.knowledge.labels import read  # noqa: E402
from kefu.knowledge.tagging.rows import tagged_rows  # noqa: E402

from .lessons import Heard  # noqa: E402
from .slots import rows, write_rows  # noqa: E402
from .tiny_bert import make  # noqa: E402

QUICK = {"learning_rate": 5e-3, "head_learning_rate": 2e-2, "num_train_epochs": 4, "per_device_train_batch_size": 16}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("tiny"))


def train(base: Path, out: Path, **given: object) -> tuple[ModelCard, Heard]:
    heard = Heard()
    data = read(write_rows(out.parent / f"{out.name}.train.jsonl", rows(300)))
    valid = read(write_rows(out.parent / f"{out.name}.valid.jsonl", rows(80, seed=3)))
    recipe = TaggerRecipe({"base_model": f"path:{base}", **QUICK, **given})
    return recipe.train(Job("train", out=str(out)), data, valid, heard), heard


@pytest.fixture(scope="module")
def model(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models") / "slots"
    train(base, out, int8_allow=100.0)
    return out


def test_it_writes_a_whole_model(model: Path) -> None:
    card = read_card(model)
    assert (card.task, card.runtime, card.labels) == ("tag", "onnx", ("day", "people"))
    assert (card.serve, card.variant) == ("onnx/model_qint8.onnx", "int8")
    assert not (model / "onnx/model.onnx").exists()
    assert json.loads((model / "config.json").read_text())["label2id"]["B-people"] == 3
    assert card.metrics["export_difference"] < 1e-4
    assert card.metrics["valid_span_f1"] > 0.8
    assert not (model / "checkpoint").exists()


def test_what_is_served_finds_the_slots(model: Path) -> None:
    data = read(model.parent / "slots.valid.jsonl")
    checked = tagged_rows(data, "valid")
    reached = span_f1(checked, served_spans(model, checked))
    assert reached == pytest.approx(read_card(model).metrics["valid_span_f1"], abs=0.05)


def test_an_8_bit_form_that_costs_too_much_is_not_served(base: Path, tmp_path: Path) -> None:
    card, heard = train(base, tmp_path / "exact", int8=False)
    assert (card.serve, card.variant) == ("onnx/model.onnx", "fp32")
    checked = tagged_rows(read(tmp_path / "exact.valid.jsonl"), "valid")
    assert span_f1(checked, served_spans(tmp_path / "exact", checked)) == pytest.approx(card.metrics["valid_span_f1"])
    assert heard.events


def test_the_same_seed_gives_the_same_weights(base: Path, tmp_path: Path) -> None:
    one, _ = train(base, tmp_path / "one", int8=False, num_train_epochs=1)
    two, _ = train(base, tmp_path / "two", int8=False, num_train_epochs=1)
    digests = [{file.path: file.sha256 for file in card.files} for card in (one, two)]
    assert digests[0]["model.safetensors"] == digests[1]["model.safetensors"]


def test_it_is_judged_beside_its_floor_and_exported(model: Path, tmp_path: Path) -> None:
    valid = read(model.parent / "slots.valid.jsonl")
    card = judged_and_reported(model, read_card(model), valid, Heard())
    assert card.metrics["span_f1"] > 0.8
    table = json.loads((model / "report.json").read_text(encoding="utf-8"))
    assert np.isfinite(table["metrics"]["span_precision"])
    said = export(Job("export", model=str(model), out=str(tmp_path / "out.zip")), Heard())
    assert said["largest_difference"] == 0.0


def test_it_is_not_extended(base: Path, model: Path, tmp_path: Path) -> None:
    data = read(model.parent / "slots.valid.jsonl")
    with pytest.raises(BadInput, match="cannot be extended"):
        TaggerRecipe({}).train(Job("train", out=str(tmp_path), extend=str(model)), data, data, Heard())
