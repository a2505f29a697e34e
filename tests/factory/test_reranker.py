"""A network learns to put what search finds in order; where that does not pay, search's order stands."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from kefu.contracts.engine import Reranker  # noqa: E402
from kefu.contracts.gate import judge  # noqa: E402
from kefu.contracts.job import Job, Told  # noqa: E402
from kefu.contracts.model_card import ModelCard, read_card  # noqa: E402
from kefu.factory.export import check_files  # noqa: E402
from kefu.factory.recipes.reranker.recipe import RerankerRecipe  # noqa: E402
from kefu.factory.run import run as do  # noqa: E402
from kefu.factory.search.candidates import Candidates, best_weight, figures_of, reordered  # noqa: E402
from kefu.factory.search.reading import ListLesson, Lists, wrong_ones  # noqa: E402
from kefu.kit import registry  # noqa: E402
from kefu.kit.errors import BadInput  # noqa: E402
from kefu.kit.runtime import run  # noqa: E402

from .commands import kefu, refused  # noqa: E402
from .lessons import Heard, sentences  # noqa: E402
from .tiny_bert import NUMBERS, make  # noqa: E402

QUICK = {
    "learning_rate": 3e-3, "head_learning_rate": 2e-2, "num_train_epochs": 6, "per_device_train_batch_size": 10,
    "bf16": False, "int8": False, "freeze_embeddings": False, "hard_negatives": 1, "mined": 2, "candidates": 4,
    "max_tokens": 32, "dropout": 0.0,
}  # fmt: skip


def write(path: Path) -> Path:
    """For each number a passage on refunds, which answers, and one on passwords, which search finds as near."""
    rows = ["question,passage,negative"]
    rows += [f"what is {n},help {n} refund please,help {n} password please" for n in range(NUMBERS)]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


class Made:
    def __init__(self, place: Path) -> None:
        self.folder, self.pairs, self.heard = place / "model", write(place / "pairs.csv"), Heard()
        self.options = {"base_model": f"path:{make(place / 'base')}", **QUICK}
        job = Job("train", recipe="reranker", data=str(self.pairs), valid=str(self.pairs), out=str(self.folder))
        card = do(Job(**{**vars(job), "options": self.options}), self.heard)
        assert isinstance(card, ModelCard)
        self.card = card


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("reranker"))


def test_more_questions_have_their_passage_first_than_before(made: Made) -> None:
    found = made.card.metrics
    assert found["recall_1"] > found["before_recall_1"] + 0.2
    assert found["mrr"] > found["before_mrr"]
    assert made.card.rerank_weight > 0
    assert made.card.rerank_reads == 4
    check_files(made.folder, read_card(made.folder))
    report = (made.folder / "report.html").read_text("utf-8")
    assert "by search alone" in report
    assert "search alone" in str(json.loads((made.folder / "report.json").read_text("utf-8"))["comparisons"])
    assert any("Search alone" in str(each["sentence"]) for each in made.heard.of(Told.NOTE))
    assert judge(read_card(made.folder), None).passed


def test_it_serves_without_torch_and_says_what_to_add_to_scores(made: Made) -> None:
    engine = registry.load("engines", "reranker", Reranker)(f"path:{made.folder}", {})
    run(engine.load())
    try:
        passages = ["help 7 password please", "help 7 refund please"]
        relevance = run(engine.relevance("what is 7", passages))
        gains = run(engine.gains("what is 7", passages))
        long = run(engine.relevance("what " * 90, ["refund " * 90]))
        assert engine.reads() == 4
    finally:
        run(engine.close())
    assert relevance[1] > relevance[0]
    assert np.allclose(gains, made.card.rerank_weight * relevance)
    assert long.shape == (1,)


def test_the_commands_put_passages_in_order(made: Made) -> None:
    passages = ("--passage", "7 password", "--passage", "7 refund")
    said = kefu("predict", made.folder, "--text", "what is 7", *passages, "--json")
    first, second = (json.loads(line) for line in said.splitlines())
    assert first["passage"] == "7 refund"
    assert first["relevance"] > second["relevance"]
    assert len(kefu("predict", made.folder, "--file", made.pairs).splitlines()) == NUMBERS
    assert "--passage" in refused("predict", made.folder, "--text", "what is 7")
    assert "8-bit form itself" in refused("compress", made.folder, "--out", made.folder.parent / "small")


def test_data_without_passages_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no passages"):
        RerankerRecipe({}).train(Job("train", out=str(tmp_path)), sentences(9), sentences(9), Heard())


FOUND = Candidates(
    questions=("a", "b", "c"),
    passages=("p", "q", "r", "s"),
    right=(0, 1, 3),
    found=((1, 0), (1, 2), (0, 1)),
    scores=((0.5, 0.45), (0.6, 0.59), (0.4, 0.3)),
)


def test_what_logits_count_is_the_least_that_helps_most() -> None:
    helpful = [np.array(each, np.float32) for each in ([-3.0, 3.0], [3.0, 2.9], [0.0, 1.0])]
    assert figures_of(FOUND.places()) == {
        "mrr": 0.5,
        "recall_1": pytest.approx(1 / 3),
        "recall_5": pytest.approx(2 / 3),
    }
    assert best_weight(FOUND, helpful) == 0.01
    assert reordered(FOUND, helpful, 0.01).tolist() == [0.0, 0.0, np.inf]
    assert best_weight(FOUND, [-each for each in helpful]) == 0.0


def test_wrong_passages_are_named_found_and_drawn_and_never_the_right_one() -> None:
    wrong = wrong_ones(FOUND, [["r"], [], []], least=3, seed=0)
    assert [sorted(each) for each in wrong] == [[1, 2, 3], [0, 2, 3], [0, 1, 2]]
    assert {1, 2} <= set(wrong_ones(FOUND, [["r"], [], []], least=1, seed=0)[0])


def test_each_epoch_shows_other_wrong_passages_beside_the_right_one() -> None:
    lists = Lists([[2, 5, 3]] * 2, [[2, at, 3] for at in range(10, 16)], [0, 1], [[2, 3, 4, 5], [2, 3, 4, 5]])
    lesson = ListLesson(lists, lists, FOUND, 0, 2, 0, 2, 10.0, 16)
    seen = []
    for epoch in range(2):
        (batch,) = lesson.batches(epoch)
        assert lesson.batches(epoch) == [batch]
        ids, mask = lesson.inputs(batch)
        assert ids.shape == mask.shape == (6, 5)
        passages = ids[:, 3].view(2, 3).tolist()
        assert sorted(row[0] for row in passages) == [10, 11]
        seen += passages[0][1:]
    assert sorted(seen) == [12, 13, 14, 15]
    logits = torch.tensor([[5.0], [0.0], [0.0], [5.0], [0.0], [0.0]])
    assert float(lesson.loss(logits, torch.zeros(6, 4), batch)) < 1e-6
