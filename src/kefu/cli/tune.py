"""`kefu tune`: the options with which a recipe does best on one's own data."""

from typing import Any

import click

from kefu.cli.working import runner_option, work


@click.command()
@click.argument("recipe")
@click.argument("options", nargs=-1, metavar="[KEY=VALUE | KEY=LOW..HIGH | KEY=THIS|THAT]…")
@click.option("--data", required=True, help="The labelled texts; a part is kept apart to judge trials on.")
@click.option("--valid", default="", help="Labelled texts to measure the best on, once it is trained on all the data.")
@click.option("--out", required=True, help="The folder for best.yaml, trials.csv and report.html.")
@click.option("--trials", default=20, show_default=True, help="Trainings in all.")
@click.option("--parallel", default=1, show_default=True, help="Trainings at once.")
@click.option("--minutes", default=0.0, help="Begin no more trainings after so many minutes.")
@click.option("--share", default=0.2, show_default=True, help="Of the data, what trials are judged on.")
@click.option("--seed", default=0, show_default=True)
@click.option("--resume", is_flag=True, help="Go on with the study in --out.")
@runner_option
@click.option("--json", "as_json", is_flag=True, help="Print what happens as JSON lines.")
def tune(
    recipe: str,
    options: tuple[str, ...],
    data: str,
    valid: str,
    out: str,
    resume: bool,
    runner: str,
    as_json: bool,
    **how: Any,
) -> None:
    """Look for the options of RECIPE that do best: those its manifest declares, narrowed or fixed by KEY=…

    Hopeless trainings are stopped early. best.yaml is a recipe that `kefu train` takes.
    """
    from kefu.contracts.job import Job
    from kefu.factory.tuning.space import asked
    from kefu.kit import log

    log.configure("warning")
    name, space, fixed = asked(recipe, options)
    chosen = {**how, "space": space, "fixed": fixed}
    job = Job("tune", recipe=name, data=data, valid=valid, out=out, resume=resume, options=chosen)
    work(job, as_json=as_json, runner=runner)
    if not as_json:
        click.echo(f"The best options are in {out}/best.yaml; what mattered stands in {out}/report.html")
