"""`kefu compress` and `kefu export`: a trained model made small, and made ready to ship."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kefu.cli.progress import Progress
from kefu.cli.session import json_option, print_json

if TYPE_CHECKING:
    from kefu.contracts.job import Job


@click.command()
@click.argument("model", metavar="DIR")
@click.option("--out", required=True, help="The smaller model's folder.")
@click.option("--valid", default="", help="Labelled texts to judge each rung on; the model's own copy by default.")
@click.option("--data", default="", help="What it was taught, where the model keeps no copy.")
@click.option("--oos", default="", help="Texts that are out of scope; without them the floor is not dropped.")
@click.option(
    "--rungs",
    default="",
    help="int8,trim-vocabulary,drop-floor,drop-layers,prune-heads,prune-neurons,prune-weights in any order; "
    "drop-layers:N keeps N layers, prune-heads:0.3 takes 30%.",
)
@click.option("--allow", type=float, help="Points that a rung may lose against fp32.  [default: 0.5]")
@click.option("--frequent", type=int, help="Tokens that trim-vocabulary keeps beside the texts' own.  [default: 3000]")
@click.option(
    "--epochs", type=int, help="Epochs of training after each cut of layers, heads, neurons or weights.  [default: 1]"
)
@click.option("--seed", type=int, help="Of that training.  [default: 0]")
@click.option("--keep", default="", help="A folder that every rung's model is put into.")
@json_option
def compress(
    model: str,
    out: str,
    valid: str,
    data: str,
    oos: str,
    rungs: str,
    allow: float | None,
    frequent: int | None,
    epochs: int | None,
    seed: int | None,
    keep: str,
    as_json: bool,
) -> None:
    """Make the model in DIR smaller and faster, rung by rung; one that loses more than allowed is refused.

    Each rung is calibrated again and judged beside the fp32 model. --out gets the best that passed, with ladder.json.
    """
    from kefu.contracts.job import Job

    given = {"rungs": rungs, "allow": allow, "frequent": frequent, "epochs": epochs, "seed": seed, "keep": keep}
    options = {name: value for name, value in given.items() if value not in (None, "")}
    job = Job("compress", model=model, out=out, valid=valid, data=data, oos=oos, options=options)
    found = _done(job, as_json=as_json)
    if as_json:
        print_json(found)
        return
    from kefu.factory.compress.table import ladder_table, read_ladder

    click.echo("\n".join(ladder_table(read_ladder(Path(out)))))
    click.echo(f"The best rung that passed is {found['best']}, {found['size_mb']:g} MB: {out}")


@click.command()
@click.argument("model", metavar="DIR")
@click.option("--out", required=True, help="A new folder, or a file that ends in .zip.")
@click.option("--format", "format_", type=click.Choice(["onnx"]), default="onnx", show_default=True)
@json_option
def export(model: str, out: str, format_: str, as_json: bool) -> None:
    """Write what serves the model in DIR into a folder or zip of its own, load it again and compare."""
    from kefu.contracts.job import Job

    found = _done(Job("export", model=model, out=out, options={"format": format_}), as_json=as_json)
    if as_json:
        print_json(found)
    else:
        click.echo(f"{found['out']}: {found['size_mb']:g} MB, serves {found['serve']}")


def _done(job: "Job", *, as_json: bool) -> Mapping[str, Any]:
    """Do a job; what it tells goes to a person as it comes."""
    from kefu.contracts.job import Told
    from kefu.factory.run import run
    from kefu.kit import log

    log.configure("warning")
    with Progress() as progress:

        def show(told: Told, fields: Mapping[str, Any]) -> None:
            if as_json or told in {Told.STEP, Told.CHECKPOINT}:
                return
            if told is Told.NOTE:
                progress.say(str(fields["sentence"]), err=not sys.stdout.isatty())
            elif told is Told.PROGRESS:
                progress.show(told, fields)

        found = run(job, show)
    assert isinstance(found, Mapping)
    return found
