"""Jobs on a Ray cluster: the same program as anywhere, on whichever node has room.

Each job has an attendant, a small process of this machine. It carries what the job reads to a node, through Ray's
object store; passes on what the job tells; and brings home each checkpoint and what was made. A node that is lost costs
what was done since the last checkpoint: the job goes on from there on another. Nodes need Kefu and what its recipes
need, of the same versions; they share no folder with this machine.

For whoever looks, the attendant is the job: it holds the folder's lock, writes its events, and hears SIGTERM.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from kefu.contracts.job import Job, Told, read_job
from kefu.jobs.embedded import EmbeddedRunner, environment, factory_command
from kefu.jobs.runner import event_of, line_of
from kefu.kit.errors import BadInput, KefuError, Unavailable
from kefu.kit.optional import require

# Nodes that a job may lose. One that takes them down itself, by its memory, shall end.
_MOST_LOST = 5
_LOOK_SECONDS = 0.5  # how long a look waits on the node for something to be told
_SOON = 5.0  # seconds in which a node with room has begun
_ANSWERS_WITHIN = 10.0  # seconds
_LAST_WORDS = 2_000  # characters of standard error: a traceback's end
_AUTO = "auto"
_PATHS = ("data", "valid", "oos", "model", "extend", "against")
_REFERENCE = "path:"
# What these find stands in the card of the model that they were given.
_RECORDED_IN_MODEL = ("evaluate", "explain")
# Stands in a carried job for the node's folder; no path begins with it.
_THERE = "@carried"
_ENDS = (Told.FINISHED, Told.FAILED, Told.CANCELLED)
_CANCELLED = 130
# Imported by its name, so that nodes find what is handed to them under it.
_ATTENDANT = "import sys; from kefu.jobs.ray_cluster import main; sys.exit(main(sys.argv[1:]))"

Files = Mapping[str, Any]  # a file's name below its folder, and Ray's reference to its bytes


class RayRunner(EmbeddedRunner):
    """`runner.Runner` on the Ray cluster at `address`. `threads` is how many each process of a job computes with."""

    def __init__(self, address: str, *, threads: int = 1) -> None:
        super().__init__(threads=threads)
        self._address = address

    def _command(self, job: Path) -> list[str]:
        return [sys.executable, "-P", "-c", _ATTENDANT, str(job), self._address, str(self._threads)]


class Lost(Unavailable):
    """The node that a job ran on is gone, or the job's process there was killed."""


class _Cancelled(Exception):
    """Asked to stop before a node had begun."""


class Worker:
    """A job on a node: its files, its process, and what that tells. An actor of Ray's."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="kefu-run-"))
        self._told: list[bytes] = []
        self._news = threading.Condition()
        self._is_over = False
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self, job: str, carried: Mapping[str, Files], threads: int) -> str:
        """Put the files where the job finds them and start it; gives the machine's name."""
        for place, files in carried.items():
            _unpacked(files, self._folder / place)
        (self._folder / "out").mkdir(exist_ok=True)
        written = self._folder / "job.json"
        written.write_text(job.replace(_THERE, json.dumps(str(self._folder))[1:-1]), encoding="utf-8")
        with (self._folder / "errors").open("wb") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                factory_command(written),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=self._folder,
                env=environment(threads),
                start_new_session=True,
            )
        threading.Thread(target=self._listen, daemon=True).start()
        return socket.gethostname()

    def look(self) -> tuple[list[bytes], bool]:
        """The lines told since the last look, and whether no more will come; waits a little for the first."""
        with self._news:
            self._news.wait_for(lambda: self._told or self._is_over, _LOOK_SECONDS)
            told, self._told = self._told, []
            return told, self._is_over

    def stop(self) -> None:
        """Ask the job to end, keeping its last checkpoint; it ends its own helpers."""
        with contextlib.suppress(ProcessLookupError):
            self._running.terminate()

    def made(self, place: str) -> Files:
        """What is in a folder of the job's; the job stands still meanwhile.

        It is what a kill would leave at this moment, which a job that goes on can do with.
        """
        self._signal(signal.SIGSTOP)
        try:
            return _packed(self._folder / place)
        finally:
            self._signal(signal.SIGCONT)

    def last_words(self) -> str:
        """The end of what the job's process wrote to standard error."""
        text = (self._folder / "errors").read_bytes()[-_LAST_WORDS:]
        return text.decode(errors="replace").strip()

    def clear(self) -> None:
        """Delete the job's files of this node."""
        self._signal(signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _running(self) -> "subprocess.Popen[bytes]":
        return cast("subprocess.Popen[bytes]", self._process)

    def _listen(self) -> None:
        # When this process is killed, the pipe breaks, and so the job ends with the next word it says.
        for line in cast(Any, self._running.stdout):
            with self._news:
                self._told.append(line)
                self._news.notify()
        self._running.wait()
        with self._news:
            self._is_over = True
            self._news.notify()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._running.pid, number)


class Attendant:
    """Looks after one job of this machine that runs on a node; writes what it tells to standard output."""

    def __init__(self, job: Job, address: str, threads: int) -> None:
        self._job, self._threads = job, threads
        self._ray: Any = require("ray", extra="ray")
        self._home: dict[str, Path] = {}  # by places of the node, the folders here that are written to there
        self._asked = threading.Event()
        self._worker: Any = None
        self._has_begun = self._is_told = self._has_waited = False
        self._connect(address)
        # Ray sets its own when it is imported.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._asked.set())

    def attend(self) -> int:
        """See the job to its end, on as many nodes as it takes; gives what the job's own process would exit with."""
        for lost in range(1, _MOST_LOST + 1):
            try:
                return self._on_one_node()
            except _Cancelled:
                _say(Told.CANCELLED, {"sentence": "Stopped before it had begun."})
                return _CANCELLED
            except Lost as error:
                if self._asked.is_set():
                    _say(Told.CANCELLED, {"sentence": "Stopped; its node is gone, and what it had not sent home."})
                    return _CANCELLED
                if lost == _MOST_LOST:
                    sentence = f"It lost {lost} nodes, and was not begun again: {error.sentence}"
                    _say(Told.FAILED, {"code": error.code, "sentence": sentence})
                else:
                    how = "goes on from its last checkpoint" if self._job.resume else "begins again"
                    _say(Told.NOTE, {"sentence": f"{error.sentence} It {how} on another node."})
        return 1

    def _connect(self, address: str) -> None:
        _check_answers(address)
        try:
            self._ray.init(address=address, namespace="kefu", log_to_driver=False, logging_level="error")
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            first = str(error).strip().splitlines()[0]
            raise Unavailable(f"The Ray cluster at {address} cannot be used: {first}", address=address) from error

    def _on_one_node(self) -> int:
        processors = self._processors()
        kind = self._ray.remote(num_cpus=processors, max_restarts=0)(Worker)
        self._worker, self._has_begun, self._is_told = kind.remote(), False, False
        try:
            job, carried = self._carried()
            node = self._get(self._worker.begin.remote(job, carried, self._threads), processors)
            self._has_begun = True
            _say(Told.NOTE, {"sentence": f"It runs on {node}, a node of the Ray cluster."})
            return self._followed()
        finally:
            self._ray.kill(self._worker)

    def _followed(self) -> int:
        """Pass on what the job tells, and bring home what it makes; gives its exit code."""
        is_over = False
        while not is_over:
            lines, is_over = self._get(self._worker.look.remote())
            for line in lines:
                event = event_of(line)
                if event is not None and event.told in (*_ENDS, Told.CHECKPOINT):
                    self._bring_home()  # before it is told: whoever reads it finds it here
                    self._job = replace(self._job, resume=self._job.resume or event.told is Told.CHECKPOINT)
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
                if event is not None and event.told in _ENDS:
                    self._get(self._worker.clear.remote())
                    return {Told.FINISHED: 0, Told.CANCELLED: _CANCELLED}.get(event.told, 1)
        words = self._get(self._worker.last_words.remote())
        self._get(self._worker.clear.remote())
        raise Lost(f"Its process ended without a word.{' ' if words else ''}{words[-200:]}")

    def _get(self, reference: Any, processors: int = 0) -> Any:
        """What a call of the worker gives; a request to stop is passed on meanwhile. Raises Lost."""
        waited = 0.0
        while True:
            if self._asked.is_set():
                self._pass_on()
            ready, _ = self._ray.wait([reference], timeout=_LOOK_SECONDS)
            if ready:
                break
            waited += _LOOK_SECONDS
            if waited >= _SOON and not self._has_begun and not self._has_waited:
                self._has_waited = True
                _say(Told.NOTE, {"sentence": f"It waits for room: {processors} processors of one node."})
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            raise Lost(f"Its node is gone: {_first_line(error)}") from error

    def _pass_on(self) -> None:
        if not self._has_begun:
            raise _Cancelled
        if not self._is_told:
            self._is_told = True
            self._worker.stop.remote()

    def _processors(self) -> int:
        """What the job computes with: threads of each of its processes."""
        options = self._job.options
        threads = options.get("threads") or self._threads
        return int(threads) * int(options.get("processes") or 1)

    def _carried(self) -> tuple[str, dict[str, Files]]:
        """The job with the node's places for its own, and the files of each place."""
        carrier, job = _Carrier(), self._job
        paths: dict[str, Any] = {name: carrier.path(getattr(job, name)) for name in _PATHS}
        options = {name: carrier.option(value) for name, value in job.options.items()}
        if job.out:
            place = f"out/{Path(job.out).name}"
            self._home = {place: Path(job.out)}
            paths["out"] = f"{_THERE}/{place}"
            if job.resume and Path(job.out).is_dir():
                carrier.files[place] = _packed(Path(job.out))
        if job.kind in _RECORDED_IN_MODEL and paths["model"] != job.model:
            self._home[paths["model"].removeprefix(f"{_THERE}/")] = Path(job.model)
        return replace(job, **paths, options=options).to_json(), carrier.files

    def _bring_home(self) -> None:
        """Put what the job has made so far where it would have put it here, each folder at once."""
        for place, here in self._home.items():
            files = self._get(self._worker.made.remote(place))
            if not files:
                continue
            arriving, older = (here.with_name(f"{here.name}.{name}") for name in ("arriving", "older"))
            shutil.rmtree(arriving, ignore_errors=True)
            try:
                _unpacked(files, arriving)
            except self._ray.exceptions.RayError as error:
                raise Lost(f"Its node is gone: {_first_line(error)}") from error
            shutil.rmtree(older, ignore_errors=True)
            if here.exists():
                os.replace(here, older)
            os.replace(arriving, here)
            shutil.rmtree(older, ignore_errors=True)


def _check_answers(address: str) -> None:
    """Raises BadInput for what is no address, Unavailable where nobody listens: Ray would try for many minutes."""
    if address == _AUTO:
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise BadInput(f"The Ray cluster's address is auto or HOST:PORT, not {address!r}.")
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWERS_WITHIN).close()
    except OSError as error:
        raise Unavailable(f"The Ray cluster at {address} cannot be used: {error}.", address=address) from error


class _Carrier:
    """Collects what a job reads, and names where it will be."""

    def __init__(self) -> None:
        self.files: dict[str, Files] = {}

    def path(self, here: str) -> str:
        """Where a file or folder of this machine will be; what is none stays as it is, for the job to complain of."""
        found = Path(here).expanduser()
        if not here or not found.exists():
            return here
        place = f"in/{len(self.files)}"
        # By its own name, which reports and cards have.
        self.files[place if found.is_file() else f"{place}/{found.name}"] = _packed(found)
        return f"{_THERE}/{place}/{found.name}"

    def option(self, value: Any) -> Any:
        """The same for an option that names one, such as base_model=path:/models/mine, or several with commas."""
        if not isinstance(value, str):
            return value
        return ",".join(self._part(part) for part in value.split(","))

    def _part(self, part: str) -> str:
        bare = part.strip()
        reference = _REFERENCE if bare.startswith(_REFERENCE) else ""
        path = Path(bare.removeprefix(_REFERENCE)).expanduser()
        # The attendant's folder is the job's own: only what is named from the root is meant.
        return reference + self.path(str(path)) if path.is_absolute() and path.exists() else part


def _packed(place: Path) -> Files:
    """The files of a folder, or one file under its name, in Ray's object store."""
    ray = require("ray", extra="ray")
    if place.is_file():
        return {place.name: ray.put(place.read_bytes())}
    return {name: ray.put((place / name).read_bytes()) for name in _names(place)}


def _names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def _unpacked(files: Files, folder: Path) -> None:
    ray = require("ray", extra="ray")
    folder.mkdir(parents=True, exist_ok=True)
    for name, reference in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ray.get(reference))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _say(told: Told, fields: Mapping[str, Any]) -> None:
    sys.stdout.write(line_of(told, fields))
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """The attendant's command: the job's file, the cluster's address, threads of each process."""
    try:
        attendant = Attendant(read_job(Path(arguments[0])), arguments[1], int(arguments[2]))
    except KefuError as error:
        _say(Told.FAILED, {"code": error.code, "sentence": error.sentence})
        return 1
    return attendant.attend()
