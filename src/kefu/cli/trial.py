"""`kefu trial`: whether a pre-trained encoder does better than the one that it was made from."""

from collections.abc import Mapping
from typing import Any

import click

from kefu.cli.progress import Progress
from kefu.cli.session import json_option, print_json


@click.command()
@click.argument("model", metavar="DIR")
@click.argument("options", nargs=-1, metavar="[KEY=VALUE]…")
@click.option("--data", required=True, help="Labelled texts to learn from.")
@click.option("--valid", required=True, help="Labelled texts to measure on.")
@click.option("--recipe", default="fewshot", show_default=True, help="What is trained on both encoders.")
@click.option("--seeds", default=3, show_default=True, help="How often, each time with another seed.")
@click.option("--base", default="", help="The encoder to beat; the one that DIR was made from by default.")
@json_option
def trial(
    model: str, options: tuple[str, ...], data: str, valid: str, recipe: str, seeds: int, base: str, as_json: bool
) -> None:
    """Train RECIPE on the pre-trained encoder in DIR and on its base; keep it only where every seed does better.

    KEY=VALUE sets an option of the recipe. The verdict goes onto the card. Exits with 1 where it is not to be kept.
    """
    from kefu.contracts.job import Job, Told
    from kefu.factory.config import recipe_and_options
    from kefu.factory.run import run
    from kefu.kit import log

    log.configure("warning")
    name, chosen = recipe_and_options(recipe, options)
    job = Job("trial", model=model, data=data, valid=valid, recipe=name,
              options={**chosen, "seeds": seeds, "base": base})  # fmt: skip
    with Progress() as progress:

        def show(told: Told, fields: Mapping[str, Any]) -> None:
            if told is Told.NOTE:
                progress.say(str(fields["sentence"]), err=as_json)

        found = run(job, show)
    assert isinstance(found, Mapping)
    if as_json:
        print_json(found)
    if not found["kept"]:
        raise SystemExit(1)
