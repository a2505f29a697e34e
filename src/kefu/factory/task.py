"""The job whose trainings other processes may help with (`kefu.factory.helping`); needs no torch."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job


@dataclass
class Task:
    """A job at work. Its trainings are counted; what is handed over to other processes lies in `place`."""

    job: Job
    data: Dataset
    valid: Dataset
    place: Path
    trainings: int = 0


_task: ContextVar[Task | None] = ContextVar("task", default=None)


@contextmanager
def shared(job: Job, data: Dataset, valid: Dataset) -> Iterator[None]:
    """While it lasts, what a recipe trains is this job's, and other processes may help with it."""
    with TemporaryDirectory(prefix="kefu-train-") as place:
        token = _task.set(Task(job, data, valid, Path(place)))
        try:
            yield
        finally:
            _task.reset(token)


def current() -> Task | None:
    """The job that this process is at; None where a recipe was called without."""
    return _task.get()
