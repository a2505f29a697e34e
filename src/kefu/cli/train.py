"""`kefu train`: labelled texts to a model, by the same program as `python -m kefu.factory run`."""

import shlex
import sys
from collections.abc import Mapping
from typing import Any

import click

from kefu.cli.progress import Progress


@click.command()
@click.argument("recipe")
@click.argument("options", nargs=-1, metavar="[KEY=VALUE]…")
@click.option("--data", required=True, help="The labelled texts to learn from.")
@click.option("--valid", default="", help="Labelled texts to measure on; without, a tenth of the data is kept apart.")
@click.option("--out", required=True, help="The new model's folder.")
@click.option("--extend", default="", help="A trained model whose labels are kept while new ones are learnt.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint in --out.")
@click.option("--json", "as_json", is_flag=True, help="Print what happens as JSON lines.")
def train(
    recipe: str, options: tuple[str, ...], data: str, valid: str, out: str, extend: str, resume: bool, as_json: bool
) -> None:
    """Train a model by RECIPE, a recipe's name or a YAML file; KEY=VALUE sets an option on top of it.

    The folder gets the model, its card, and report.html on how good it is.
    """
    from kefu.contracts.job import Job, Told
    from kefu.factory.__main__ import do, line
    from kefu.factory.config import recipe_and_options
    from kefu.kit import log

    log.configure("warning")
    name, chosen = recipe_and_options(recipe, options)
    job = Job(
        kind="train",
        recipe=name,
        data=data,
        valid=valid,
        out=out,
        extend=extend,
        resume=resume,
        options=chosen,
    )
    with Progress() as progress:

        def show(told: Told, fields: Mapping[str, Any]) -> None:
            if as_json:
                line(sys.stdout, told, fields)
            else:
                progress.show(told, fields)
            if told is Told.FAILED and fields.get("code") != "error":
                progress.say(f"kefu: {fields['sentence']}", err=True)

        code = do(job, show)
    if code == _STOPPED:
        again = shlex.join([*sys.argv[1:], *([] if resume else ["--resume"])])
        click.echo(f"Go on with: kefu {again}", err=True)
    if code:
        sys.exit(code)
    if not as_json:
        click.echo(f"The model is in {out}; what it is worth stands in {out}/report.html")


# What `do` gives for a run that was cancelled.
_STOPPED = 130
