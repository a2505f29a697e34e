"""`kefu train`: labelled texts to a model, by the same program as `python -m kefu.factory run`."""

import click

from kefu.cli.working import runner_option, work


@click.command()
@click.argument("recipe")
@click.argument("options", nargs=-1, metavar="[KEY=VALUE]…")
@click.option("--data", required=True, help="The labelled texts to learn from.")
@click.option("--valid", default="", help="Labelled texts to measure on; without, a tenth of the data is kept apart.")
@click.option("--out", required=True, help="The new model's folder.")
@click.option("--extend", default="", help="A trained model whose labels are kept while new ones are learnt.")
@click.option("--skip-bad", is_flag=True, help="Leave out rows that cannot be used, and name them.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint in --out.")
@runner_option
@click.option("--json", "as_json", is_flag=True, help="Print what happens as JSON lines.")
def train(
    recipe: str,
    options: tuple[str, ...],
    data: str,
    valid: str,
    out: str,
    extend: str,
    skip_bad: bool,
    resume: bool,
    runner: str,
    as_json: bool,
) -> None:
    """Train a model by RECIPE, a recipe's name or a YAML file; KEY=VALUE sets an option on top of it.

    The folder gets the model, its card, and report.html on how good it is.
    """
    from kefu.contracts.job import Job
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
        skip_bad=skip_bad,
        options=chosen,
    )
    work(job, as_json=as_json, runner=runner)
    if not as_json:
        click.echo(f"The model is in {out}; what it is worth stands in {out}/report.html")
