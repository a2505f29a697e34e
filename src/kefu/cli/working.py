"""A job of the factory done at the command line: shown as it goes, ended as commands end."""

import shlex
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from kefu.cli import SKIP_BAD
from kefu.cli.progress import Progress

if TYPE_CHECKING:
    from kefu.contracts.job import Job, Told

# What `do` gives for a job that was cancelled.
_STOPPED = 130


runner_option = click.option(
    "--runner",
    type=click.Choice(["here", "ray"]),
    default="here",
    show_default=True,
    help="Where it works: on this machine, or on the Ray cluster at KEFU_RAY_ADDRESS.",
)


def work(job: "Job", *, as_json: bool, runner: str = "here") -> None:
    """Do a job that can be gone on with, here or on a Ray cluster.

    Exits with its status, and says how to go on, unless it is finished.
    """
    from kefu.contracts.job import Told
    from kefu.factory.__main__ import do, line

    with Progress() as progress:

        def show(told: "Told", fields: Mapping[str, Any]) -> None:
            if as_json:
                line(sys.stdout, told, fields)
            else:
                progress.show(told, fields)
            if told is Told.FAILED and fields.get("code") != "error":
                progress.say(f"kefu: {fields['sentence']}", err=True)
                if fields.get("code") == "bad_rows":
                    progress.say(SKIP_BAD, err=True)

        if runner == "ray":
            from kefu.cli.cluster import do_on_cluster

            code = do_on_cluster(job, show)
        else:
            code = do(job, show)
    if code == _STOPPED:
        again = shlex.join([*sys.argv[1:], *([] if job.resume else ["--resume"])])
        click.echo(f"Go on with: kefu {again}", err=True)
    if code:
        sys.exit(code)
