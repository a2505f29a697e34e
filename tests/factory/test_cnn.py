"""Pictures told apart: made of bars and discs, learnt in seconds, served without torch."""

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch")

from safetensors.torch import load_file  # noqa: E402

from kefu.cli.predict import predict  # noqa: E402
from kefu.contracts.dataset import Dataset, Example  # noqa: E402
from kefu.contracts.job import Job, Recipe, Told  # noqa: E402
from kefu.contracts.model_card import ModelCard, read_card  # noqa: E402
from kefu.factory.probing import answers_of  # noqa: E402
from kefu.factory.recipes.cnn.recipe import CnnRecipe  # noqa: E402
from kefu.factory.run import run  # noqa: E402
from kefu.factory.seal import outputs  # noqa: E402
from kefu.kit.errors import BadInput  # noqa: E402
from kefu.knowledge.labels import dataset_of, write  # noqa: E402
from kefu.knowledge.pictures import array_url  # noqa: E402

from .lessons import Heard, sentences  # noqa: E402

QUICK = {"num_train_epochs": 4, "widths": "8,16", "per_device_train_batch_size": 16, "logging_steps": 1, "erase": 0.0}


def shapes(rows: int, *, seed: int = 0, side: int = 28, color: bool = False) -> Dataset:
    """Bars that stand, bars that lie, and discs, somewhere in a noisy picture."""
    chance = np.random.default_rng(seed)
    examples = []
    for row in range(rows):
        label = ("disc", "lying", "standing")[row % 3]
        shown = chance.integers(0, 60, (side, side)).astype(np.uint8)
        middle = chance.integers(side // 3, 2 * side // 3, 2)
        down, across = np.mgrid[:side, :side]
        if label == "disc":
            shown[(down - middle[0]) ** 2 + (across - middle[1]) ** 2 < (side / 6) ** 2] = 230
        else:
            away = (across - middle[1]) if label == "standing" else (down - middle[0])
            shown[np.abs(away) < side / 14] = 230
        picture = np.stack([shown, shown // 2, shown // 3], 2) if color else shown
        examples.append(Example(array_url(picture), label, row + 1))
    return dataset_of(examples, mapping={"text": "file", "label": "label"}, format="pictures")


def train(out: Path, *, heard: Heard | None = None, resume: bool = False, **given: Any) -> tuple[ModelCard, Heard]:
    heard = heard or Heard()
    recipe: Recipe = CnnRecipe({**QUICK, **given})
    return recipe.train(Job("train", out=str(out), resume=resume), shapes(90), shapes(45, seed=1), heard), heard


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models") / "shapes"
    card, _ = train(out)
    assert card.metrics["valid_accuracy"] > 0.9
    return out


def test_pictures_are_told_apart_as_they_are_served(model: Path) -> None:
    card = read_card(model)
    asked = shapes(30, seed=7)
    said = outputs(model, [each.text for each in asked.examples]).logits.argmax(1)
    right = np.mean([card.labels[at] == each.label for at, each in zip(said, asked.examples, strict=True)])
    assert right > 0.9
    assert card.runtime == "picture"
    assert card.temperature != 1.0  # it is calibrated as any other
    assert card.scope_threshold is not None


def test_large_pictures_in_colour_are_learnt_too(tmp_path: Path) -> None:
    recipe = CnnRecipe({**QUICK, "num_train_epochs": 2})
    heard = Heard()
    recipe.train(
        Job("train", out=str(tmp_path / "model")),
        shapes(24, side=96, color=True),
        shapes(9, side=96, color=True),
        heard,
    )
    assert "96 x 96, in colour" in str(heard.of(Told.NOTE)[0]["sentence"])


def test_resume_is_bit_exact(tmp_path: Path) -> None:
    train(tmp_path / "straight")
    heard = Heard({9: lambda: os.kill(os.getpid(), signal.SIGTERM)})
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "stopped", heard=heard)
    train(tmp_path / "stopped", resume=True)
    straight, resumed = (load_file(tmp_path / name / "model.safetensors") for name in ("straight", "stopped"))
    assert all(torch.equal(each, resumed[name]) for name, each in straight.items())


def test_the_same_commands_train_judge_and_predict(tmp_path: Path) -> None:
    """By the job, as `kefu train` does it: the report has no slices of typos, and the file may be a folder."""
    write(shapes(60), tmp_path / "train.jsonl")
    write(shapes(45, seed=1), tmp_path / "valid.jsonl")
    job = Job(
        "train", recipe="cnn", data=str(tmp_path / "train.jsonl"), valid=str(tmp_path / "valid.jsonl"),
        out=str(tmp_path / "model"), options=QUICK,
    )  # fmt: skip
    card = run(job, Heard())
    assert isinstance(card, ModelCard)
    assert "linear_accuracy" not in card.metrics
    report = json.loads((tmp_path / "model" / "report.json").read_text(encoding="utf-8"))
    assert report["slices"] == {}
    assert report["rewritten"] == []
    assert all(each["text"].startswith("picture ") for each in report["mistakes"])
    told = CliRunner().invoke(predict, [str(tmp_path / "model"), "--file", str(tmp_path / "valid.jsonl")])
    assert told.exit_code == 0, told.output
    first = json.loads(told.output.splitlines()[0])
    assert first["label"] in card.labels


def test_a_picture_is_predicted_by_its_file(model: Path, tmp_path: Path) -> None:
    import base64

    (tmp_path / "one.png").write_bytes(base64.b64decode(shapes(3).examples[0].text.partition(",")[2]))
    told = CliRunner().invoke(predict, [str(model), "--picture", str(tmp_path / "one.png"), "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.output)["label"] == "disc"
    (tmp_path / "two.png").write_bytes(b"none")
    told = CliRunner().invoke(predict, [str(model), "--picture", str(tmp_path / "two.png")])
    assert told.exit_code != 0
    assert "not a picture" in str(told.exception) + told.output


def test_texts_are_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no picture"):
        CnnRecipe({}).train(Job("train", out=str(tmp_path)), sentences(9), sentences(9), Heard())


@pytest.mark.parametrize("option", [{"widths": "a,b"}, {"base_model": "package:minilm-en"}, {"side": 900}])
def test_options_that_make_no_sense_are_refused(option: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        CnnRecipe(option).train(Job("train", out=str(tmp_path)), shapes(9), shapes(9), Heard())


def test_its_weights_are_stored_in_8_bits(model: Path, tmp_path: Path) -> None:
    out, data = tmp_path / "small", tmp_path / "data.jsonl"
    write(shapes(40, seed=1), data)
    options = {"rungs": "int8,drop-layers", "allow": 100}
    job = Job("compress", model=str(model), out=str(out), data=str(data), valid=str(data), options=options)
    found = run(job, Heard())
    assert isinstance(found, Mapping)
    assert [each["outcome"] for each in found["rungs"]] == ["kept", "kept", "skipped"]
    assert found["size_mb"] < read_card(model).metrics["size_mb"]
    assert np.abs(answers_of(out, ()) - answers_of(model, ())).max() < 0.2
