"""Tuning: a study that is judged on rows kept apart, stops what is hopeless, and goes on after a kill."""

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("optuna")

from kefu.contracts.job import Job, Told
from kefu.contracts.model_card import read_card
from kefu.factory.data.read import read
from kefu.factory.run import run
from kefu.factory.tuning.space import declared, dial_of, narrowed
from kefu.factory.tuning.study import JOURNAL
from kefu.kit import registry
from kefu.kit.errors import BadInput

SAMPLES = Path(__file__).parent / "samples"


class Notes:
    def __init__(self) -> None:
        self.said: list[tuple[Told, Any]] = []

    def __call__(self, told: Told, fields: Any) -> None:
        self.said.append((told, fields))


def sample(folder: Path) -> Path:
    """Ninety texts of three labels, of which each wording is different."""
    rows = ["text,label"]
    words = {"refund": "money back return", "parcel": "courier delivery late", "login": "password code account"}
    for number in range(30):
        for label, said in words.items():
            rows.append(f"{said.split()[number % 3]} question {number} about {said.split()[(number + 1) % 3]},{label}")
    path = folder / "data.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def job(folder: Path, **given: Any) -> Job:
    options = {"trials": 3, "space": {"regularisation": {"low": 0.1, "high": 10.0, "log": True}}, **given}
    return Job("tune", recipe="linear", data=str(sample(folder)), out=str(folder / "out"), options=options)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A study of three trials that judges on 0.3 of the rows: its folder, and what it gave. Its paths are relative."""
    wanted = job(tmp_path_factory.mktemp("tuned"), share=0.3)
    place = Path(wanted.out).parent
    with contextlib.chdir(place):
        found = run(Job(**{**vars(wanted), "data": "data.csv", "valid": "data.csv", "out": "out"}), Notes())
    return place / "out", found


def test_the_best_options_are_a_recipe_that_trains(tuned: tuple[Path, Any]) -> None:
    out, found = tuned
    table = yaml.safe_load((out / "best.yaml").read_text(encoding="utf-8"))
    assert table.pop("recipe") == "linear"
    assert table == found["best"]
    with (out / "trials.csv").open(encoding="utf-8") as file:
        values = [float(row["value"]) for row in csv.DictReader(file)]
    assert len(values) == 3
    assert found["value"] == max(values)
    assert "What mattered" in (out / "report.html").read_text(encoding="utf-8") or len(set(values)) == 1


def test_trials_are_judged_on_rows_kept_apart(tuned: tuple[Path, Any]) -> None:
    out, _ = tuned
    taught = {each.text for each in read(out / "parts/train.jsonl.gz").examples}
    judged = {each.text for each in read(out / "parts/judged.jsonl.gz").examples}
    assert not taught & judged
    assert len(judged) == pytest.approx(27, abs=4)


def test_the_best_is_trained_on_all_and_measured_on_the_validation_file(tuned: tuple[Path, Any]) -> None:
    out, found = tuned
    card = read_card(out.parent / found["model"])
    assert card.options["regularisation"] == found["best"]["regularisation"]
    assert found["metrics"]["accuracy"] == card.metrics["accuracy"]


def test_a_study_goes_on_after_a_kill(tmp_path: Path) -> None:
    wanted = tmp_path / "job.json"
    wanted.write_text(job(tmp_path, trials=3).to_json(), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "kefu.factory", "run", str(wanted)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line).get("trial") == 0:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.wait()
    notes = Notes()
    whole = json.loads(wanted.read_text(encoding="utf-8"))
    found = run(Job(**{**whole, "resume": True}), notes)
    assert isinstance(found, dict)
    assert found["finished"] == 3
    again = [fields["trial"] for told, fields in notes.said if told is Told.NOTE and "trial" in fields]
    assert 0 < len(again) < 3  # what had finished was not tried again


def test_a_training_that_was_stopped_with_the_search_is_done_when_it_goes_on(tmp_path: Path) -> None:
    wanted = tmp_path / "job.json"
    wanted.write_text(job(tmp_path, trials=3).to_json(), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "kefu.factory", "run", str(wanted)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line).get("trial") == 0:
            os.killpg(process.pid, signal.SIGTERM)  # as a terminal and the server do: its trainings hear of it, too
    process.wait()
    whole = json.loads(wanted.read_text(encoding="utf-8"))
    found = run(Job(**{**whole, "resume": True}), Notes())
    assert isinstance(found, dict)
    assert (found["finished"], found["failed"]) == (3, 0)


def test_what_cannot_be_resumed_or_begun_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no tuning"):
        run(Job(**{**vars(job(tmp_path)), "resume": True}), Notes())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(BadInput, match="not empty"):
        run(job(tmp_path), Notes())


def test_hopeless_trainings_are_stopped_early(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from .tiny_bert import make

    base = make(tmp_path / "tiny")
    rates = [1e-4, 0.5]
    fixed = {"base_model": f"path:{base}", "num_train_epochs": 3, "floor": False, "bf16": False, "min_steps": 0}
    wanted = job(tmp_path, trials=5, space={"learning_rate": {"choices": rates}}, fixed=fixed)
    already_finished(Path(wanted.out), rates, trials=4)
    found = run(Job(**{**vars(wanted), "recipe": "finetune", "resume": True}), Notes())
    assert isinstance(found, dict)
    assert (found["finished"], found["pruned"]) == (4, 1)
    with (tmp_path / "out/trials.csv").open(encoding="utf-8") as file:
        assert [row["reason"] for row in csv.DictReader(file)][-1] == "stopped after epoch 1"


def already_finished(folder: Path, rates: list[float], *, trials: int) -> None:
    """A study in which every trial was right about everything from its first epoch: any other is worse at once."""
    import optuna
    from optuna.storages.journal import JournalFileBackend

    folder.mkdir()
    storage = optuna.storages.JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
    study = optuna.create_study(storage=storage, study_name="tune", direction="maximize")
    distribution = optuna.distributions.CategoricalDistribution(rates)
    for _ in range(trials):
        study.add_trial(
            optuna.trial.create_trial(
                value=1.0,
                params={"learning_rate": rates[0]},
                distributions={"learning_rate": distribution},
                intermediate_values=dict.fromkeys((1, 2, 3), 1.0),
            )
        )


@pytest.mark.parametrize("recipe", sorted(set(registry.manifests("recipes")) - {"tagger_linear"}))
def test_what_a_recipe_declares_are_options_of_its_own(recipe: str) -> None:
    manifest = registry.manifests("recipes")[recipe]
    assert {dial.name for dial in declared(recipe)} <= set(manifest.options)


def test_options_are_narrowed_and_fixed() -> None:
    dials, fixed = narrowed("finetune", ["learning_rate=1e-4..2e-4", "loss=focal|cross_entropy", "dropout=0.1"])
    known = {dial.name: dial for dial in dials}
    assert (known["learning_rate"].low, known["learning_rate"].high) == (1e-4, 2e-4)
    assert known["loss"].choices == ("focal", "cross_entropy")
    assert fixed == {"dropout": 0.1}
    assert "dropout" not in known


@pytest.mark.parametrize("written", ["learning_rate=high..low", "learning_rate=2..1", "learning_rate"])
def test_a_range_that_is_none_is_refused(written: str) -> None:
    with pytest.raises(BadInput):
        narrowed("finetune", [written])


def test_a_range_of_magnitudes_begins_above_zero() -> None:
    with pytest.raises(BadInput, match="above 0"):
        dial_of("rate", {"low": 0.0, "high": 1.0, "log": True})
