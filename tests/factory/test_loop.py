"""The loop's options do what they say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from kefu.contracts.job import Told  # noqa: E402
from kefu.factory.loop import Fitted, LoopOptions, _moved, fit  # noqa: E402
from kefu.factory.network import TextNetwork  # noqa: E402
from kefu.factory.options import read_options  # noqa: E402
from kefu.factory.schedule import factor  # noqa: E402
from kefu.kit.errors import BadInput  # noqa: E402

from .lessons import Heard, lesson_on, network_on, sentences  # noqa: E402
from .tiny_bert import make  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("tiny"))


class Trained:
    """A training of the tiny network on 48 sentences, and what it left."""

    def __init__(self, folder: Path, out: Path, *, judged: list[float] | None = None, **given: Any) -> None:
        options = {"learning_rate": 1e-3, "num_train_epochs": 2, "min_steps": 0, "bf16": False, "logging_steps": 1}
        options |= {"per_device_train_batch_size": 8}
        self.options = LoopOptions(**{**options, **given})
        self.heard = Heard()
        self.network, base = network_on(folder, dropout=self.options.dropout)
        self.before = weights(self.network)
        lesson = lesson_on(base, sentences(48), sentences(24, seed=1), batch=self.options.per_device_train_batch_size)
        self.after_epochs: list[Mapping[str, Any]] = []
        if judged is not None:
            scripted = iter(judged)

            def judge(network: TextNetwork) -> Mapping[str, float]:
                self.after_epochs.append(weights(network))
                return {"accuracy": next(scripted)}

            lesson.judge = judge  # type: ignore[method-assign]
        self.fitted: Fitted = fit(self.network, lesson, self.options, out=out, tell=self.heard, started_with={})
        self.after = weights(self.network)

    @property
    def losses(self) -> list[float]:
        return [float(each["loss"]) for each in self.heard.of(Told.STEP)]

    def moved(self) -> float:
        """The length of the way that all weights went."""
        return float(sum((self.after[name] - self.before[name]).pow(2).sum() for name in self.after) ** 0.5)

    def size(self) -> float:
        return float(sum(each.abs().sum() for name, each in self.after.items() if each.ndim > 1))


def weights(network: TextNetwork) -> dict[str, Any]:
    return {name: each.detach().clone() for name, each in network.state_dict().items()}


@pytest.mark.parametrize(("optim", "rate"), [("adamw", 3e-3), ("adam", 3e-3), ("sgd", 0.1)])
def test_every_optimiser_learns(folder: Path, tmp_path: Path, optim: str, rate: float) -> None:
    run = Trained(folder, tmp_path, optim=optim, learning_rate=rate, head_learning_rate=10 * rate, num_train_epochs=12)
    assert sum(run.losses[-6:]) < 0.6 * sum(run.losses[:6])
    assert run.fitted.metrics["accuracy"] > 0.85


def test_the_same_seed_gives_the_same_weights(folder: Path, tmp_path: Path) -> None:
    first, second = Trained(folder, tmp_path), Trained(folder, tmp_path)
    assert all(torch.equal(each, second.after[name]) for name, each in first.after.items())


def test_two_batches_of_a_step_are_one_of_twice_the_size(folder: Path, tmp_path: Path) -> None:
    """By length, 48 texts in batches of 48 are one order; two halves of it make the same step."""
    given = {"dropout": 0.0, "optim": "sgd", "num_train_epochs": 1, "max_grad_norm": 0.0, "learning_rate": 0.05}
    whole = Trained(folder, tmp_path, per_device_train_batch_size=48, **given)
    halves = Trained(folder, tmp_path, per_device_train_batch_size=24, gradient_accumulation_steps=2, **given)
    assert whole.fitted.steps == halves.fitted.steps == 1
    assert all(torch.allclose(each, halves.after[name], atol=1e-6) for name, each in whole.after.items())


def test_clipping_bounds_a_step(folder: Path, tmp_path: Path) -> None:
    given = {"optim": "sgd", "learning_rate": 1e-1, "head_learning_rate": 1e-1, "lr_scheduler_type": "constant"}
    given |= {"num_train_epochs": 1, "per_device_train_batch_size": 48, "weight_decay": 0.0, "warmup_ratio": 0.0}
    clipped, free = (Trained(folder, tmp_path, max_grad_norm=norm, **given) for norm in (0.01, 0.0))
    assert clipped.moved() == pytest.approx(0.1 * 0.01, rel=1e-2)
    assert free.moved() > 10 * clipped.moved()


def test_l1_and_weight_decay_shrink_the_weights(folder: Path, tmp_path: Path) -> None:
    plain = Trained(folder, tmp_path, weight_decay=0.0)
    assert Trained(folder, tmp_path, weight_decay=0.0, l1=1e-2).size() < 0.99 * plain.size()
    assert Trained(folder, tmp_path, weight_decay=10.0).size() < 0.99 * plain.size()


def test_the_adversary_changes_what_is_learnt_and_puts_the_table_back(folder: Path, tmp_path: Path) -> None:
    plain, fought = Trained(folder, tmp_path), Trained(folder, tmp_path, adversarial_epsilon=1.0)
    assert not torch.equal(plain.after["head.weight"], fought.after["head.weight"])
    table = torch.nn.Parameter(torch.randn(5, 3))
    table.grad = torch.randn(5, 3)
    before = table.detach().clone()
    with _moved(table, table.grad, 0.5):
        assert float((table - before).detach().norm()) == pytest.approx(0.5, rel=1e-4)
    assert torch.equal(table, before)


def test_a_frozen_word_table_stays(folder: Path, tmp_path: Path) -> None:
    run = Trained(folder, tmp_path, freeze_embeddings=True)
    name = "encoder.embeddings.word_embeddings.weight"
    assert torch.equal(run.after[name], run.before[name])
    assert not torch.equal(run.after["head.weight"], run.before["head.weight"])


def test_frozen_layers_stay_and_take_the_embeddings_along(folder: Path, tmp_path: Path) -> None:
    run = Trained(folder, tmp_path, freeze_layers=1)
    stayed = {name for name, each in run.after.items() if torch.equal(each, run.before[name])}
    assert "encoder.encoder.layer.0.attention.self.query.weight" in stayed
    assert {name for name in run.after if "embeddings" in name} <= stayed
    assert "encoder.encoder.layer.1.attention.self.query.weight" not in stayed
    with pytest.raises(BadInput, match="has 2"):
        Trained(folder, tmp_path, freeze_layers=3)


def test_early_stopping_keeps_the_best_epoch(folder: Path, tmp_path: Path) -> None:
    judged = [0.5, 0.9, 0.8, 0.7, 0.99]
    run = Trained(folder, tmp_path, judged=judged, num_train_epochs=5, early_stopping_patience=2)
    assert run.fitted.epochs == 4
    assert all(torch.equal(each, run.after_epochs[1][name]) for name, each in run.after.items())


def test_bfloat16_learns_too(folder: Path, tmp_path: Path) -> None:
    run = Trained(folder, tmp_path, bf16=True, num_train_epochs=12, learning_rate=3e-3, head_learning_rate=2e-2)
    assert run.fitted.metrics["accuracy"] > 0.85
    assert run.after["head.weight"].dtype is torch.float32


def test_few_texts_are_seen_more_often(folder: Path, tmp_path: Path) -> None:
    run = Trained(folder, tmp_path, num_train_epochs=1, min_steps=14)
    assert run.fitted.steps == 18  # whole epochs of six
    assert [each["step"] for each in run.heard.of(Told.STEP)] == list(range(1, 19))
    assert run.heard.of(Told.PROGRESS)[-1] == {"done": 18, "total": 18, "unit": "steps"}


def test_the_body_and_the_head_have_rates_of_their_own(folder: Path, tmp_path: Path) -> None:
    run = Trained(folder, tmp_path, learning_rate=1e-12, head_learning_rate=1e-2)
    body = "encoder.encoder.layer.0.attention.self.query.weight"
    assert torch.allclose(run.after[body], run.before[body], atol=1e-8)
    assert not torch.allclose(run.after["head.weight"], run.before["head.weight"], atol=1e-3)


def test_schedules() -> None:
    linear = [factor("linear", step, steps=10, warmup=4) for step in range(10)]
    assert linear[:4] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert linear[4:] == pytest.approx([1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])
    assert factor("cosine", 7, steps=10, warmup=4) == pytest.approx(0.5)
    assert factor("constant", 9, steps=10, warmup=4) == 1.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"learning_rat": 1e-4}, "learning_rate"),
        ({"optim": "adamx"}, "adamw"),
        ({"adversarial_epsilon": 1.0, "freeze_embeddings": True}, "freeze_embeddings"),
    ],
)
def test_a_wrong_option_is_told(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_options(LoopOptions, "finetune", given)
