"""`kefu evaluate`: how good a model is on a labelled file."""

from collections.abc import Mapping
from typing import Any

import click

from kefu.cli.progress import Progress
from kefu.cli.session import json_option, print_json


@click.command()
@click.argument("model", metavar="DIR")
@click.option("--data", required=True, help="Labelled texts; with numbers or slots for a model that gives those.")
@click.option("--oos", default="", help="Texts that are out of scope, whatever they are labelled.")
@click.option("--against", default="", help="Another model to compare with on the same rows.")
@click.option("--other", default="", help="A labelled file of another domain: how well the model carries over.")
@click.option("--out", default="", help="Where report.json and report.html go; the model's folder by default.")
@click.option("--no-floor", is_flag=True, help="Do not train the linear floor beside it.")
@click.option("--record", is_flag=True, help="Fill the model's card with what is found, for the gate.")
@json_option
def evaluate(
    model: str,
    data: str,
    oos: str,
    against: str,
    other: str,
    out: str,
    no_floor: bool,
    record: bool,
    as_json: bool,
) -> None:
    """Measure the model in DIR: accuracy, calibration, what is out of scope, slices, latency; against `linear`."""
    from kefu.contracts.job import Job, Told
    from kefu.factory.run import run
    from kefu.kit import log

    log.configure("warning")
    options = {"other": other, "floor": not no_floor, "record": record}
    job = Job(kind="evaluate", model=model, data=data, oos=oos, against=against, out=out, options=options)
    with Progress() as progress:

        def show(told: Told, fields: Mapping[str, Any]) -> None:
            if told is Told.PROGRESS:
                progress.show(told, fields)
            elif told is Told.NOTE:
                progress.say(str(fields["sentence"]), err=True)

        found = run(job, show)
    assert isinstance(found, Mapping)
    if as_json:
        print_json(found)
    else:
        _print(found)


# A person reads the weakest labels first; all of them are in the report.
_WEAKEST = 5


def _print(found: Mapping[str, Any]) -> None:
    for name, value in found.items():
        if isinstance(value, float):
            click.echo(f"{name:18} {value:.4f}")
    latency = found["latency_ms"]
    if latency:
        click.echo(f"{'latency':18} p50 {latency['p50']:g} ms, p95 {latency['p95']:g} ms, one text on one thread")
    if found.get("worst_slice"):
        worst = found["slices"][found["worst_slice"]]
        click.echo(f"{'worst slice':18} {found['worst_slice']}: {worst['accuracy']:.4f} of {worst['rows']} rows")
    weakest = sorted(found.get("per_label", {}).items(), key=lambda item: item[1]["f1"])[:_WEAKEST]
    for label, each in weakest:
        click.echo(f"{'weakest label':18} {label}: F1 {each['f1']:.3f} of {each['support']} texts")
    if found["report"]:
        click.echo(f"The report is {found['report']}")
