"""`kefu inbox views`, and what a list of conversations is narrowed by on the command line."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from kefu.cli.session import (
    as_member,
    json_option,
    member_called,
    print_json,
    print_rows,
    ready,
    workspace_actor,
    workspace_option,
)
from kefu.kit.errors import BadInput, NotFound

if TYPE_CHECKING:
    from kefu.desk.actor import Actor
    from kefu.desk.inbox.queries.views import ViewInfo

_URGENCY = ("none", "low", "high", "urgent")
_OPTIONS = (
    click.option("--status", multiple=True, type=click.Choice(["bot", "waiting", "open", "resolved"])),
    click.option("--assignee", help="A member's address or id, me, or none."),
    click.option("--channel", help="A channel's id."),
    click.option("--label", multiple=True, help="A label's title or id; several must all be there."),
    click.option("--language", help="A code such as zh."),
    click.option("--intent"),
    click.option("--team", help="A team, by name or id."),
    click.option("--priority", type=click.Choice(_URGENCY[1:]), help="At least so urgent."),
    click.option("--days", type=click.IntRange(1, 3660), help="Only with something said in so many days."),
    click.option("--since", help="Only with something said from then on, such as 2026-11-23T09:00:00+08:00."),
    click.option("--until", help="Only with the last thing said before then."),
    click.option("--unread", is_flag=True, help="Only what the member has not read."),
    click.option("--mentioned", is_flag=True, help="Only where a note names the member."),
    click.option("--late", is_flag=True, help="Only where what was promised is late, or soon will be."),
    click.option("--snoozed/--not-snoozed", default=None),
)
reader_option = click.option(
    "--member", help="As whom: a member's address or id; for me, unread, mentioned, own views."
)


def narrowing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that a list, or a saved view, is narrowed by."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def reader(workspace: str, member: str | None) -> "Actor":
    """Who reads: a member, else Kefu itself."""
    return as_member(workspace, member) if member else workspace_actor(workspace)


def narrowed(actor: "Actor", given: dict[str, Any]) -> dict[str, Any]:
    """What the options narrow by, as a filter names it. Raises BadInput, NotFound for who or what is not there."""
    from kefu.desk.accounts.team_queries import team_called
    from kefu.desk.actor import system

    everybody = system(actor.workspace_id, "command line")  # finds members, teams and labels by name
    assignee = given["assignee"]
    found = {
        "status": list(given["status"]),
        "assignee": assignee if assignee in {None, "me", "none"} else member_called(everybody, assignee),
        "channel": given["channel"],
        "label": [label_called(everybody, each) for each in given["label"]],
        "language": given["language"],
        "intent": given["intent"],
        "team": team_called(everybody, given["team"]).id if given["team"] else None,
        "priority": _URGENCY.index(given["priority"]) if given["priority"] else None,
        "days": given["days"],
        "since": given["since"],
        "until": given["until"],
        "unread": given["unread"] or None,
        "mentioned": given["mentioned"] or None,
        "sla": "soon" if given["late"] else None,
        "snoozed": given["snoozed"],
    }
    return {name: value for name, value in found.items() if value is not None and value != []}


def view_called(actor: "Actor", name: str) -> "ViewInfo":
    """A view by its name or id. Raises NotFound with the names that there are."""
    from kefu.desk.inbox import queries

    known = queries.views(actor)
    for each in known:
        if name == each.id or name.casefold() == each.name.casefold():
            return each
    there = ", ".join(each.name for each in known) or "none yet"
    raise NotFound(f"There is no view {name!r}. There are: {there}.", view=name)


def label_called(actor: "Actor", name: str) -> str:
    """A label's id by its title or id. Raises BadInput with the titles that there are."""
    from kefu.desk.inbox import queries

    known = queries.labels(actor)
    for each in known:
        if name == each.id or name.casefold() == each.title.casefold():
            return each.id
    there = ", ".join(each.title for each in known) or "none yet"
    raise BadInput(f"There is no label {name!r}. There are: {there}.", field="label")


@click.group()
def views() -> None:
    """Saved ways of narrowing the list: list, save, change, remove."""


@views.command("list")
@reader_option
@workspace_option
@json_option
def list_views(member: str | None, workspace: str, as_json: bool) -> None:
    """List the views that everybody has, and a member's own, with how many conversations each shows."""
    ready()
    from kefu.desk.inbox import queries

    actor = reader(workspace, member)
    counts = queries.view_counts(actor)
    print_rows(
        queries.views(actor),
        name="views",
        as_json=as_json,
        line=lambda each: f"{each.id}  {counts[each.id]:4}  {each.name}{'' if each.is_shared else ' (own)'}",
    )


@views.command("save")
@click.argument("name")
@narrowing
@reader_option
@workspace_option
@json_option
def save_view(name: str, member: str | None, workspace: str, as_json: bool, **given: Any) -> None:
    """Keep a way of narrowing the list: everybody's, or with --member that member's own.

    For everybody, `me`, --unread and --mentioned mean whoever looks.
    """
    ready()
    from kefu.desk.inbox import actions

    actor = reader(workspace, member)
    chosen = narrowed(actor, given)
    made = actions.save_view(actor, name=name, chosen=chosen, is_shared=member is None)
    print_json(vars(made)) if as_json else click.echo(f"{made.id}  {made.name}")


@views.command("change")
@click.argument("view")
@click.option("--name", help="What it is called from now on.")
@narrowing
@reader_option
@workspace_option
@json_option
def change_view(view: str, name: str | None, member: str | None, workspace: str, as_json: bool, **given: Any) -> None:
    """Call a view otherwise, or keep what is given here in place of all that it narrowed by."""
    ready()
    from kefu.desk.inbox import actions

    actor = reader(workspace, member)
    found, chosen = view_called(actor, view), narrowed(actor, given)
    if name is None and not chosen:
        raise BadInput("Say --name, or what the view narrows by from now on, such as --status open.", field="name")
    made = actions.change_view(actor, view_id=found.id, name=name, chosen=chosen or None)
    print_json(vars(made)) if as_json else click.echo(f"{made.id}  {made.name}")


@views.command("remove")
@click.argument("view")
@reader_option
@workspace_option
def remove_view(view: str, member: str | None, workspace: str) -> None:
    """Forget a view, named by its name or id."""
    ready()
    from kefu.desk.inbox import actions

    actor = reader(workspace, member)
    found = view_called(actor, view)
    actions.remove_view(actor, view_id=found.id)
    click.echo(f"Removed {found.name}.")
