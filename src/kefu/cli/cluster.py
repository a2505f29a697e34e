"""A job of the command line done on a Ray cluster: carried there, shown as it goes, brought home."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kefu.contracts.job import Job, Tell
    from kefu.jobs.runner import Runner

_PATHS = ("out", "data", "valid", "model", "extend", "oos", "against")
_REFERENCE = "path:"
# Between two looks at what was told; a person sees no difference.
_LOOK_SECONDS = 0.3
_LAST_WORDS = 300  # characters of a traceback's end
_CODES = {"finished": 0, "cancelled": 130}


def do_on_cluster(job: "Job", show: "Tell") -> int:
    """Do the job on the cluster at KEFU_RAY_ADDRESS; gives what doing it here would give.

    Ctrl-C asks it to save and stop, a second one ends it. Raises MissingExtra without Ray.
    """
    from kefu.jobs.ray_cluster import RayRunner
    from kefu.kit.optional import require
    from kefu.kit.settings import settings

    require("ray", extra="ray")
    folder = Path(tempfile.mkdtemp(prefix="kefu-job-"))
    runner = RayRunner(settings().ray_address, threads=settings().threads)
    try:
        runner.start(from_anywhere(job), folder)
        return _followed(runner, folder, show)
    finally:
        runner.stop(folder, at_once=True)
        runner.wait(folder, 10.0)
        shutil.rmtree(folder, ignore_errors=True)


def _followed(runner: "Runner", folder: Path, show: "Tell") -> int:
    from kefu.contracts.job import Told
    from kefu.jobs.runner import end_of

    position, ends, asked = 0, "interrupted", False
    while True:
        try:
            look = runner.look(folder, position)
            position = look.position
            for event in look.events:
                show(event.told, event.fields)
            if look.events:
                ends = str(end_of(look.events))
            elif not look.is_running:
                break
            runner.wait(folder, _LOOK_SECONDS)
        except KeyboardInterrupt:
            runner.stop(folder, at_once=asked)
            asked = True
    if ends == "interrupted":
        show(
            Told.FAILED,
            {"code": "interrupted", "sentence": f"It ended without a word. {look.last_words[-300:]}".strip()},
        )
    return _CODES.get(ends, 1)


def from_anywhere(job: "Job") -> "Job":
    """The job with whole paths: what does it has another folder. Options name theirs by `path:`, or with a slash."""
    paths: dict[str, Any] = {name: _whole(getattr(job, name)) for name in _PATHS}
    return replace(job, **paths, options=_options(job.options))


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: ",".join(_part(each) for each in value.split(",")) if isinstance(value, str) else value
        for name, value in options.items()
    }


def _part(part: str) -> str:
    bare = part.strip()
    if bare.startswith(_REFERENCE):
        return _REFERENCE + _whole(bare.removeprefix(_REFERENCE))
    return _whole(bare) if "/" in bare and Path(bare).expanduser().exists() else part


def _whole(path: str) -> str:
    return os.path.abspath(Path(path).expanduser()) if path else path
