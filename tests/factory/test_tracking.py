"""Runs followed in TensorBoard and MLflow: what was written is read back by their own libraries."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kefu.contracts.job import Job, Told
from kefu.factory.run import run
from kefu.factory.tracking.follow import TRACKED_FILE, Followed, followed, trackers
from kefu.kit import settings
from kefu.kit.errors import MissingExtra

from .commands import TRAIN, VALID, kefu

Events = list[tuple[Told, dict[str, Any]]]


@pytest.fixture
def set_(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for name in ("KEFU_TENSORBOARD", "KEFU_MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # the library's way to write to a folder, without a server
    settings.reload()
    yield monkeypatch
    monkeypatch.undo()
    settings.reload()


def use(set_: pytest.MonkeyPatch, name: str, value: Path | str) -> None:
    set_.setenv(name, str(value))
    settings.reload()


def job(out: Path, **given: Any) -> Job:
    return Job("train", out=str(out), recipe="linear", data=str(TRAIN), valid=str(VALID), options={"seed": 3}, **given)


def tell_curve(out: Path, *, resume: bool = False, first: int = 1) -> Events:
    """A run of five steps and one epoch, told to the trackers that are set."""
    said: Events = []
    out.mkdir(exist_ok=True)
    with followed(lambda told, fields: said.append((told, dict(fields))), job(out, resume=resume), trackers()) as tell:
        for step in range(first, first + 5):
            tell(Told.STEP, {"step": step, "loss": 1 / step, "learning_rate": 0.1})
        tell(Told.EPOCH, {"epoch": 1, "accuracy": 0.5})
    return said


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Each curve of the only run that TensorBoard finds below a folder."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    [run_folder] = list(folder.iterdir())
    found = accumulator.EventAccumulator(str(run_folder)).Reload()
    return {tag: [(each.step, each.value) for each in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def texts(folder: Path) -> dict[str, str]:
    """Each text of the only run, without the fence around it."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    [run_folder] = list(folder.iterdir())
    found = accumulator.EventAccumulator(str(run_folder)).Reload()
    known = [tag for tag in found.Tags()["tensors"] if not tag.startswith("_hparams_")]
    return {tag: found.Tensors(tag)[0].tensor_proto.string_val[0].decode().strip("`\n") for tag in known}


def test_nothing_is_followed_without_settings(set_: pytest.MonkeyPatch) -> None:
    assert trackers() == []


def test_tensorboard_shows_curves_options_and_report(set_: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    use(set_, "KEFU_TENSORBOARD", tmp_path / "board")
    said: Events = []
    card = run(job(tmp_path / "model"), lambda told, fields: said.append((told, dict(fields))))
    assert [fields for _, fields in said if "no longer follows" in str(fields.get("sentence"))] == []
    curves = scalars(tmp_path / "board")
    assert curves["model/accuracy"] == [(0, pytest.approx(card.metrics["accuracy"]))]
    written = texts(tmp_path / "board")
    assert json.loads(written["card"])["recipe"] == "linear"
    assert "metrics" in json.loads(written["report"])
    [file] = list((tmp_path / "board").rglob("events.out.*"))
    assert b"_hparams_/session_start_info" in file.read_bytes()


def test_tensorboard_goes_on_in_the_same_run(set_: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    use(set_, "KEFU_TENSORBOARD", tmp_path / "board")
    tell_curve(tmp_path / "model")
    tell_curve(tmp_path / "model", resume=True, first=6)
    curves = scalars(tmp_path / "board")
    assert [step for step, _ in curves["train/loss"]] == list(range(1, 11))
    assert curves["train/loss"][1] == (2, 0.5)
    assert [step for step, _ in curves["valid/accuracy"]] == [5, 10]


def test_mlflow_keeps_parameters_metrics_and_report(set_: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    use(set_, "MLFLOW_TRACKING_URI", (tmp_path / "runs").as_uri())
    card = run(job(tmp_path / "model"), lambda *_: None)
    client = mlflow.MlflowClient((tmp_path / "runs").as_uri())
    [found] = client.search_runs([client.get_experiment_by_name("kefu").experiment_id])
    assert found.info.status == "FINISHED"
    assert found.data.params["recipe"] == "linear"
    assert found.data.params["seed"] == "3"
    assert found.data.params["regularisation"] == "1.0"  # a default, known when the run is done
    assert found.data.metrics["model/accuracy"] == pytest.approx(card.metrics["accuracy"])
    artefacts = {each.path for each in client.list_artifacts(found.info.run_id)}
    assert artefacts == {"report.html", "report.json", "README.md", "card.json"}


def test_mlflow_goes_on_in_the_same_run(set_: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    use(set_, "KEFU_MLFLOW_TRACKING_URI", (tmp_path / "runs").as_uri())
    set_.setenv("MLFLOW_EXPERIMENT_NAME", "shop")
    tell_curve(tmp_path / "model")
    client = mlflow.MlflowClient((tmp_path / "runs").as_uri())
    [stopped] = client.search_runs([client.get_experiment_by_name("shop").experiment_id])
    assert stopped.info.status == "FAILED"
    tell_curve(tmp_path / "model", resume=True, first=6)
    assert json.loads((tmp_path / "model" / TRACKED_FILE).read_text())["MLflow"] == stopped.info.run_id
    history = client.get_metric_history(stopped.info.run_id, "train/loss")
    assert [each.step for each in history] == list(range(1, 11))


def test_a_run_is_not_stopped_by_a_server_that_is_down(set_: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    set_.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    use(set_, "KEFU_MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # the discard port: nobody listens
    said = tell_curve(tmp_path / "model")
    [note] = [fields["sentence"] for told, fields in said if told is Told.NOTE]
    assert note.startswith("MLflow no longer follows this run")
    assert len([told for told, _ in said if told is Told.STEP]) == 5


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [("KEFU_TENSORBOARD", "tensorboard", "tensorboard"), ("KEFU_MLFLOW_TRACKING_URI", "mlflow", "mlflow")],
)
def test_a_missing_extra_is_told_before_training(
    set_: pytest.MonkeyPatch, tmp_path: Path, name: str, module: str, extra: str
) -> None:
    for each in [each for each in sys.modules if each.split(".")[0] == module]:
        set_.delitem(sys.modules, each)
    set_.setattr(sys, "meta_path", [_Without(module), *sys.meta_path])
    use(set_, name, tmp_path / "there")
    with pytest.raises(MissingExtra, match=rf"pip install 'kefu\[{extra}\]'"):
        run(job(tmp_path / "model"), lambda *_: None)
    assert not (tmp_path / "model").exists()


class _Without:
    """An import system in which a package is not installed."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.split(".", maxsplit=1)[0] == self._package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_the_model_stays_loadable(set_: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    use(set_, "KEFU_TENSORBOARD", tmp_path / "board")
    run(job(tmp_path / "model"), lambda *_: None)
    assert (tmp_path / "model" / TRACKED_FILE).is_file()
    assert "label" in kefu("predict", tmp_path / "model", "--text", "where is my parcel", "--json-lines")


def test_a_tracker_that_fails_once_is_left_out(tmp_path: Path) -> None:
    said: Events = []
    broken = _Broken()
    tell = Followed(lambda told, fields: said.append((told, dict(fields))), [broken])
    tell(Told.STEP, {"step": 1, "loss": 1.0})
    tell(Told.STEP, {"step": 2, "loss": 0.5})
    assert broken.asked == 1
    assert [told for told, _ in said] == [Told.STEP, Told.NOTE, Told.STEP]


class _Broken:
    name = "Broken"
    asked = 0

    def begin(self, job: Job, known: str) -> str:
        return ""

    def scalars(self, values: Any, step: int) -> None:
        self.asked += 1
        raise OSError("disk full")

    def finish(self, card: Any, folder: Path) -> None:
        """Never asked."""

    def close(self, *, failed: bool) -> None:
        """Nothing is held."""
