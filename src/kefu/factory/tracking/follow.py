"""Following a run elsewhere: its options, curves, figures and report, as they are told.

Nothing here can stop a training that has begun: a tracker that fails is told of once and left out from then on.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.kit.settings import settings

# In the model's folder: what each tracker knows the run as, so that a run that goes on is the same one there.
TRACKED_FILE = "tracked.json"
# The name that everybody's tools already read; ours wins where both are there.
_MLFLOW_ELSEWHERE = "MLFLOW_TRACKING_URI"


class Tracker(Protocol):
    """One place where a run is followed."""

    name: str

    def begin(self, job: Job, known: str) -> str:
        """The run begins, or goes on as what it is `known` as; gives what it is known as."""

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Numbers at a step of the optimiser."""

    def finish(self, card: ModelCard, folder: Path) -> None:
        """The run ended with this model."""

    def close(self, *, failed: bool) -> None:
        """No more comes; the run failed or was stopped, or it finished."""


def trackers() -> list[Tracker]:
    """Those whose settings are present. Raises MissingExtra, with the install line, for one that is not installed."""
    found: list[Tracker] = []
    if folder := settings().tensorboard:
        from kefu.factory.tracking.tensorboard import TensorBoard

        found.append(TensorBoard(Path(folder).expanduser()))
    if address := settings().mlflow_tracking_uri or os.environ.get(_MLFLOW_ELSEWHERE, ""):
        from kefu.factory.tracking.mlflow import MLflow

        found.append(MLflow(address))
    return found


class Followed:
    """`contracts.job.Tell` that also tells the trackers."""

    def __init__(self, tell: Tell, found: list[Tracker]) -> None:
        self._tell, self._found = tell, list(found)
        self._step = 0
        self._is_finished = False

    def __call__(self, told: Told, fields: Mapping[str, Any]) -> None:
        self._tell(told, fields)
        if told in (Told.STEP, Told.EPOCH):
            self._step = int(fields.get("step", self._step))
            # Steps count the optimiser's; a recipe without any tells epochs alone.
            step = self._step or int(fields.get("epoch", 0))
            values = _numbers(fields, "train" if told is Told.STEP else "valid")
            self._each(lambda tracker: tracker.scalars(values, step))

    def begin(self, job: Job) -> None:
        """Make the run known everywhere; what it is known as is kept in its folder."""
        kept = Path(job.out) / TRACKED_FILE
        known: dict[str, str] = json.loads(kept.read_text("utf-8")) if job.resume and kept.is_file() else {}

        def begin(tracker: Tracker) -> None:
            known[tracker.name] = tracker.begin(job, known.get(tracker.name, ""))

        self._each(begin)
        if known:
            kept.write_text(json.dumps(known), encoding="utf-8")

    def finish(self, card: ModelCard, folder: Path) -> None:
        self._is_finished = True
        self._each(lambda tracker: tracker.finish(card, folder))

    def close(self) -> None:
        self._each(lambda tracker: tracker.close(failed=not self._is_finished))

    def _each(self, act: Callable[[Tracker], None]) -> None:
        for tracker in list(self._found):
            try:
                act(tracker)
            except Exception as error:  # a full disk or a server that is down; the training is worth more
                self._found.remove(tracker)
                sentence = f"{tracker.name} no longer follows this run: {type(error).__name__}: {error}"
                self._tell(Told.NOTE, {"sentence": sentence})


@contextmanager
def followed(tell: Tell, job: Job, found: list[Tracker]) -> Iterator[Followed]:
    """What a run tells, also told to the trackers; closed at its end, however it ends."""
    following = Followed(tell, found)
    following.begin(job)
    try:
        yield following
    finally:
        following.close()


def _numbers(fields: Mapping[str, Any], part: str) -> dict[str, float]:
    """The event's numbers by the names they are drawn under, such as train/loss."""
    return {
        f"{part}/{name}": float(value)
        for name, value in fields.items()
        if name not in ("step", "epoch") and isinstance(value, int | float) and not isinstance(value, bool)
    }
