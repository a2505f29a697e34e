"""Adapters: few weights learn, the small file holds all of it, and what is served is what was trained."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

from safetensors.torch import load_file, save_file  # noqa: E402

from kefu.contracts.dataset import Dataset  # noqa: E402
from kefu.contracts.job import Job, Recipe, Told  # noqa: E402
from kefu.contracts.model_card import ModelCard  # noqa: E402
from kefu.factory.adapters.network import AdaptedNetwork, read_adapted  # noqa: E402
from kefu.factory.bases import from_folder, trained_network  # noqa: E402
from kefu.factory.batches import tokenize  # noqa: E402
from kefu.factory.data.version import keep  # noqa: E402
from kefu.factory.lessons import predict  # noqa: E402
from kefu.factory.seal import outputs  # noqa: E402
from kefu.kit import registry  # noqa: E402
from kefu.kit.errors import BadInput, BadInstallation  # noqa: E402

from .lessons import Heard, sentences  # noqa: E402
from .tiny_bert import make  # noqa: E402

METHODS = ("lora", "adalora", "prefix", "prompt", "adapter")
MERGED = ("lora", "adalora")
QUICK = {
    "learning_rate": 2e-2, "head_learning_rate": 2e-2, "num_train_epochs": 8, "per_device_train_batch_size": 16,
    "floor": False, "bf16": False, "logging_steps": 1,
}  # fmt: skip
# The tiny encoder has 32 dimensions.
NARROW: dict[str, dict[str, Any]] = {
    "lora": {"lora_r": 4, "lora_alpha": 8}, "adalora": {"lora_r": 4, "initial_r": 6, "lora_alpha": 8},
    "prefix": {"virtual_tokens": 4}, "prompt": {"virtual_tokens": 4}, "adapter": {"width": 8},
}  # fmt: skip
ASKED = [each.text for each in sentences(30, seed=2).examples]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def models(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, ModelCard]]:
    folder = tmp_path_factory.mktemp("models")
    found = {}
    for method in METHODS:
        card, _ = train(method, base, folder / method)
        found[method] = (folder / method, card)
    return found


def train(
    method: str, base: Path, out: Path, *, heard: Heard | None = None, resume: bool = False, **given: Any
) -> tuple[ModelCard, Heard]:
    data, valid, heard = sentences(60), sentences(60, seed=1), heard or Heard()
    keep_parts(out, data, valid)
    recipe = registry.load("recipes", method, Recipe)(
        {"base_model": f"path:{base}", **QUICK, **NARROW[method], **given}
    )
    return recipe.train(Job("train", out=str(out), resume=resume), data, valid, heard), heard


def keep_parts(out: Path, data: Dataset, valid: Dataset) -> None:
    keep(data, out / "data", name="train")
    keep(valid, out / "data", name="valid")


@pytest.mark.parametrize("method", METHODS)
def test_a_model_comes_back_from_its_base_and_its_adapter(
    method: str, base: Path, models: dict[str, tuple[Path, ModelCard]]
) -> None:
    out, card = models[method]
    found = read_adapted(out, from_folder(base, f"path:{base}"))
    tokenizer = from_folder(base).tokenizer
    logits, vectors = predict(found, tokenize(tokenizer, ASKED, max_tokens=card.max_tokens), 0)
    served = outputs(out, ASKED)
    assert abs(served.logits - logits.numpy()).max() < 1e-4  # logits are some twenty times a cosine
    assert abs(served.vectors - vectors.numpy()).max() < 1e-6


@pytest.mark.parametrize("method", METHODS)
def test_few_weights_learn_and_they_learn(method: str, base: Path, models: dict[str, tuple[Path, ModelCard]]) -> None:
    _, card = models[method]
    whole = sum(each.numel() for each in from_folder(base).encoder.parameters())
    assert card.metrics["trainable_parameters"] < whole
    assert card.metrics["valid_accuracy"] > 0.6  # one in three by chance; the encoder is random


@pytest.mark.parametrize("method", METHODS)
def test_the_encoder_stays_as_it_is(method: str, base: Path, tmp_path: Path) -> None:
    """Told from the base file: the adapter taken away, its weights are those."""
    train(method, base, tmp_path / "model", num_train_epochs=1)
    tensors = load_file(tmp_path / "model" / "adapter" / "adapter_model.safetensors")
    assert {"head.weight", "head.bias"} <= set(tensors)
    assert not any("word_embeddings" in name for name in tensors)


@pytest.mark.parametrize("method", MERGED)
def test_a_merged_adapter_is_a_model_that_can_be_trained_on(
    method: str, models: dict[str, tuple[Path, ModelCard]]
) -> None:
    out, card = models[method]
    merged = trained_network(from_folder(out))
    assert not isinstance(merged, AdaptedNetwork)
    logits, _ = predict(merged, tokenize(from_folder(out).tokenizer, ASKED, max_tokens=card.max_tokens), 0)
    assert abs(outputs(out, ASKED).logits - logits.numpy()).max() < 1e-4


@pytest.mark.parametrize("method", sorted(set(METHODS) - set(MERGED)))
def test_what_cannot_be_merged_leaves_no_weights_that_would_lack_it(
    method: str, models: dict[str, tuple[Path, ModelCard]]
) -> None:
    assert not (models[method][0] / "model.safetensors").exists()


def test_adalora_gives_up_ranks(base: Path, tmp_path: Path) -> None:
    train("adalora", base, tmp_path / "model", lora_r=2, initial_r=4, num_train_epochs=12)
    tensors = load_file(tmp_path / "model" / "adapter" / "adapter_model.safetensors")
    values = [each for name, each in tensors.items() if "lora_E" in name]
    kept = sum(int((each != 0).sum()) for each in values)
    assert kept == 2 * len(values)
    assert len({int((each != 0).sum()) for each in values}) > 1  # some matrices keep more than others


@pytest.mark.parametrize(
    ("method", "at"), [("lora", 7), ("adalora", 3), ("adalora", 14), ("prefix", 5), ("adapter", 8)]
)
def test_resume_is_bit_exact(method: str, at: int, base: Path, tmp_path: Path) -> None:
    train(method, base, tmp_path / "straight")
    heard = Heard({at: lambda: os.kill(os.getpid(), signal.SIGTERM)})
    with pytest.raises(KeyboardInterrupt):
        train(method, base, tmp_path / "stopped", heard=heard)
    _, heard = train(method, base, tmp_path / "stopped", resume=True)
    assert next(each["step"] for each in heard.of(Told.STEP)) == at + 1
    name = Path("adapter") / "adapter_model.safetensors"
    straight, resumed = load_file(tmp_path / "straight" / name), load_file(tmp_path / "stopped" / name)
    assert straight.keys() == resumed.keys()
    assert all(torch.equal(each, resumed[name]) for name, each in straight.items())


def test_another_base_is_refused(models: dict[str, tuple[Path, ModelCard]], base: Path, tmp_path: Path) -> None:
    other = make(tmp_path / "other")
    tensors = load_file(other / "model.safetensors")
    first = next(iter(tensors))
    save_file({**tensors, first: tensors[first] + 1}, other / "model.safetensors")
    with pytest.raises(BadInput, match="other ones"):
        read_adapted(models["lora"][0], from_folder(other, f"path:{other}"))


@pytest.mark.parametrize("method", ["lora", "adapter"])
def test_a_cut_adapter_is_refused(
    method: str, models: dict[str, tuple[Path, ModelCard]], base: Path, tmp_path: Path
) -> None:
    (tmp_path / "adapter").mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        data = (models[method][0] / "adapter" / name).read_bytes()
        (tmp_path / "adapter" / name).write_bytes(data if name.endswith("json") else data[:-8])
    with pytest.raises(BadInstallation, match="cannot be read"):
        read_adapted(tmp_path, from_folder(base))


def test_the_same_seed_writes_the_same_files(base: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        train("lora", base, tmp_path / name, num_train_epochs=2)
    for file in ("adapter_model.safetensors", "adapter_config.json"):
        assert (tmp_path / "one" / "adapter" / file).read_bytes() == (tmp_path / "two" / "adapter" / file).read_bytes()
    assert json.loads((tmp_path / "one/adapter/adapter_config.json").read_text())["modules_to_save"] == ["head"]


@pytest.mark.parametrize(
    ("method", "option"),
    [("lora", {"lora_r": 0}), ("adalora", {"initial_r": 4, "lora_r": 8}), ("adapter", {"original_share": 0.5})],
)
def test_options_that_make_no_sense_are_refused(method: str, option: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        registry.load("recipes", method, Recipe)(option)
