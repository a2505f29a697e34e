"""A student of larger models: it learns what they say, also of texts that nobody labelled."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file  # noqa: E402

from kefu.contracts.job import Job, Recipe, Told  # noqa: E402
from kefu.contracts.model_card import ModelCard, read_card  # noqa: E402
from kefu.factory.data.version import keep  # noqa: E402
from kefu.factory.recipes.finetune.recipe import FinetuneRecipe  # noqa: E402
from kefu.factory.seal import outputs  # noqa: E402
from kefu.kit import registry  # noqa: E402
from kefu.kit.errors import BadInput  # noqa: E402

from .lessons import Heard, dataset, sentences  # noqa: E402
from .tiny_bert import make  # noqa: E402

QUICK = {
    "learning_rate": 5e-3, "head_learning_rate": 2e-2, "num_train_epochs": 6, "per_device_train_batch_size": 16,
    "floor": False, "bf16": False, "logging_steps": 1,
}  # fmt: skip
ASKED = [each.text for each in sentences(60, seed=2).examples]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def teachers(base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folders = []
    for seed in (0, 1):
        out = tmp_path_factory.mktemp("teachers") / str(seed)
        data, valid = sentences(60), sentences(60, seed=1)
        keep(data, out / "data", name="train")
        recipe = FinetuneRecipe({"base_model": f"path:{base}", **QUICK, "floor_weight": 0.0, "seed": seed})
        recipe.train(Job("train", out=str(out)), data, valid, Heard())
        folders.append(out)
    return folders


def distill(
    base: Path, out: Path, teachers: list[Path], *, rows: int = 60, heard: Heard | None = None, **given: Any
) -> tuple[ModelCard, Heard]:
    data, valid, heard = sentences(rows), sentences(60, seed=1), heard or Heard()
    keep(data, out / "data", name="train")
    keep(valid, out / "data", name="valid")
    resume = bool(given.pop("resume", False))
    told = {"base_model": f"path:{base}", "teachers": ",".join(map(str, teachers)), **QUICK, **given}
    recipe = registry.load("recipes", "distill", Recipe)(told)
    return recipe.train(Job("train", out=str(out), resume=resume), data, valid, heard), heard


def agreement(one: Path, other: Path) -> float:
    return float((outputs(one, ASKED).logits.argmax(1) == outputs(other, ASKED).logits.argmax(1)).mean())


def test_a_student_of_fewer_layers_answers_as_its_teachers(base: Path, teachers: list[Path], tmp_path: Path) -> None:
    card, heard = distill(base, tmp_path / "student", teachers, layers=1)
    assert agreement(tmp_path / "student", teachers[0]) > 0.9
    assert any("stay" in str(each["sentence"]) for each in heard.of(Told.NOTE))
    weights = load_file(tmp_path / "student" / "model.safetensors")
    assert not any("layer.1." in name for name in weights)
    assert len(card.parents) == 2
    assert read_card(tmp_path / "student").labels == read_card(teachers[0]).labels


def test_texts_without_a_label_teach(base: Path, teachers: list[Path], tmp_path: Path) -> None:
    """Six labelled texts and nothing else tell little; what the teachers say of others tells more."""
    more = tmp_path / "more.txt"
    more.write_text("\n".join(each.text for each in sentences(120, seed=5).examples), encoding="utf-8")
    distill(base, tmp_path / "few", teachers[:1], rows=6, layers=1)
    distill(base, tmp_path / "more", teachers[:1], rows=6, layers=1, unlabelled=str(more))
    assert agreement(tmp_path / "more", teachers[0]) > agreement(tmp_path / "few", teachers[0])


def test_labels_alone_when_alpha_is_one(base: Path, teachers: list[Path], tmp_path: Path) -> None:
    distill(base, tmp_path / "alone", teachers[:1], alpha=1.0)
    distill(base, tmp_path / "taught", teachers[:1], alpha=0.0)
    one, other = (load_file(tmp_path / name / "model.safetensors")["head.weight"] for name in ("alone", "taught"))
    assert not torch.equal(one, other)


def test_resume_asks_no_teacher_again_and_is_bit_exact(base: Path, teachers: list[Path], tmp_path: Path) -> None:
    distill(base, tmp_path / "straight", teachers)
    heard = Heard({7: lambda: os.kill(os.getpid(), signal.SIGTERM)})
    with pytest.raises(KeyboardInterrupt):
        distill(base, tmp_path / "stopped", teachers, heard=heard)
    _, heard = distill(base, tmp_path / "stopped", teachers, resume=True)
    assert not any("answers" in str(each["sentence"]) for each in heard.of(Told.NOTE))
    straight, resumed = (load_file(tmp_path / name / "model.safetensors") for name in ("straight", "stopped"))
    assert all(torch.equal(each, resumed[name]) for name, each in straight.items())
    assert not (tmp_path / "straight" / "teachers.safetensors").exists()


def test_teachers_that_cannot_teach_are_refused(base: Path, teachers: list[Path], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="needs teachers"):
        distill(base, tmp_path / "student", [])
    heard = Heard()
    with pytest.raises(BadInput, match="has 2 layers; keep fewer"):
        distill(base, tmp_path / "student", teachers, layers=2, heard=heard)
    assert heard.events == []  # no teacher was asked in vain
    strange = dataset([*sentences(6).examples[:3]])
    keep(strange, tmp_path / "other" / "data", name="train")
    FinetuneRecipe({"base_model": f"path:{base}", **QUICK, "num_train_epochs": 1}).train(
        Job("train", out=str(tmp_path / "other")), dataset(list(sentences(6).examples)[:2]), sentences(6), Heard()
    )
    with pytest.raises(BadInput, match="other labels"):
        distill(base, tmp_path / "student", [teachers[0], tmp_path / "other"])
