"""`kefu demo`: what a demonstration needs."""

import time

import click

from kefu.cli.session import json_option, print_json, ready, workspace_option, workspace_or_new


@click.group()
def demo() -> None:
    """What a demonstration needs."""


@demo.command()
@click.option("--conversations", type=click.IntRange(1, 1_000_000), default=1_000, show_default=True)
@click.option("--days", type=click.IntRange(1, 1_000), default=30, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same history.")
@workspace_option
@json_option
def history(conversations: int, days: int, seed: int, workspace: str, as_json: bool) -> None:
    """Fill a workspace with conversations of the last days, with people, ratings and refusals, and count them."""
    ready()
    from kefu.cli.insights import counting
    from kefu.desk.demo_history import lay_history

    info, actor = workspace_or_new(workspace)
    began = time.perf_counter()
    with counting("conversations") as show:
        laid = lay_history(actor, conversations=conversations, days=days, seed=seed, progress=show)
    laid_in = time.perf_counter() - began
    from kefu.desk.insights.rolling import recount

    with counting("counted") as show:
        counted = recount(info.id, progress=show)
    seconds = time.perf_counter() - began
    if as_json:
        print_json({**vars(laid), "figures": counted.figures, "laid_in": laid_in, "seconds": seconds})
        return
    click.echo(f"{laid.conversations:,} conversations with {laid.messages:,} messages in {laid_in:.1f} s,")
    click.echo(f"{counted.figures:,} figures counted, {seconds:.1f} s in all.")
