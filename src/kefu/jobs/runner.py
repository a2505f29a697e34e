"""What a runner of jobs does, wherever the work runs.

A runner keeps nothing in memory that it needs: all it knows of a job is in the job's folder. So another process, after
a restart, looks on where the last one stopped.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from kefu.contracts.job import Job, Told


class End(StrEnum):
    """How a job ended. INTERRUPTED: its process is gone and never said why."""

    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


_ENDS = {Told.FINISHED: End.FINISHED, Told.FAILED: End.FAILED, Told.CANCELLED: End.CANCELLED}


@dataclass(frozen=True)
class JobEvent:
    """One thing that a job told; `at` is ISO 8601 in UTC."""

    told: Told
    at: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """What was told since the last look. `position` is where the next look begins."""

    events: tuple[JobEvent, ...]
    position: int
    is_running: bool
    last_words: str = ""


@runtime_checkable
class Runner(Protocol):
    """Runs jobs. `folder` is the job's own; what it makes is in there, too."""

    def start(self, job: Job, folder: Path) -> None:
        """Begin the job. Raises Conflict for a folder whose job is running."""

    def look(self, folder: Path, position: int = 0) -> Look:
        """What the job has told since a position, and whether it runs; `last_words` once it does not."""

    def stop(self, folder: Path, *, at_once: bool = False) -> None:
        """Ask the job to end, keeping its last checkpoint; `at_once` does not ask."""

    def wait(self, folder: Path, seconds: float) -> bool:
        """Wait for the job's end; whether it has come."""

    def trim(self, folder: Path, position: int) -> int:
        """Throw away what has been read up to a position if it has grown long; gives the position to go on from."""


def end_of(events: tuple[JobEvent, ...]) -> End:
    """How a job that runs no more has ended, by its last words."""
    return _ENDS.get(events[-1].told, End.INTERRUPTED) if events else End.INTERRUPTED


def line_of(told: Told, fields: Mapping[str, Any]) -> str:
    """What is told now, as one line of JSON."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"event": told, "at": at, **fields}, ensure_ascii=False) + "\n"


def event_of(line: bytes) -> JobEvent | None:
    """The event that a line tells; None for a line that is none, such as a library's print."""
    try:
        table = json.loads(line)
        told, at = Told(table.pop("event")), str(table.pop("at", ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return JobEvent(told, at, table)
