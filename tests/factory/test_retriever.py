"""An encoder learns which passage answers which question, and serves as a workspace's own."""

import json
import os
import random
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from safetensors.torch import load_file  # noqa: E402

from kefu.contracts.dataset import Dataset, Example  # noqa: E402
from kefu.contracts.engine import Encoder  # noqa: E402
from kefu.contracts.job import Job, Recipe, Told  # noqa: E402
from kefu.contracts.model_card import ModelCard, read_card  # noqa: E402
from kefu.factory.bases import from_folder, new_network  # noqa: E402
from kefu.factory.compress.ladder import compress  # noqa: E402
from kefu.factory.compress.table import read_ladder  # noqa: E402
from kefu.factory.evaluate.retrieval import ranks, ranks_of  # noqa: E402
from kefu.factory.export import check_files, export  # noqa: E402
from kefu.factory.recipes.retriever.recipe import RetrieverRecipe  # noqa: E402
from kefu.factory.run import run as do  # noqa: E402
from kefu.factory.seal import write_card  # noqa: E402
from kefu.factory.search.course import write_vectors_onnx  # noqa: E402
from kefu.factory.search.lesson import PairLesson, Texts  # noqa: E402
from kefu.kit import registry  # noqa: E402
from kefu.kit.errors import BadInput  # noqa: E402
from kefu.kit.runtime import run  # noqa: E402
from kefu.knowledge.labels import dataset_of  # noqa: E402
from kefu.knowledge.pairs import Pair, pairs_of  # noqa: E402

from .lessons import Heard, sentences  # noqa: E402
from .tiny_bert import FILLER, NUMBERS, TOPICS, make  # noqa: E402

QUICK = {
    "learning_rate": 1e-2, "num_train_epochs": 8, "per_device_train_batch_size": 10, "bf16": False, "int8": False,
    "freeze_embeddings": False, "original_share": 0.0, "hard_negatives": 1, "logging_steps": 1, "dropout": 0.0,
}  # fmt: skip


def pairs(rows: int, *, seed: int = 0) -> Dataset:
    """A question names a number and asks for its topic; the passage that answers has both, in other company."""
    chance = random.Random(seed)
    words = sorted({word for topic in TOPICS.values() for word in topic})
    examples = []
    for row in range(rows):
        number, word = str(row % NUMBERS), words[row % len(words)]
        question = " ".join(chance.sample([*chance.sample(FILLER, 4), number], 5))
        passage = " ".join([word, *chance.sample(FILLER, 3), number])
        examples.append(Example(question, None, row + 1, extra={"passage": passage}))
    return dataset_of(examples, mapping={"text": "question"}, format="csv")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("tiny"))


def train(base: Path, out: Path, *, heard: Heard | None = None, resume: bool = False, **given: Any) -> ModelCard:
    recipe: Recipe = RetrieverRecipe({"base_model": f"path:{base}", **QUICK, **given})
    job = Job("train", out=str(out), resume=resume)
    return recipe.train(job, pairs(40), pairs(40, seed=1), heard or Heard())


def test_more_passages_are_found_than_before_and_it_serves(base: Path, tmp_path: Path) -> None:
    card = train(base, tmp_path / "model")
    assert card.metrics["valid_recall_5"] > card.metrics["before_recall_5"] + 0.05
    engine = registry.load("engines", "onnx", Encoder)(f"path:{tmp_path / 'model'}", {})
    run(engine.load())
    try:
        found = run(engine.embed(["where is my parcel", "reset password"], "query"))
    finally:
        run(engine.close())
    assert found.shape == (2, 32)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert from_folder(tmp_path / "model").head is None  # other recipes can train on from it


def test_the_eight_bit_form_is_all_that_is_served(base: Path, tmp_path: Path) -> None:
    card = train(base, tmp_path / "model", int8=True, num_train_epochs=1)
    assert card.serve == "onnx/model_qint8.onnx"
    assert [each.path for each in read_card(tmp_path / "model").files if each.path.endswith(".onnx")] == [card.serve]


def test_resume_is_bit_exact(base: Path, tmp_path: Path) -> None:
    train(base, tmp_path / "straight", num_train_epochs=3)
    heard = Heard({7: lambda: os.kill(os.getpid(), signal.SIGTERM)})
    with pytest.raises(KeyboardInterrupt):
        train(base, tmp_path / "stopped", heard=heard, num_train_epochs=3)
    train(base, tmp_path / "stopped", resume=True, num_train_epochs=3)
    straight, resumed = (load_file(tmp_path / name / "model.safetensors") for name in ("straight", "stopped"))
    assert all(torch.equal(each, resumed[name]) for name, each in straight.items())


def test_the_commands_train_and_judge_beside_the_base(base: Path, tmp_path: Path) -> None:
    rows = ["question,passage", *(f"{each.text},{each.extra['passage']}" for each in pairs(40).examples)]
    (tmp_path / "pairs.csv").write_text("\n".join(rows), encoding="utf-8")
    first = Job("train", recipe="retriever", data=str(tmp_path / "pairs.csv"), out=str(tmp_path / "one"))
    do(Job(**{**vars(first), "options": {"base_model": f"path:{base}", **QUICK, "num_train_epochs": 1}}), Heard())
    options = {"base_model": f"path:{tmp_path / 'one'}", **QUICK, "num_train_epochs": 1}
    heard = Heard()
    card = do(Job(**{**vars(first), "out": str(tmp_path / "two"), "options": options}), heard)
    assert isinstance(card, ModelCard)
    assert 0 <= card.metrics["base_recall_5"] <= 1
    report = json.loads((tmp_path / "two" / "report.json").read_text(encoding="utf-8"))
    assert report["metrics"]["recall_5"] == pytest.approx(card.metrics["recall_5"], abs=1e-5)
    assert "in the first five" in (tmp_path / "two" / "report.html").read_text(encoding="utf-8")
    assert any("kept apart" in str(each["sentence"]) for each in heard.of(Told.NOTE))


def test_data_without_passages_are_refused_before_anything_is_trained(base: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no passages"):
        RetrieverRecipe({"base_model": f"path:{base}"}).train(
            Job("train", out=str(tmp_path)), sentences(9), sentences(9), Heard()
        )


def test_named_wrong_passages_are_read_alone_and_as_a_list() -> None:
    examples = [
        Example("q", None, 1, extra={"passage": "p", "negative": "n"}),
        Example("q", None, 2, extra={"answer": "p", "negative": '["a", "b"]'}),
    ]
    data = dataset_of(examples, mapping={"text": "question"}, format="jsonl")
    assert [each.negatives for each in pairs_of(data, "it")] == [("n",), ("a", "b")]


@given(st.integers(2, 60), st.integers(2, 12), st.integers(1, 20), st.integers(0, 3))
def test_no_batch_holds_a_right_passage_among_its_wrong_ones(rows: int, size: int, passages: int, hard: int) -> None:
    right = [row % passages for row in range(rows)]
    texts = Texts([[1]] * rows, [[2]] * passages, right, [[(row + 1) % passages] for row in right])
    lesson = PairLesson(texts, texts, 0, size, 0, hard, 20.0, 0.3)
    counts = set()
    for epoch in range(3):
        batches = lesson.batches(epoch)
        counts.add(len(batches))
        for batch in batches:
            questions = [row for row in batch if row < rows]
            shown = [row - rows for row in batch if row >= rows]
            assert [right[row] for row in questions] == shown[: len(questions)]
            assert len(set(shown)) == len(shown)
    assert len(counts) == 1


def test_ranks_count_what_stands_before() -> None:
    questions = np.eye(3, dtype=np.float32)
    passages = np.array([[0.9, 0.5, 0.0], [1.0, 0.1, 0.0], [0.0, 0.0, 1.0]], np.float32)
    assert ranks(questions, passages, np.array([0, 0, 0])).tolist() == [1, 0, 1]


def test_passages_that_answer_nothing_are_searched_too() -> None:
    class Letters:
        """A vector for each first letter."""

        async def embed(self, texts: list[str], kind: str) -> Any:
            return np.eye(26, dtype=np.float32)[[ord(text[0]) - ord("a") for text in texts]]

    both = Pair("a question", "b, the right one", 1, negatives=("a, which is nearer", "c"))
    assert ranks_of(Letters(), [both]).tolist() == [1]  # type: ignore[arg-type]
    assert ranks_of(Letters(), [Pair("a question", "b, the right one", 1)]).tolist() == [0]  # type: ignore[arg-type]


def test_it_is_exported_and_goes_down_the_ladder(base: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    quick = {**QUICK, "num_train_epochs": 1, "base_model": f"path:{base}"}
    data = tmp_path / "pairs.jsonl"
    rows = [{"question": each.text, "passage": each.extra["passage"]} for each in pairs(40).examples]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    do(Job("train", recipe="retriever", data=str(data), valid=str(data), out=str(model), options=quick), Heard())
    found = export(Job("export", model=str(model), out=str(tmp_path / "shipped.zip")), Heard())
    assert found["largest_difference"] == 0
    (model / "onnx/model.onnx").rename(tmp_path / "kept apart")  # as after int8=true: only its weights are left
    write_card(model, read_card(model))
    out, given = tmp_path / "small", {"rungs": "trim-vocabulary,drop-layers:1,prune-heads", "allow": 100, "frequent": 5}
    made = compress(Job("compress", model=str(model), out=str(out), options=given), Heard())
    ladder = read_ladder(out)
    assert [each.name for each in ladder.rungs if each.outcome == "kept"] == ["fp32", "drop-layers:1"]
    assert [each.outcome for each in ladder.rungs][1::2] == ["refused", "skipped"]  # its few words are no size
    assert ladder.measure == "Recall@5"
    assert "told by labels" in ladder.rungs[-1].reason
    assert made["size_mb"] < ladder.rungs[0].size_mb
    assert "| Recall@5 |" in (out / "README.md").read_text("utf-8")
    check_files(out, read_card(out))


def test_an_exported_network_drops_nothing_out_afterwards(base: Path, tmp_path: Path) -> None:
    # What is served was compared with a network that dropped out a tenth of its values, and was refused.
    network = new_network(from_folder(base), 1, dropout=0.1)
    write_vectors_onnx(network.eval(), tmp_path / "model.onnx")
    assert not any(each.training for each in network.modules())
