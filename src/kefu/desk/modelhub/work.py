"""Where this machine works on runs, and what runs them."""

import shutil
from functools import cache
from pathlib import Path

from kefu.jobs.embedded import EmbeddedRunner
from kefu.jobs.ray_cluster import RayRunner
from kefu.jobs.runner import Runner
from kefu.kit.settings import settings


@cache
def runner() -> Runner:
    """What runs this machine's jobs: processes of its own, or attendants of jobs on a Ray cluster."""
    if settings().runner == "ray":
        return RayRunner(settings().ray_address, threads=settings().run_threads)
    return EmbeddedRunner(threads=settings().run_threads)


def work_folder(run_id: str) -> Path:
    """A run's job, its log, and what it has made so far."""
    return settings().folder / "runs" / run_id


def forget_work(run_id: str) -> None:
    """Delete what this machine keeps of a run, and end it if it is still at work."""
    folder = work_folder(run_id)
    runner().stop(folder, at_once=True)
    shutil.rmtree(folder, ignore_errors=True)
