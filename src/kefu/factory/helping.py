"""What the other processes of a shared training do: the same job as the first, up to where it trains.

The first process writes its job, its data and the network's weights into a folder. Each of the others does that job
from its beginning, in a folder of its own, so that it comes to the same lesson by itself, and takes part from there on.
What was trained earlier in the job is not trained again: its weights are taken. All that is handed over is JSON and
safetensors.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Recipe, read_job
from kefu.factory.data.read import read, write
from kefu.factory.task import current
from kefu.kit import registry
from kefu.kit.errors import BadInput, BadInstallation

if TYPE_CHECKING:
    from kefu.factory.parallel import Alone

READY = b"ready\n"
_JOB, _DATA, _VALID = "job.json", "train.jsonl.gz", "valid.jsonl.gz"
_RANDOM = "random numbers"


class Training(Protocol):
    """A training in progress: `kefu.factory.loop.Loop`."""

    def resume(self) -> None: ...

    def run(self, crew: "Alone") -> Any: ...


_helper: ContextVar["Helper | None"] = ContextVar("helper", default=None)


def helper() -> "Helper | None":
    """What this process helps with; None for the first."""
    return _helper.get()


def handed_over(network: nn.Module, *, out: Path, resume: bool) -> tuple[Path, int]:
    """Write down the next training of this process's job; gives the folder and its number.

    Raises BadInput for a training that belongs to no job.
    """
    task = current()
    if task is None:
        raise BadInput("Several processes share the training of a job; this one was begun without.", option="processes")
    task.trainings += 1
    place, number = task.place, task.trainings
    if number == 1:
        write(task.data, place / _DATA)
        write(task.valid, place / _VALID)
        job = replace(task.job, data=str(place / _DATA), valid=str(place / _VALID), options=dict(task.job.options))
        (place / _JOB).write_text(job.to_json(), encoding="utf-8")
    told = {"out": str(out), "resume": resume, "threads": torch.get_num_threads()}
    told |= {"data": task.data.sha256, "valid": task.valid.sha256}
    _write(place / f"start-{number}", {**_weights(network), _RANDOM: torch.get_rng_state()}, told)
    return place, number


def trained(network: nn.Module, found: Mapping[str, Any]) -> None:
    """Write down what the last training has made, for those who help with a later one."""
    task = current()
    if task is not None and task.trainings:
        _write(task.place / f"trained-{task.trainings}", _weights(network), found)


class Helper:
    """One of the other processes: `rank` of `processes`, which helps with the training of that number."""

    def __init__(self, rank: int, processes: int, place: Path, number: int, ready: Callable[[], None]) -> None:
        self._rank, self._processes, self._place, self._number = rank, processes, place, number
        self._ready = ready
        self._trainings = 0

    def train(self, network: nn.Module, begun: Callable[[int, Path], Training]) -> Mapping[str, Any]:
        """Take part in the training and end with it, or give what an earlier one has found."""
        from kefu.factory.parallel import met

        self._trainings += 1
        if self._trainings < self._number:
            found = _read(self._place / f"trained-{self._trainings}", network)[0]
            network.eval()
            return found
        told, random = _read(self._place / f"start-{self._number}", network)
        torch.set_num_threads(told["threads"])
        training = begun(self._rank, Path(told["out"]))
        torch.set_rng_state(random)
        if told["resume"]:
            training.resume()
        self._ready()
        with met(self._rank, self._processes, self._place / f"meeting-{self._number}") as crew:
            training.run(crew)
        raise SystemExit(0)


def main(arguments: Sequence[str]) -> int:
    """What the other processes run: rank, number of processes, the folder, and which training."""
    from kefu.factory.parallel import ProcessLost

    for number in (signal.SIGINT, signal.SIGTERM):  # the first hears them, and ends the others when it has saved
        signal.signal(number, signal.SIG_IGN)
    _end_with_the_first()
    told = os.dup(1)
    os.dup2(2, 1)  # what a library prints goes where errors go
    rank, processes, place, training = int(arguments[0]), int(arguments[1]), Path(arguments[2]), int(arguments[3])
    _helper.set(Helper(rank, processes, place, training, lambda: _say(told)))
    job = read_job(place / _JOB)
    out = place / f"out-{training}-{rank}"
    out.mkdir()
    start = json.loads((place / f"start-{training}.json").read_text(encoding="utf-8"))
    data, valid = (_same(place / name, start[role]) for name, role in ((_DATA, "data"), (_VALID, "valid")))
    recipe = registry.load("recipes", job.recipe, Recipe)(job.options)
    try:
        recipe.train(replace(job, out=str(out)), data, valid, lambda told, fields: None)
    except (ProcessLost, KeyboardInterrupt):
        return 1  # the first tells why
    return 0


def _end_with_the_first() -> None:
    """The first holds the other end of our input, and is gone when that is closed."""

    def watch() -> None:
        sys.stdin.buffer.read()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _say(stream: int) -> None:
    os.write(stream, READY)
    os.close(stream)


def _same(path: Path, sha256: str) -> Dataset:
    data = read(path)
    if data.sha256 != sha256:
        raise BadInstallation("The data that were handed over are not those of the first process.", file=str(path))
    return data


def _weights(network: nn.Module) -> dict[str, Tensor]:
    """Copies, for tensors that share their memory are not written."""
    return {name: each.detach().cpu().clone().contiguous() for name, each in network.state_dict().items()}


def _write(path: Path, tensors: dict[str, Tensor], told: Mapping[str, Any]) -> None:
    save_file(tensors, path.with_suffix(".safetensors"))
    path.with_suffix(".json").write_text(json.dumps(dict(told)), encoding="utf-8")


def _read(path: Path, network: nn.Module) -> tuple[dict[str, Any], Tensor]:
    tensors = load_file(path.with_suffix(".safetensors"))
    random = tensors.pop(_RANDOM, torch.get_rng_state())
    network.load_state_dict(tensors)
    found: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return found, random
