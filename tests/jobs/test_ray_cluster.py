"""The same job on a Ray cluster: the same model, whatever becomes of its nodes."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ray = pytest.importorskip("ray")
pytest.importorskip("torch")

from click.testing import CliRunner  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402

from kefu.cli import cli  # noqa: E402
from kefu.cli.cluster import from_anywhere  # noqa: E402
from kefu.contracts.dataset import Example  # noqa: E402
from kefu.contracts.job import Job, Told  # noqa: E402
from kefu.contracts.model_card import ModelCard, read_card  # noqa: E402
from kefu.factory.run import run  # noqa: E402
from kefu.jobs.ray_cluster import Attendant, RayRunner  # noqa: E402
from kefu.jobs.runner import End, JobEvent, Runner, end_of  # noqa: E402
from kefu.kit.errors import KefuError  # noqa: E402
from kefu.kit.settings import settings  # noqa: E402
from kefu.knowledge.labels import dataset_of, write  # noqa: E402
from kefu.knowledge.pictures import array_url  # noqa: E402

LONG = 600.0  # seconds; nothing here takes so long
MEASURED = ("valid_accuracy", "valid_loss", "ece")
# One process for all of it: a cluster is not started twice.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without processors, and one node that has them."""
    # What Kefu's tests do is told nobody; a node that is gone is noticed within a second.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        quick = {"health_check_failure_threshold": 2, "health_check_period_ms": 500}
        head = {"num_cpus": 0, "include_dashboard": False, "_system_config": quick}
        found = Cluster(initialize_head=True, head_node_args=head)
        try:
            found.add_node(num_cpus=1)
            yield found
        finally:
            found.shutdown()


@pytest.fixture
def runner(cluster: Any) -> RayRunner:
    return RayRunner(cluster.address, threads=1)


def job(folder: Path, *, steps: int) -> Job:
    """A small network of pictures, light on the left or on the right, in batches of 16."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(0)
    for name, rows in (("train", 64), ("valid", 16)):
        examples = []
        for row in range(rows):
            shown = chance.integers(0, 120, (14, 14)).astype(np.uint8)
            shown[:, 7 * (row % 2) : 7 * (row % 2) + 7] += 60
            examples.append(Example(array_url(shown), ("left", "right")[row % 2], row + 1))
        write(
            dataset_of(examples, mapping={"text": "file", "label": "label"}, format="pictures"),
            folder / f"{name}.jsonl",
        )
    options = {"num_train_epochs": steps // 4, "per_device_train_batch_size": 16, "widths": "4", "bf16": False}
    options |= {"save_steps": 20, "logging_steps": 5, "save_seconds": 1000.0}
    taught, valid, out = (str(folder / name) for name in ("train.jsonl", "valid.jsonl", "model"))
    return Job("train", recipe="cnn", data=taught, valid=valid, out=out, options=options)


def read_until(runner: Runner, folder: Path, told: Told) -> list[JobEvent]:
    """What was told up to an event of this kind."""
    seen: list[JobEvent] = []
    position = 0
    while not any(each.told is told for each in seen):
        look = runner.look(folder, position)
        seen, position = [*seen, *look.events], look.position
        assert look.is_running or look.events, f"ended before it told {told}: {look.last_words}"
        runner.wait(folder, 0.05)
    return seen


def below(process: int) -> list[int]:
    """The processes that a process has started, and those that these have."""
    found = []
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *below(child)]
    return found


def killed(cluster: Any, node: Any) -> None:
    """A node is gone at once, with all that ran on it."""
    started = [each for info in node.all_processes["raylet"] for each in below(info.process.pid)]
    for each in started:
        os.kill(each, signal.SIGSTOP)
    cluster.remove_node(node, allow_graceful=False)
    for each in started:
        os.kill(each, signal.SIGKILL)


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def test_a_job_that_is_cancelled_and_loses_its_node_makes_the_same_model(
    cluster: Any, runner: RayRunner, tmp_path: Path
) -> None:
    meant = run(job(tmp_path / "here", steps=600), lambda told, fields: None)
    there, folder = job(tmp_path / "there", steps=600), tmp_path / "work"
    runner.start(there, folder)
    read_until(runner, folder, Told.STEP)
    runner.stop(folder)
    assert runner.wait(folder, LONG)
    look = runner.look(folder)
    assert end_of(look.events) is End.CANCELLED, look.last_words
    assert (Path(there.out) / "checkpoint").is_dir()

    runner.start(replace(there, resume=True), folder)
    read_until(runner, folder, Told.CHECKPOINT)
    (node,) = cluster.worker_nodes
    killed(cluster, node)
    cluster.add_node(num_cpus=1)
    assert runner.wait(folder, LONG)
    look = runner.look(folder)
    assert end_of(look.events) is End.FINISHED, look.last_words
    said = [str(each.fields["sentence"]) for each in look.events if each.told is Told.NOTE]
    assert any("goes on from its last checkpoint on another node" in each for each in said), said
    assert sum("Going on from step" in each for each in said) == 2, said

    assert isinstance(meant, ModelCard)
    found = read_card(Path(there.out))
    assert {name: found.metrics[name] for name in MEASURED} == {name: meant.metrics[name] for name in MEASURED}
    assert weights(Path(there.out)) == weights(tmp_path / "here" / "model")


@pytest.mark.parametrize(
    ("address", "said"), [("127.0.0.1:1", "cluster at 127.0.0.1:1 cannot be used"), ("nobody", "not 'nobody'")]
)
def test_a_cluster_that_does_not_answer_is_told(tmp_path: Path, address: str, said: str) -> None:
    job = Job("check", data=str(tmp_path / "none.csv"))
    with pytest.raises(KefuError, match=said):
        Attendant(job, address, 1)


def test_the_command_trains_on_the_cluster_the_same_model(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"{place} {word},{word}" for place in range(12) for word in ("parcel", "refund")]
    (tmp_path / "data.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEFU_RAY_ADDRESS", cluster.address)
    settings.cache_clear()
    try:
        for name, more in (("there", ["--runner", "ray"]), ("here", [])):
            given = ["train", "linear", "--data", "data.csv", "--valid", "data.csv", "--out", name]
            result = CliRunner().invoke(cli, [*given, *more])
            assert result.exit_code == 0, result.output
    finally:
        settings.cache_clear()
    there, here = (tmp_path / name / "linear.safetensors" for name in ("there", "here"))
    assert there.read_bytes() == here.read_bytes()
    assert (tmp_path / "there" / "report.html").is_file()


def test_paths_are_whole_for_whoever_works_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "one").mkdir(parents=True)
    given = Job("train", recipe="distill", data="data.csv", options={"teachers": "models/one,path:two", "seed": 1})
    found = from_anywhere(given)
    assert (found.data, found.valid) == (str(tmp_path / "data.csv"), "")
    assert found.options == {"teachers": f"{tmp_path}/models/one,path:{tmp_path}/two", "seed": 1}
