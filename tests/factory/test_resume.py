"""A run that was stopped and gone on from ends with the very weights of one that was not."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from kefu.contracts.job import Told  # noqa: E402
from kefu.factory.loop import Fitted, LoopOptions, fit  # noqa: E402
from kefu.kit.errors import BadInput, BadInstallation  # noqa: E402

from .lessons import Heard, lesson_on, network_on, sentences  # noqa: E402
from .tiny_bert import make  # noqa: E402

STEPS = 18  # 48 texts in batches of 8, three epochs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("tiny"))


def train(folder: Path, out: Path, heard: Heard, *, resume: bool = False, seed: int = 0, **given: Any) -> Any:
    """Train three epochs; gives the weights and what was fitted. `seed` is of what must not matter when resumed."""
    options = LoopOptions(
        **{"learning_rate": 1e-3, "num_train_epochs": 3, "min_steps": 0, "bf16": False, "logging_steps": 1, **given}
    )
    network, base = network_on(folder, seed=seed)
    lesson = lesson_on(base, sentences(48), sentences(24, seed=1))
    fitted: Fitted = fit(
        network, lesson, options, out=out, tell=heard, started_with={"rate": options.learning_rate}, resume=resume
    )
    return {name: each.clone() for name, each in network.state_dict().items()}, fitted


def stop(number: signal.Signals) -> Any:
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ({}, 5),
        ({}, 6),  # the last step of an epoch
        ({"bf16": True, "lr_scheduler_type": "cosine"}, 9),
        ({"optim": "sgd", "learning_rate": 0.05}, 3),
        ({"optim": "adam", "gradient_accumulation_steps": 4}, 3),
        ({"early_stopping_patience": 1}, 13),
        ({"adversarial_epsilon": 0.5, "l1": 1e-4}, 11),
    ],
)
def test_resume_is_bit_exact(folder: Path, tmp_path: Path, given: dict[str, Any], at: int) -> None:
    straight, whole = train(folder, tmp_path / "straight", Heard(), **given)
    heard = Heard({at: stop(signal.SIGTERM)})
    with pytest.raises(KeyboardInterrupt):
        train(folder, tmp_path / "stopped", heard, **given)
    assert heard.of(Told.CHECKPOINT)[-1] == {"step": at}
    heard = Heard()
    resumed, rest = train(folder, tmp_path / "stopped", heard, resume=True, seed=99, **given)
    assert rest.steps == whole.steps
    assert rest.metrics == whole.metrics
    assert all(torch.equal(each, resumed[name]) for name, each in straight.items())
    assert next(each["step"] for each in heard.of(Told.STEP)) == at + 1


def test_a_run_may_be_stopped_twice(folder: Path, tmp_path: Path) -> None:
    straight, _ = train(folder, tmp_path / "straight", Heard())
    for resume, at in ((False, 4), (True, 10)):
        with pytest.raises(KeyboardInterrupt):
            train(folder, tmp_path / "stopped", Heard({at: stop(signal.SIGINT)}), resume=resume)
    resumed, _ = train(folder, tmp_path / "stopped", Heard(), resume=True)
    assert all(torch.equal(each, resumed[name]) for name, each in straight.items())


def test_a_crash_goes_on_from_the_last_checkpoint(folder: Path, tmp_path: Path) -> None:
    def crash() -> None:
        raise OSError("disk full")

    straight, _ = train(folder, tmp_path / "straight", Heard())
    with pytest.raises(OSError, match="disk full"):
        train(folder, tmp_path / "stopped", Heard({11: crash}), save_steps=4)
    heard = Heard()
    resumed, _ = train(folder, tmp_path / "stopped", heard, resume=True, save_steps=4)
    assert heard.of(Told.STEP)[0]["step"] == 9
    assert all(torch.equal(each, resumed[name]) for name, each in straight.items())


def test_signal_handlers_are_put_back(folder: Path, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    train(folder, tmp_path, Heard(), num_train_epochs=1)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_no_pickle_in_a_checkpoint(folder: Path, tmp_path: Path) -> None:
    train(folder, tmp_path, Heard(), save_steps=7, num_train_epochs=2)
    names = sorted(path.name for path in (tmp_path / "checkpoint").iterdir())
    assert names == ["network.safetensors", "optimizer.safetensors", "state.json"]


def test_other_options_are_refused(folder: Path, tmp_path: Path) -> None:
    train(folder, tmp_path, Heard(), save_steps=7, num_train_epochs=2)
    with pytest.raises(BadInput, match="another rate"):
        train(folder, tmp_path, Heard(), resume=True, num_train_epochs=2, learning_rate=2e-3)


def test_without_or_with_a_damaged_checkpoint(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no checkpoint"):
        train(folder, tmp_path / "none", Heard(), resume=True)
    train(folder, tmp_path, Heard(), save_steps=7, num_train_epochs=2)
    damaged = tmp_path / "checkpoint" / "optimizer.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:100])
    with pytest.raises(BadInstallation, match="damaged"):
        train(folder, tmp_path, Heard(), resume=True, num_train_epochs=2)
