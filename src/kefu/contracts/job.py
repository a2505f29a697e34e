"""A piece of long work: what the factory is asked to do and what it tells while it works.

`python -m kefu.factory run job.json` reads a `Job`, writes one JSON line an event, and exits with 0 when it finished.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol, get_args, runtime_checkable

from kefu.contracts.dataset import Dataset
from kefu.contracts.model_card import ModelCard
from kefu.kit.errors import BadInput

JobKind = Literal[
    "train", "evaluate", "compress", "export", "tune", "trial", "explain", "check", "clean", "split", "select", "guess"
]
KINDS: tuple[JobKind, ...] = get_args(JobKind)


@dataclass(frozen=True)
class Job:
    """What to do. Paths are of this machine.

    train: `recipe`, `data`, `valid` and `out`, a folder; `extend` is a trained model whose labels are kept.
    evaluate: `model` and `data`; `oos` holds texts that are out of scope; `against` another model.
    explain: `model` and `data`; the report goes to `out`, or beside the model.
    compress, export: `model` and `out`.
    tune: `recipe`, `data` and `out`; with `valid` the best is trained and measured there.
    trial: `model`, a pre-trained encoder, `recipe`, `data` and `valid`: whether it beats the one it was made from.
    check, clean, split: `data` and `out`; a check with `valid` looks for what both hold.
    select, guess: `data`, which nobody labelled, `valid`, what is labelled, and `out`.
    `resume` goes on from the last checkpoint in `out`; `skip_bad` trains without the rows of `data` and `valid` that
    cannot be used. `options` are the recipe's or the step's own.
    """

    kind: JobKind
    out: str = ""
    recipe: str = ""
    data: str = ""
    valid: str = ""
    model: str = ""
    extend: str = ""
    oos: str = ""
    against: str = ""
    resume: bool = False
    skip_bad: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)


def read_job(path: Path) -> Job:
    """The job in a file. Raises BadInput for one that cannot be read or names what no job has."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        job = Job(**table)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise BadInput(f"{path} is not a job: {error}.", path=str(path)) from error
    if job.kind not in KINDS:
        raise BadInput(f"There is no job of the kind {job.kind!r}. Kinds: {', '.join(KINDS)}.", kind=str(job.kind))
    return job


class Told(StrEnum):
    """What an event tells."""

    STARTED = "started"  # kind, recipe, rows, labels
    PROGRESS = "progress"  # done, total, unit: shown as a bar
    STEP = "step"  # step, loss, learning_rate
    EPOCH = "epoch"  # epoch, and the metrics on the validation data
    CHECKPOINT = "checkpoint"  # step
    NOTE = "note"  # sentence
    FINISHED = "finished"  # metrics, seconds
    CANCELLED = "cancelled"  # step
    FAILED = "failed"  # code, sentence


Tell = Callable[[Told, Mapping[str, Any]], None]


@runtime_checkable
class Recipe(Protocol):
    """A way to train. Recipes are plug-ins of the kind `recipes`; the manifest's `extra` names what it needs."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Raises BadInput for an option that the recipe does not have or a value it cannot take."""

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        """Train, write the model's folder `job.out` and give its card.

        A cancelled run (KeyboardInterrupt, SIGTERM) keeps its last checkpoint. Raises BadInput for data that the
        recipe cannot learn from.
        """
