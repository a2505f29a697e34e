"""`kefu explain`: which words told a model its labels."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from kefu.cli.progress import Progress
from kefu.cli.session import json_option, print_json

# Words of a label that a line has room for.
_SHOWN = 6


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--data", required=True, help="Texts: a .txt file, or one with a text column.")
@click.option("--by", "method", default="occlusion", show_default=True, help="occlusion, ig, attention, shap or lime.")
@click.option("--rows", default=100, show_default=True, help="Texts that are explained, spread over the file.")
@click.option("--out", default="", help="The folder for explanations.json; the model's own if not given.")
@click.option("--record", is_flag=True, help="Tell the model's card how faithful the method is.")
@click.option("--seed", default=0, show_default=True)
@json_option
def explain(model: str, data: str, method: str, rows: int, out: str, record: bool, seed: int, as_json: bool) -> None:
    """Explain the texts of a file by one method, and measure whether the words it names are those that told."""
    from kefu.contracts.job import Job, Told
    from kefu.engines.packed import unpacked
    from kefu.factory.__main__ import do
    from kefu.kit import log

    log.configure("warning")
    model = str(unpacked(Path(model)))
    options = {"method": method, "rows": rows, "seed": seed, "record": record}
    job = Job("explain", model=model, data=data, out=out, options=options)
    kept: dict[str, Any] = {}
    with Progress() as progress:

        def show(told: Told, fields: Mapping[str, Any]) -> None:
            if told is Told.FINISHED:
                kept.update(fields["metrics"])
            elif told is Told.FAILED and fields.get("code") != "error":
                progress.say(f"kefu: {fields['sentence']}", err=True)
            elif not as_json:
                progress.show(told, fields)

        code = do(job, show)
    if code:
        sys.exit(code)
    if as_json:
        print_json(kept)
        return
    for label, words in kept["labels"].items():
        said = ", ".join(f"{each['word']} {each['weight']:+.2f}" for each in words[:_SHOWN])
        click.echo(f"{label}: {said or 'no word spoke for it'}")
    click.echo(f"Each text is in {kept['report']}")
