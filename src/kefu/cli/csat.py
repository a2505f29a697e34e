"""`kefu csat`: customers' satisfaction on the command line."""

from dataclasses import asdict
from typing import Any

import click

from kefu.cli.session import json_option, print_json, ready, workspace_actor, workspace_option
from kefu.kit.errors import BadInput


@click.group()
def csat() -> None:
    """Surveys after a conversation's end: settings, set, list."""


@csat.command()
@workspace_option
@json_option
def settings(workspace: str, as_json: bool) -> None:
    """Show when and how customers are asked."""
    ready()
    from kefu.desk.surveys import queries

    _shown(queries.settings(workspace_actor(workspace)), as_json=as_json)


@csat.command("set")
@click.option("--on/--off", "is_on", default=None, help="Whether customers are asked at all.")
@click.option("--channel-off", "off", multiple=True, metavar="ID", help="Do not ask on this channel.")
@click.option("--channel-on", "on", multiple=True, metavar="ID", help="Ask on this channel again.")
@click.option("--delay", "delay_seconds", type=int, help="Seconds after the end at which the customer is asked.")
@click.option("--window", "window_hours", type=int, help="Hours within which an answer is taken.")
@click.option("--after-idle/--not-after-idle", default=None, help="Ask where nobody said that it is solved.")
@click.option("--unanswered/--not-unanswered", default=None, help="Ask where the customer got no answer at all.")
@click.option("--question", multiple=True, metavar="LANGUAGE=TEXT", help="What customers are asked; no text: ours.")
@click.option("--thanks", multiple=True, metavar="LANGUAGE=TEXT", help="What they are told after; no text: ours.")
@workspace_option
@json_option
def set_(
    workspace: str,
    as_json: bool,
    off: tuple[str, ...],
    on: tuple[str, ...],
    question: tuple[str, ...],
    thanks: tuple[str, ...],
    **given: Any,
) -> None:
    """Change when and how customers are asked."""
    ready()
    from kefu.desk.surveys import actions, queries

    actor = workspace_actor(workspace)
    before = queries.settings(actor)
    changes = {name: value for name, value in given.items() if value is not None}
    if off or on:
        kept = [each for each in before.channels_off if each not in on]
        changes["channels_off"] = (*kept, *(each for each in off if each not in kept))
    if question:
        changes["questions"] = {**before.questions, **_texts(question)}
    if thanks:
        changes["thanks"] = {**before.thanks, **_texts(thanks)}
    _shown(actions.set_surveys(actor, **changes), as_json=as_json)


@csat.command("list")
@click.option("--most", type=click.IntRange(1, 5), help="Only ratings of at most so many stars.")
@click.option("--commented", is_flag=True, help="Only ratings with words.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@workspace_option
@json_option
def list_(most: int | None, commented: bool, limit: int, workspace: str, as_json: bool) -> None:
    """List ratings, the newest first."""
    ready()
    from kefu.desk.surveys import queries, schemas

    found = queries.ratings(workspace_actor(workspace), most=most, commented=commented, limit=limit)
    if as_json:
        print_json({"ratings": [schemas.rating_json(each) for each in found]})
        return
    for each in found:
        stars = "★" * each.score + "☆" * (5 - each.score)
        click.echo(f"{each.at:%Y-%m-%d %H:%M}  {stars}  {each.conversation_id}  {each.comment}".rstrip())
    if not found:
        click.echo("No ratings yet.")


def _texts(given: tuple[str, ...]) -> dict[str, str]:
    found = [each.partition("=") for each in given]
    bad = next((language for language, mark, _ in found if not mark), None)
    if bad is not None:
        raise BadInput(f"Write a text as LANGUAGE=TEXT, such as en=How did we do?, not {bad!r}.")
    return {language: text for language, _, text in found}


def _shown(chosen: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(chosen))
        return
    for name, value in asdict(chosen).items():
        shown = ", ".join(value) if isinstance(value, tuple) else value
        if isinstance(value, dict):
            shown = " | ".join(f"{language}: {text}" for language, text in value.items())
        click.echo(f"{name:14} {shown if shown != '' else '–'}")
