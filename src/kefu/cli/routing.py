"""`kefu teams`, `kefu hours`, `kefu routing`, `kefu sla`: who gets what waits, and how soon that is promised."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kefu.cli.session import json_option, member_called, print_json, ready, workspace_actor, workspace_option
from kefu.kit.errors import BadInput, NotFound

if TYPE_CHECKING:
    from kefu.desk.accounts.team_queries import TeamInfo
    from kefu.desk.actor import Actor

_METHODS = click.Choice(["manual", "round_robin", "least_busy"])


@click.group()
def teams() -> None:
    """Teams: list, create, add, remove; who is there."""


@teams.command("list")
@workspace_option
@json_option
def list_teams(workspace: str, as_json: bool) -> None:
    """List teams with their members."""
    actor = _actor(workspace)
    from kefu.desk.accounts.team_queries import teams as found

    rows = found(actor)
    if as_json:
        print_json({"teams": [_team_json(each) for each in rows]})
        return
    for each in rows:
        click.echo(_line(each))


@teams.command()
@click.argument("name")
@click.option("--method", type=_METHODS, default="manual", show_default=True, help="How what waits is offered.")
@click.option("--skill", "skills", multiple=True, help="What its members must be able to do; may be given again.")
@click.option("--language", "languages", multiple=True, help="What it serves, such as en; any by default.")
@click.option("--offer-seconds", type=int, default=60, show_default=True, help="To take what one is offered.")
@click.option("--escalate-seconds", type=int, default=300, show_default=True, help="Until leads are told; 0: never.")
@workspace_option
@json_option
def create(name: str, workspace: str, as_json: bool, **given: Any) -> None:
    """Make a team."""
    actor = _actor(workspace)
    from kefu.desk.accounts.team_actions import create_team

    _told(create_team(actor, name=name, **given), as_json=as_json)


@teams.command()
@click.argument("team")
@click.argument("emails", nargs=-1, required=True)
@click.option("--lead", is_flag=True, help="They lead the team: they are told when nobody takes something.")
@workspace_option
@json_option
def add(team: str, emails: tuple[str, ...], lead: bool, workspace: str, as_json: bool) -> None:
    """Add members, by their mail addresses."""
    actor = _actor(workspace)
    from kefu.desk.accounts.team_actions import change_team
    from kefu.desk.accounts.team_queries import team_called

    found = team_called(actor, team)
    members = {each.id: each.is_lead for each in found.members}
    members.update(dict.fromkeys(_ids(actor, emails), lead))
    wanted = [{"id": each, "is_lead": leads} for each, leads in members.items()]
    _told(change_team(actor, team_id=found.id, members=wanted), as_json=as_json)


@teams.command()
@click.argument("team")
@click.argument("emails", nargs=-1)
@workspace_option
@json_option
def remove(team: str, emails: tuple[str, ...], workspace: str, as_json: bool) -> None:
    """Take members out of a team; without EMAILS, the team itself."""
    actor = _actor(workspace)
    from kefu.desk.accounts.team_actions import change_team, remove_team
    from kefu.desk.accounts.team_queries import team_called

    found = team_called(actor, team)
    if not emails:
        remove_team(actor, team_id=found.id)
        print_json({"removed": found.id}) if as_json else click.echo(f"{found.name} has ended.")
        return
    gone = set(_ids(actor, emails))
    wanted = [{"id": each.id, "is_lead": each.is_lead} for each in found.members if each.id not in gone]
    _told(change_team(actor, team_id=found.id, members=wanted), as_json=as_json)


@teams.command()
@click.argument("email")
@click.option("--skill", "skills", multiple=True, help="What they can do; may be given again, '' for nothing.")
@click.option("--language", "languages", multiple=True, help="What they speak, such as en; may be given again.")
@click.option("--limit", type=int, help="How many conversations they are given at most; 0: any number.")
@click.option("--availability", type=click.Choice(["online", "busy", "away"]), help="Whether they are there.")
@workspace_option
@json_option
def staff(email: str, workspace: str, as_json: bool, availability: str | None, limit: int | None, **given: Any) -> None:
    """Show or say what a member can do and how much they are given."""
    actor = _actor(workspace)
    from kefu.desk.accounts.team_actions import choose_availability, set_staffing

    [member_id] = _ids(actor, (email,))
    chosen = {name: value for name, value in given.items() if value}
    found = set_staffing(actor, member_id=member_id, conversation_limit=limit, **chosen)
    if availability is not None:
        found = choose_availability(actor, availability=availability, member_id=member_id)
    if as_json:
        print_json(vars(found))
        return
    skills, languages = ", ".join(found.skills) or "no skills", ", ".join(found.languages) or "any language"
    most = f"at most {found.conversation_limit}" if found.conversation_limit else "any number"
    click.echo(f"{found.name}: {found.availability}; {skills}; {languages}; {most}.")


@click.group()
def hours() -> None:
    """Business hours, of a workspace or a team: show, set."""


@hours.command("show")
@click.option("--team", default="", help="A team, by name or id; without it the workspace's.")
@workspace_option
@json_option
def show_hours(team: str, workspace: str, as_json: bool) -> None:
    """Show when people are at work."""
    _tell_hours(_actor(workspace), team, as_json=as_json)


@hours.command("set")
@click.option("--time-zone", required=True, help="Such as Asia/Shanghai.")
@click.option("--day", "days", multiple=True, help="Such as mon-fri=09:00-12:00,13:00-18:00; may be given again.")
@click.option("--holiday", "holidays", multiple=True, help="A day off, such as 2026-10-01; may be given again.")
@click.option("--always", is_flag=True, help="Around the clock, every day but holidays.")
@click.option("--team", default="", help="A team, by name or id; without it the workspace's.")
@workspace_option
@json_option
def set_hours_(
    time_zone: str,
    days: tuple[str, ...],
    holidays: tuple[str, ...],
    always: bool,
    team: str,
    workspace: str,
    as_json: bool,
) -> None:
    """Say when people are at work; days that are not named are closed. A workspace's hours hold half a minute later."""
    actor = _actor(workspace)
    from kefu.desk.accounts.actions import set_hours
    from kefu.desk.accounts.team_actions import change_team
    from kefu.desk.accounts.team_queries import team_called

    if always == bool(days):
        raise BadInput("Name the hours with --day, or say --always.", field="weekly")
    given: dict[str, Any] = {
        "time_zone": time_zone,
        "weekly": None if always else _week(days),
        "holidays": list(holidays),
    }
    if team:
        change_team(actor, team_id=team_called(actor, team).id, hours=given)
    else:
        set_hours(actor, **given)
    _tell_hours(actor, team, as_json=as_json)


@click.group()
def routing() -> None:
    """How those who wait come to teams: show, set."""


@routing.command()
@workspace_option
@json_option
def show(workspace: str, as_json: bool) -> None:
    """Show the rules, the first that fits counts."""
    actor = _actor(workspace)
    from kefu.desk.accounts.team_queries import all_team_names
    from kefu.desk.inbox.queries.routing import routing as found

    row = found(actor)
    if as_json:
        print_json({**vars(row), "rules": [vars(each) for each in row.rules]})
        return
    names = all_team_names(actor.workspace_id)
    for place, rule in enumerate(row.rules, start=1):
        wanted = {name: value for name, value in vars(rule).items() if value and name != "team"}
        said = "; ".join(f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in wanted.items())
        click.echo(f"{place}. {said or 'everything'} → {names.get(rule.team, rule.team)}")
    click.echo(f"Else → {names.get(row.default_team, 'no team')}.")
    click.echo(
        "Customers hear of their place in the queue." if row.tells_position else "No place in the queue is told."
    )


@routing.command("set")
@click.option("--rules", type=click.Path(exists=True, dir_okay=False), help="A JSON file: a list of rules.")
@click.option("--default-team", help="The team of what no rule fits, by name; '' for none.")
@click.option("--tell-position/--no-tell-position", "tells_position", default=None, help="Of the place in the queue.")
@workspace_option
@json_option
def set_(
    rules: str | None, default_team: str | None, tells_position: bool | None, workspace: str, as_json: bool
) -> None:
    """Change what is given. A rule's `team` is a name or an id; the others of its fields say what must fit."""
    actor = _actor(workspace)
    from kefu.desk.accounts.team_queries import team_called
    from kefu.desk.inbox.actions.routes import set_routing

    given: dict[str, Any] = {}
    if rules is not None:
        given["rules"] = [{**each, "team": team_called(actor, str(each.get("team"))).id} for each in _rules(rules)]
    if default_team is not None:
        given["default_team"] = default_team and team_called(actor, default_team).id
    row = set_routing(actor, tells_position=tells_position, **given)
    if as_json:
        print_json({**vars(row), "rules": [vars(each) for each in row.rules]})
    else:
        click.echo(f"{len(row.rules)} rules.")


@click.group()
def sla() -> None:
    """Promised times: list, create, remove, clocks."""


@sla.command("list")
@workspace_option
@json_option
def list_policies(workspace: str, as_json: bool) -> None:
    """List what is promised; of those that fit, the first counts."""
    actor = _actor(workspace)
    from kefu.desk.inbox.queries.promises import policies

    rows = policies(actor)
    if as_json:
        print_json({"policies": [vars(each) for each in rows]})
        return
    for each in rows:
        times = {"first reply": each.first_reply_seconds, "next reply": each.next_reply_seconds}
        times["resolution"] = each.resolution_seconds
        said = ", ".join(f"{name} in {seconds:,} s" for name, seconds in times.items() if seconds)
        kind = "business hours" if each.in_business_hours else "all hours"
        of = json.dumps(each.conditions, ensure_ascii=False) if each.conditions else "everything"
        click.echo(f"{each.id}  {each.name}: {said} ({kind}); of {of}")


@sla.command("create")
@click.argument("name")
@click.option("--first-reply", "first_reply_seconds", type=int, help="Seconds to a person's first reply.")
@click.option("--next-reply", "next_reply_seconds", type=int, help="Seconds to each further reply.")
@click.option("--resolution", "resolution_seconds", type=int, help="Seconds to the solution.")
@click.option("--business-hours/--all-hours", "in_business_hours", default=True, help="When the clocks run.")
@click.option("--warn", "warn_seconds", type=int, default=300, show_default=True, help="Seconds before; 0: never.")
@click.option("--place", type=int, default=0, help="Of those that fit, the lowest counts.")
@click.option("--of", "conditions", default="{}", help='JSON, such as {"priorities": ["urgent"]}; all by default.')
@click.option("--then", "on_breach", default="{}", help='JSON of what follows when late: {"team", "priority", "mail"}.')
@workspace_option
@json_option
def create_policy_(name: str, workspace: str, as_json: bool, conditions: str, on_breach: str, **given: Any) -> None:
    """Promise something from the next hand-over on. Teams are named or given by id."""
    actor = _actor(workspace)
    from kefu.desk.accounts.team_queries import team_called
    from kefu.desk.inbox.actions.promises import create_policy

    of, then = _table(conditions, "--of"), _table(on_breach, "--then")
    if isinstance(of.get("teams"), list):
        of["teams"] = [team_called(actor, str(each)).id for each in of["teams"]]
    if then.get("team"):
        then["team"] = team_called(actor, str(then["team"])).id
    made = create_policy(actor, name=name, conditions=of, on_breach=then, **given)
    print_json(vars(made)) if as_json else click.echo(f"{made.id}  {made.name} is promised.")


@sla.command("remove")
@click.argument("policy")
@workspace_option
@json_option
def remove_policy_(policy: str, workspace: str, as_json: bool) -> None:
    """Promise it no more, by name or id; what runs is kept."""
    actor = _actor(workspace)
    from kefu.desk.inbox.actions.promises import remove_policy
    from kefu.desk.inbox.queries.promises import policies

    rows = policies(actor)
    found = next((each for each in rows if policy in {each.id, each.name}), None)
    if found is None:
        names = ", ".join(each.name for each in rows) or "none yet"
        raise NotFound(f"There is no promise {policy!r}. There are: {names}.", policy=policy)
    remove_policy(actor, policy_id=found.id)
    print_json({"removed": found.id}) if as_json else click.echo(f"{found.name} is promised no more.")


@sla.command("clocks")
@click.argument("conversation")
@workspace_option
@json_option
def clocks_(conversation: str, workspace: str, as_json: bool) -> None:
    """Show what was promised about a conversation, and what became of it."""
    actor = _actor(workspace)
    from kefu.desk.inbox.queries.promises import clocks

    rows = clocks(actor, conversation)
    if as_json:
        print_json({"clocks": [vars(each) for each in rows]})
        return
    for each in rows:
        click.echo(f"{each.kind}: {each.state}, {each.left_seconds:,.0f} s of {each.target_seconds:,.0f} s left")


def _actor(workspace: str) -> "Actor":
    ready()
    return workspace_actor(workspace)


def _ids(actor: "Actor", emails: tuple[str, ...]) -> list[str]:
    return [member_called(actor, each) for each in emails]


def _tell_hours(actor: "Actor", team: str, *, as_json: bool) -> None:
    from kefu.desk.accounts.hours import DAYS, hours_json
    from kefu.desk.accounts.queries import hours_set
    from kefu.desk.accounts.team_queries import team_called

    found = (team_called(actor, team).hours if team else None) or hours_json(hours_set(actor))
    if as_json:
        print_json(found)
        return
    click.echo(found["time_zone"])
    for day in DAYS if found["weekly"] else ():
        click.echo(f"{day}  {', '.join('-'.join(each) for each in found['weekly'].get(day, ())) or 'closed'}")
    if not found["weekly"]:
        click.echo("around the clock")
    if found["holidays"]:
        click.echo(f"off  {', '.join(found['holidays'])}")


def _week(days: tuple[str, ...]) -> dict[str, list[list[str]]]:
    """Hours by day from `mon-fri=09:00-12:00,13:00-18:00`. Raises BadInput for days that there are not."""
    from kefu.desk.accounts.hours import DAYS

    week: dict[str, list[list[str]]] = {}
    for each in days:
        named, _, windows = each.partition("=")
        first, _, last = named.strip().lower().partition("-")
        if first not in DAYS or (last or first) not in DAYS or not windows:
            raise BadInput(f"{each!r} is no day with hours such as mon-fri=09:00-18:00.", field="weekly")
        for day in DAYS[DAYS.index(first) : DAYS.index(last or first) + 1]:
            week.setdefault(day, []).extend(window.strip().split("-") for window in windows.split(","))
    return week


def _rules(path: str) -> list[dict[str, Any]]:
    found = _json(Path(path).read_text(encoding="utf-8-sig"), path)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise BadInput(f"{path}: rules are a JSON list of tables.", field="rules")
    return found


def _table(text: str, option: str) -> dict[str, Any]:
    found = _json(text, option)
    if not isinstance(found, dict):
        raise BadInput(f"{option} is a JSON table.", field=option)
    return found


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadInput(f"{where} is not JSON: {error}.", field=where) from None


def _team_json(team: "TeamInfo") -> dict[str, Any]:
    return {**vars(team), "members": [vars(each) for each in team.members]}


def _told(team: "TeamInfo", *, as_json: bool) -> None:
    print_json(_team_json(team)) if as_json else click.echo(_line(team))


def _line(team: "TeamInfo") -> str:
    people = ", ".join(f"{each.name}{' (lead)' if each.is_lead else ''}" for each in team.members)
    return f"{team.id}  {team.name}: {team.method}; {people or 'nobody yet'}"
