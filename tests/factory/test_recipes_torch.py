"""The torch recipes end to end on a tiny network: files, card, the served model, more labels later."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from kefu.contracts.dataset import Dataset, Example  # noqa: E402
from kefu.contracts.engine import Classifier  # noqa: E402
from kefu.contracts.job import Job, Recipe, Told  # noqa: E402
from kefu.contracts.model_card import ModelCard, read_card  # noqa: E402
from kefu.factory.bases import load_base, trained_network  # noqa: E402
from kefu.factory.batches import tokenize  # noqa: E402
from kefu.factory.data.version import keep  # noqa: E402
from kefu.factory.export import PROBES, export  # noqa: E402
from kefu.factory.lessons import predict  # noqa: E402
from kefu.factory.near import NEAR_FILE  # noqa: E402
from kefu.factory.recipes.fewshot.recipe import FewshotRecipe  # noqa: E402
from kefu.factory.recipes.finetune.recipe import FinetuneRecipe  # noqa: E402
from kefu.factory.recipes.score.recipe import ScoreRecipe  # noqa: E402
from kefu.factory.seal import outputs  # noqa: E402
from kefu.kit import registry  # noqa: E402
from kefu.kit.errors import BadInput  # noqa: E402
from kefu.kit.runtime import run  # noqa: E402
from kefu.knowledge.labels import dataset_of  # noqa: E402
from kefu.knowledge.neighbours import Neighbours  # noqa: E402

from .lessons import LABELS, Heard, dataset, sentences  # noqa: E402
from .tiny_bert import make  # noqa: E402

QUICK = {"learning_rate": 5e-3, "head_learning_rate": 2e-2, "num_train_epochs": 6, "per_device_train_batch_size": 16}
REVIEWS = ("这家酒店很好", "早餐不错", "房间脏", "服务差")
LATER = ("价格太贵了", "物流快", "包装破损", "客服慢")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def model(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models") / "topics"
    # Without the floor: what is served is compared with the network alone.
    train(FinetuneRecipe, folder, out, sentences(60), sentences(60, seed=1), floor_weight=0.0)
    return out


def train(
    kind: Any, base: Path, out: Path, data: Dataset, valid: Dataset, *, extend: Path | str = "", **given: Any
) -> tuple[ModelCard, Heard]:
    """What `kefu.factory.run` does around a recipe, without the judge."""
    heard = Heard()
    keep(data, out / "data", name="train")
    keep(valid, out / "data", name="valid")
    recipe: Recipe = kind({"base_model": f"path:{base}", **QUICK, **given})
    return recipe.train(Job("train", out=str(out), extend=str(extend)), data, valid, heard), heard


def answers(folder: Path, texts: tuple[str, ...]) -> list[str]:
    engine = registry.load("engines", "classifier", Classifier)(f"path:{folder}", {})
    run(engine.load())
    try:
        return [each.label for each in run(engine.classify(texts))]
    finally:
        run(engine.close())


def test_near_examples_count_beside_the_logits(folder: Path, tmp_path: Path) -> None:
    taught, asked = sentences(60), [each.text for each in sentences(30, seed=1).examples]
    options = {"floor": False, "original_share": 0.0, "label_names": False, "bf16": False}
    for weight in (0.0, 2.0):
        train(
            FewshotRecipe, folder, tmp_path / str(weight), taught, sentences(60, seed=1), near_weight=weight, **options
        )
    without, with_near = (outputs(tmp_path / str(weight), asked) for weight in (0.0, 2.0))
    taught_vectors = outputs(tmp_path / "2.0", [each.text for each in taught.examples]).vectors
    owners = np.array([LABELS.index(str(each.label)) for each in taught.examples])
    meant = without.logits + 2.0 * Neighbours(taught_vectors, owners, len(LABELS)).log_shares(without.vectors)
    np.testing.assert_allclose(with_near.logits, meant, atol=0.05)  # the examples are kept in half precision
    assert not (tmp_path / "0.0" / NEAR_FILE).exists()


def accuracy(folder: Path, data: Dataset) -> float:
    found = answers(folder, tuple(each.text for each in data.examples))
    return float(np.mean([label == each.label for label, each in zip(found, data.examples, strict=True)]))


def test_finetune_writes_a_whole_model(model: Path) -> None:
    card = read_card(model)
    assert (card.runtime, card.serve, card.task, card.labels) == ("onnx", "onnx/model.onnx", "classify", LABELS)
    assert {"model.safetensors", "config.json", "tokenizer.json", "onnx/model.onnx"} <= {
        each.path for each in card.files
    }
    assert json.loads((model / "config.json").read_text())["id2label"] == {
        str(at): one for at, one in enumerate(LABELS)
    }
    assert not (model / "checkpoint").exists()
    assert card.metrics["export_difference"] < 1e-4
    assert card.metrics["valid_accuracy"] > 0.8
    assert accuracy(model, sentences(30, seed=1)) == pytest.approx(card.metrics["valid_accuracy"], abs=0.07)


def test_what_is_served_is_what_was_trained(model: Path) -> None:
    base = load_base(f"path:{model}")
    logits, vectors = predict(trained_network(base), tokenize(base.tokenizer, PROBES, max_tokens=64), base.pad_id)
    served = outputs(model, PROBES)
    assert np.allclose(served.logits, logits.numpy(), atol=1e-4)
    assert np.allclose(served.vectors, vectors.numpy(), atol=1e-5)
    assert np.allclose(np.linalg.norm(served.vectors, axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("loss", ["supervised_contrastive", "batch_hard_triplet"])
def test_fewshot_learns_from_eight_a_label(folder: Path, tmp_path: Path, loss: str) -> None:
    given = {"texts_per_label": 4, "contrastive_loss": loss, "min_steps": 30}
    card, _ = train(FewshotRecipe, folder, tmp_path / "few", sentences(24), sentences(30, seed=1), **given)
    assert card.recipe == "fewshot"
    assert accuracy(tmp_path / "few", sentences(30, seed=1)) > 0.7


def test_score_gives_numbers(folder: Path, tmp_path: Path) -> None:
    def numbered(data: Dataset) -> Dataset:
        worth = dict(zip(LABELS, (-0.8, 0.1, 0.9), strict=True))
        rows = [Example(each.text, None, each.row, score=worth[str(each.label)]) for each in data.examples]
        return dataset_of(rows, mapping={"text": "text", "score": "score"}, format="csv")

    data, valid = numbered(sentences(60)), numbered(sentences(30, seed=1))
    card, _ = train(ScoreRecipe, folder, tmp_path / "mood", data, valid)
    assert (card.task, card.labels) == ("score", ())
    assert card.metrics["valid_pearson"] > 0.6
    engine = registry.load("engines", "classifier", Classifier)(f"path:{tmp_path / 'mood'}", {})
    run(engine.load())
    found = run(engine.score([each.text for each in valid.examples]))
    assert np.corrcoef(found, [each.score for each in valid.examples])[0, 1] > 0.6
    far = dataset_of([Example("x", None, 7, score=4.0)], mapping={"text": "text", "score": "score"}, format="csv")
    with pytest.raises(BadInput, match="from -1 to 1"):
        train(ScoreRecipe, folder, tmp_path / "far", far, valid)
    with pytest.raises(BadInput, match="column `score`"):
        train(ScoreRecipe, folder, tmp_path / "none", sentences(6), valid)


def reviews(texts: tuple[str, ...], labels: tuple[str, ...]) -> Dataset:
    return dataset([Example(text, label, row) for row, (text, label) in enumerate(zip(texts, labels, strict=True), 1)])


def test_four_reviews_and_then_four_more_with_new_labels(folder: Path, tmp_path: Path) -> None:
    """The example that tutorials get wrong: labels 0 and 1, then 2 and 3, then all four are told apart."""
    first, later = reviews(REVIEWS, ("1", "1", "0", "0")), reviews(LATER, ("2", "3", "2", "3"))
    card, _ = train(FinetuneRecipe, folder, tmp_path / "first", first, first)
    assert card.labels == ("0", "1")
    card, heard = train(FinetuneRecipe, folder, tmp_path / "second", later, later, extend=tmp_path / "first")
    assert card.labels == ("0", "1", "2", "3")
    assert answers(tmp_path / "second", (*REVIEWS, *LATER)) == ["1", "1", "0", "0", "2", "3", "2", "3"]
    wanted = {"old_labels_before": 1.0, "old_labels_after": 1.0, "new_labels_before": 0.0, "new_labels_after": 1.0}
    assert {name: card.metrics[name] for name in wanted} == wanted
    assert any("Accuracy on old labels before 1.000" in each["sentence"] for each in heard.of(Told.NOTE))
    assert len(card.parents) == 1
    third = reviews(("早餐差",), ("4",))
    card, _ = train(FinetuneRecipe, folder, tmp_path / "third", third, third, extend=tmp_path / "second")
    assert answers(tmp_path / "third", (*REVIEWS, *LATER)) == ["1", "1", "0", "0", "2", "3", "2", "3"]
    assert len(card.parents) == 2


def test_new_labels_without_a_copy_of_the_old_data(folder: Path, model: Path, tmp_path: Path) -> None:
    """Its encoder stays as it is, and its head meets the vectors that its scope was told from."""
    earlier = tmp_path / "earlier"
    shutil.copytree(model, earlier)
    shutil.rmtree(earlier / "data")
    texts = tuple(" ".join(map(str, range(start, start + 6))) for start in range(0, 36, 6))
    later = reviews(texts, ("amount",) * 6)
    card, _ = train(FinetuneRecipe, folder, tmp_path / "grown", later, later, extend=earlier)
    assert card.labels == ("amount", *LABELS)
    assert answers(tmp_path / "grown", texts).count("amount") >= 5
    before, after = accuracy(earlier, sentences(30, seed=1)), accuracy(tmp_path / "grown", sentences(30, seed=1))
    assert after > before - 0.1
    (earlier / "model.safetensors").unlink()
    with pytest.raises(BadInput, match="would be forgotten"):
        train(FinetuneRecipe, folder, tmp_path / "lost", later, later, extend=earlier)


def test_a_stopped_recipe_goes_on_to_the_very_same_model(folder: Path, tmp_path: Path) -> None:
    data, valid = sentences(60), sentences(30, seed=1)
    job = Job("train", out=str(tmp_path / "stopped"))
    given = {"base_model": f"path:{folder}", **QUICK, "logging_steps": 1}
    with pytest.raises(KeyboardInterrupt):
        FinetuneRecipe(given).train(job, data, valid, Heard({7: lambda: os.kill(os.getpid(), signal.SIGTERM)}))
    resumed = Job("train", out=job.out, resume=True)
    FinetuneRecipe(given).train(resumed, data, valid, Heard())
    train(FinetuneRecipe, folder, tmp_path / "straight", data, valid)
    for name in ("model.safetensors", "onnx/model.onnx"):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


def test_export_writes_a_folder_of_its_own(model: Path, tmp_path: Path) -> None:
    heard = Heard()
    found = export(Job("export", model=str(model), out=str(tmp_path / "shipped")), heard)
    assert found["largest_difference"] < 1e-5
    assert "Loaded again and compared" in heard.of(Told.NOTE)[-1]["sentence"]
    assert answers(tmp_path / "shipped", PROBES) == answers(model, PROBES)
    assert not (tmp_path / "shipped" / "data").exists()
    with pytest.raises(BadInput, match="not empty"):
        export(Job("export", model=str(model), out=str(tmp_path / "shipped")), heard)


def test_data_that_cannot_be_learnt_from(folder: Path, tmp_path: Path) -> None:
    one = reviews(REVIEWS, ("0",) * 4)
    with pytest.raises(BadInput, match="only the label"):
        train(FinetuneRecipe, folder, tmp_path / "one", one, one)
    with pytest.raises(BadInput, match="learning_rate"):
        FinetuneRecipe({"learning_rte": 1e-4})
    with pytest.raises(BadInput, match="two labels"):
        FewshotRecipe({"per_device_train_batch_size": 4, "texts_per_label": 4})


@pytest.mark.parametrize("name", ["finetune", "fewshot", "score"])
def test_without_torch_the_install_line_is_told(name: str) -> None:
    program = f"""
import sys
sys.modules["torch"] = None
from kefu.contracts.job import Recipe
from kefu.kit import registry
from kefu.kit.errors import MissingExtra
import kefu.factory.run
try:
    registry.load("recipes", {name!r}, Recipe)
except MissingExtra as error:
    print(error.sentence)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300)
    assert "pip install 'kefu[train]'" in done.stdout


@pytest.mark.parametrize("name", ["finetune", "fewshot", "score"])
def test_the_shipped_configuration_is_read(name: str) -> None:
    from kefu.factory import config

    recipe, options = config.recipe_and_options(name)
    assert recipe == name
    kind = {"finetune": FinetuneRecipe, "fewshot": FewshotRecipe, "score": ScoreRecipe}[name]
    kind(options)
    described = set(registry.manifests("recipes")[name].options)
    assert described == set(type(kind({})._options).model_fields)
