"""A training's checkpoint: all that a run needs to go on exactly as if it had never stopped. No pickle.

checkpoint/
  state.json               where the run is, and what it was started with
  network.safetensors      the weights
  optimizer.safetensors    the optimiser's tensors as `weight number/name`, and the state of the random numbers
  best.safetensors         the best weights so far, where early stopping looks for them
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from kefu.factory.network import TextNetwork
from kefu.kit.errors import BadInput, BadInstallation

FOLDER = "checkpoint"
_RANDOM = "random"


@dataclass
class Place:
    """Where a run is: `within` optimiser steps of `epoch` are done, `step` of all of them.

    `best` is the watched metric's best value and `waited` the number of epochs since.
    """

    epoch: int = 0
    within: int = 0
    step: int = 0
    best: float | None = None
    waited: int = 0


@dataclass(frozen=True)
class Run:
    """What a checkpoint holds. `started_with` names what must be the same for it to be gone on from."""

    place: Place
    started_with: Mapping[str, Any]
    network: TextNetwork
    optimizer: torch.optim.Optimizer
    best: Mapping[str, Tensor] | None = None


def save(out: Path, run: Run) -> None:
    """Write the checkpoint of a run into the model's folder; one that was there is replaced in one go."""
    partial, folder = out / f"{FOLDER}.partial", out / FOLDER
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_file(_plain(run.network.weights()), partial / "network.safetensors")
    save_file(_optimizer_tensors(run.optimizer), partial / "optimizer.safetensors")
    if run.best is not None:
        save_file(_plain(run.best), partial / "best.safetensors")
    state = {"place": asdict(run.place), "started_with": dict(run.started_with)}
    (partial / "state.json").write_text(json.dumps(state, ensure_ascii=False, indent=1), encoding="utf-8")
    # A kill between the two renames leaves the older one, which `restore` puts back.
    older = out / f"{FOLDER}.older"
    if folder.exists():
        shutil.rmtree(older, ignore_errors=True)
        os.replace(folder, older)
    os.replace(partial, folder)
    shutil.rmtree(older, ignore_errors=True)


def restore(out: Path, run: Run) -> tuple[Place, dict[str, Tensor] | None]:
    """Put weights, optimiser and random numbers back as they were; give the place and the best weights so far.

    Raises BadInput when there is no checkpoint or it was started with other data or options, BadInstallation for a
    damaged one.
    """
    folder = out / FOLDER
    if not folder.exists() and (out / f"{FOLDER}.older").exists():
        os.replace(out / f"{FOLDER}.older", folder)
    if not (folder / "state.json").is_file():
        raise BadInput(f"There is no checkpoint in {out} to go on from; train without resume.", out=str(out))
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        _check_same(state["started_with"], run.started_with)
        run.network.put_back(load_file(folder / "network.safetensors"))
        _restore_optimizer(run.optimizer, load_file(folder / "optimizer.safetensors"))
        best = folder / "best.safetensors"
        return Place(**state["place"]), load_file(best) if best.exists() else None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise BadInstallation(
            f"The checkpoint in {folder} is damaged: {error}. Delete it and train anew.", folder=str(folder)
        ) from error


def remove(out: Path) -> None:
    """Remove what a finished training has no use for."""
    for name in (FOLDER, f"{FOLDER}.partial", f"{FOLDER}.older"):
        shutil.rmtree(out / name, ignore_errors=True)


def _check_same(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    now = json.loads(json.dumps(now))
    other = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if other:
        raise BadInput(
            f"The checkpoint was started with another {', '.join(other)}. Give what it was started with, "
            "or train without resume.",
            other=", ".join(other),
        )


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: each.detach().contiguous() for name, each in tensors.items()}


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"]
    tensors = {f"{number}/{name}": each for number, found in state.items() for name, each in found.items()}
    tensors = {name: each for name, each in tensors.items() if isinstance(each, Tensor)}
    return {**_plain(tensors), _RANDOM: torch.get_rng_state()}


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    torch.set_rng_state(tensors.pop(_RANDOM))
    state: dict[int, dict[str, Tensor]] = {}
    for key, each in tensors.items():
        number, _, name = key.partition("/")
        state.setdefault(int(number), {})[name] = each
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
