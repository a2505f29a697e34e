"""Jobs as processes of this machine: `python -m kefu.factory run job.json`, nice, in a process group of its own.

A job's process holds a lock on a file in its folder as long as it lives, whoever started it; a process number could
belong to somebody else by the time one looks.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from kefu.contracts.job import Job
from kefu.jobs.runner import JobEvent, Look, event_of
from kefu.kit.errors import Conflict

_JOB, _EVENTS, _ERRORS, _LOCK, _PID = "job.json", "events", "errors", "lock", "pid"
# Behind the server, which answers customers, but not so far that it would never come to an end.
_NICENESS = 10
_LONGEST_LOG = 4 * 2**20  # bytes of events that have been read; a step's event is about 120
_MOST_ERRORS = 2**20
_LAST_WORDS = 2_000  # characters of standard error: a traceback's end
_READ_AT_ONCE = 2**20
_LOOKS_A_SECOND = 20
# What numeric libraries start, where nobody tells them, is one thread for each core.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "KEFU_THREADS")
# The factory needs no rows, and no secret.
_KEPT_FROM_IT = ("KEFU_SECRET_KEY", "KEFU_DATABASE_URL", "KEFU_SMTP_URL")


class EmbeddedRunner:
    """`contracts`' Runner with subprocesses. `threads` is how many each job may compute with."""

    def __init__(self, *, threads: int = 1) -> None:
        self._threads = threads
        self._children: dict[Path, subprocess.Popen[bytes]] = {}

    def start(self, job: Job, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / _LOCK).open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Conflict("This job is running already.", folder=folder.name) from None
            (folder / _JOB).write_text(job.to_json(), encoding="utf-8")
            process = self._popen(folder, lock.fileno())
        self._children[folder] = process
        (folder / _PID).write_text(str(process.pid), encoding="ascii")
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            os.setpriority(os.PRIO_PGRP, process.pid, _NICENESS)

    def look(self, folder: Path, position: int = 0) -> Look:
        is_running = self._is_running(folder)  # before reading: what it said last is read in any case
        events, position = _read(folder / _EVENTS, position)
        if is_running:
            _cut(folder / _ERRORS)
        return Look(tuple(events), position, is_running, "" if is_running else _last_words(folder / _ERRORS))

    def stop(self, folder: Path, *, at_once: bool = False) -> None:
        self._signal(folder, signal.SIGKILL if at_once else signal.SIGTERM)

    def wait(self, folder: Path, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self._is_running(folder):
            if time.monotonic() >= deadline:
                return False
            time.sleep(1 / _LOOKS_A_SECOND)  # it may be another process's child, whose end nobody tells us
        return True

    def trim(self, folder: Path, position: int) -> int:
        if position < _LONGEST_LOG:
            return position
        events = folder / _EVENTS
        self._signal(folder, signal.SIGSTOP)  # what it would write between our look and our cut were lost
        try:
            if events.stat().st_size == position:
                os.truncate(events, 0)
                position = 0
        finally:
            self._signal(folder, signal.SIGCONT)
        return position

    def _command(self, job: Path) -> list[str]:
        return factory_command(job)

    def _popen(self, folder: Path, lock: int) -> "subprocess.Popen[bytes]":
        events, errors = _new(folder / _EVENTS), _new(folder / _ERRORS)
        try:
            return subprocess.Popen(  # noqa: S603 - our own program
                self._command(folder / _JOB),
                stdin=subprocess.DEVNULL,
                stdout=events,
                stderr=errors,
                cwd=folder,
                env=environment(self._threads),
                start_new_session=True,
                pass_fds=[lock],
            )
        finally:
            os.close(events)
            os.close(errors)

    def _is_running(self, folder: Path) -> bool:
        child = self._children.get(folder)
        if child is not None and child.poll() is not None:
            del self._children[folder]
        try:
            with (folder / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def _signal(self, folder: Path, number: int) -> None:
        if not self._is_running(folder):
            return
        with contextlib.suppress(OSError, ValueError):  # it ended just now, or has not written its number yet
            process = int((folder / _PID).read_text("ascii"))
            if number == signal.SIGTERM:  # the job itself ends its helpers, which must live until it has saved
                os.kill(process, number)
            else:
                os.killpg(process, number)


def factory_command(job: Path) -> list[str]:
    """What does the job in a file."""
    # -P: files in the job's folder are data and never imported
    return [sys.executable, "-P", "-m", "kefu.factory", "run", str(job)]


def environment(threads: int) -> dict[str, str]:
    """What a job's process sees of this one's environment, to compute with so many threads."""
    kept = {name: value for name, value in os.environ.items() if name not in _KEPT_FROM_IT}
    return kept | dict.fromkeys(_THREAD_VARIABLES, str(threads))


def _new(path: Path) -> int:
    """An empty file. Opened to append, so that one that is cut short is written on from its new end."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)


def _read(path: Path, position: int) -> tuple[list[JobEvent], int]:
    """Events of the whole lines behind a position, and where they end."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(position if position <= size else 0)  # it was cut short since
            begin = file.tell()
            data = file.read(_READ_AT_ONCE)
    except FileNotFoundError:
        return [], position
    whole = data[: data.rfind(b"\n") + 1]
    if not whole and len(data) == _READ_AT_ONCE:
        whole = data  # a line without end is no event of ours
    return list(_events(whole)), begin + len(whole)


def _events(data: bytes) -> Iterator[JobEvent]:
    for line in data.splitlines():
        event = event_of(line)
        if event is not None:
            yield event


def _cut(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > _MOST_ERRORS:
            os.truncate(path, 0)


def _last_words(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LAST_WORDS))
            return file.read().decode(errors="replace").strip()
    except OSError:
        return ""
