"""`python -m kefu.factory run job.json`: do one job, tell it as JSON lines, exit with 0 when it is finished."""

import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from kefu.contracts.job import Job, Tell, Told, read_job
from kefu.contracts.model_card import ModelCard
from kefu.factory.run import run
from kefu.jobs.runner import line_of
from kefu.kit.errors import KefuError

USAGE = "Usage: python -m kefu.factory run job.json"
_CANCELLED = 130


def main(arguments: list[str]) -> int:
    """Exit code: 0 finished, 1 failed, 130 cancelled, 2 wrong usage."""
    if len(arguments) != 2 or arguments[0] != "run":
        sys.stderr.write(f"{USAGE}\n")
        return 2
    try:
        job = read_job(Path(arguments[1]))
    except KefuError as error:
        line(sys.stdout, Told.FAILED, {"code": error.code, "sentence": error.sentence})
        return 1
    return do(job, lambda told, fields: line(sys.stdout, told, fields))


def do(job: Job, show: Tell) -> int:
    """Do the job; its events go to `show` and to `events.jsonl` in its folder. SIGTERM cancels as Ctrl-C does."""
    began = time.monotonic()
    tell = _Teller(Path(job.out) if job.out else None, show)
    before = {number: signal.signal(number, tell.interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        done = run(job, tell)
    except KefuError as error:
        tell(Told.FAILED, {"code": error.code, "sentence": error.sentence, **_sayable(error.fields)})
        return 1
    except KeyboardInterrupt:
        tell(Told.CANCELLED, {"sentence": "Stopped; what was reached is kept, --resume goes on from there."})
        return _CANCELLED
    except Exception as error:  # whoever reads the events learns of it; the traceback is for us
        tell(Told.FAILED, {"code": "error", "sentence": f"{type(error).__name__}: {error}"})
        raise
    else:
        metrics = done.metrics if isinstance(done, ModelCard) else done
        tell(Told.FINISHED, {"seconds": round(time.monotonic() - began, 1), "metrics": dict(metrics)})
        return 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        tell.close()


class _Teller:
    """Shows each event and keeps it in the model's folder, once work has begun there.

    A folder that was refused belongs to somebody else: nothing is written into it.
    """

    def __init__(self, folder: Path | None, show: Tell) -> None:
        self._folder, self._show = folder, show
        self._is_interrupted = False
        self._kept: TextIO | None = None
        self._before: list[tuple[Told, Mapping[str, Any]]] = []
        self._began = False

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        self._is_interrupted = True
        raise KeyboardInterrupt

    def __call__(self, told: Told, fields: Mapping[str, Any]) -> None:
        if self._is_interrupted and told is Told.PROGRESS:
            # Raised where nothing can be raised (a destructor, a callback), it was lost.
            raise KeyboardInterrupt
        self._show(told, fields)
        if told is Told.PROGRESS:  # a bar's ticks are of no use afterwards
            return
        self._before.append((told, fields))
        self._began = self._began or told is Told.STARTED
        if self._kept is None and self._began and self._folder is not None and self._folder.is_dir():
            self._kept = (self._folder / "events.jsonl").open("a", encoding="utf-8")
        if self._kept is not None:
            for each in self._before:
                line(self._kept, *each)
            self._before.clear()

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()


def line(stream: TextIO, told: Told, fields: Mapping[str, Any]) -> None:
    """One event as one line of JSON, out at once."""
    stream.write(line_of(told, fields))
    stream.flush()


def _sayable(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if isinstance(value, str | int | float | bool)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
