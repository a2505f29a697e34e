"""`kefu keys`, `members`, `sso`, `audit`."""

import json
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

import click

from kefu.cli.session import (
    json_option,
    member_called,
    print_json,
    print_rows,
    ready,
    workspace_actor,
    workspace_option,
    workspace_or_new,
)

if TYPE_CHECKING:
    from kefu.desk.actor import Actor

_ROLES = ["owner", "admin", "supervisor", "agent", "viewer"]


@click.group()
def keys() -> None:
    """API keys: create, list, revoke."""


@keys.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help="conversations, contacts, knowledge:read, knowledge:write, insights:read; all by default.",
)
@click.option("--expires", type=click.DateTime(), help="When the key stops working (UTC).")
@workspace_option
@json_option
def create_key(name: str, scopes: tuple[str, ...], expires: datetime | None, workspace: str, as_json: bool) -> None:
    """Make a key; it is shown once. A new workspace is made."""
    ready()
    from kefu.desk.accounts import actions
    from kefu.desk.actor import Scope

    _, actor = workspace_or_new(workspace)
    until = expires.replace(tzinfo=UTC) if expires else None
    made = actions.create_key(actor, name=name, scopes=scopes or tuple(Scope), expires_at=until)
    if as_json:
        print_json({"id": made.key.id, "key": made.secret})
    else:
        click.echo(f"{made.secret}\nKeep it now: it is not shown again. Revoke it with: kefu keys revoke {made.key.id}")


@keys.command("list")
@workspace_option
@json_option
def list_keys(workspace: str, as_json: bool) -> None:
    """List keys without their secrets."""
    ready()
    from kefu.desk.accounts.queries import keys as all_keys

    found = all_keys(workspace_actor(workspace))
    if as_json:
        print_json({"keys": [{**vars(each), "scopes": list(each.scopes)} for each in found]})
        return
    for each in found:
        state = "revoked" if each.revoked_at else "active"
        click.echo(f"{each.id}  {each.hint}…  {state:8} {each.name}  ({', '.join(each.scopes)})")


@keys.command("revoke")
@click.argument("key_id")
@workspace_option
def revoke_key(key_id: str, workspace: str) -> None:
    """Make a key useless at once, in a running server too."""
    ready()
    from kefu.desk.accounts import actions

    actions.revoke_key(workspace_actor(workspace), key_id=key_id)
    click.echo(f"Revoked {key_id}.")


@click.group()
def members() -> None:
    """People of a workspace: create, list, reset-password, reset-2fa, sessions."""


@members.command("create")
@click.argument("email")
@click.option("--name", default="", help="As customers see it.")
@click.option("--role", type=click.Choice(_ROLES), default="agent", show_default=True)
@workspace_option
@json_option
def create_member(email: str, name: str, role: str, workspace: str, as_json: bool) -> None:
    """Add somebody; a person new to Kefu gets a one-time password."""
    ready()
    from kefu.desk.accounts import actions
    from kefu.desk.actor import Role

    _, actor = workspace_or_new(workspace)
    made = actions.create_member(actor, email=email, name=name, role=Role(role))
    if as_json:
        print_json({"id": made.member.id, "email": made.member.email, "role": role, "password": made.password})
    elif made.password:
        click.echo(f"{made.member.email} may log in once with the password {made.password}, then chooses their own.")
    else:
        click.echo(f"{made.member.email} is now {role} and logs in with the password they have.")


@members.command("list")
@workspace_option
@json_option
def list_members(workspace: str, as_json: bool) -> None:
    """List members with their roles."""
    ready()
    from kefu.desk.accounts.queries import members as all_members

    print_rows(
        all_members(workspace_actor(workspace)),
        name="members",
        as_json=as_json,
        line=lambda each: f"{each.id}  {each.role.value:10} {each.email}  {each.name}",
    )


@members.command("reset-password")
@click.argument("email")
@workspace_option
@json_option
def reset_password(email: str, workspace: str, as_json: bool) -> None:
    """Give a member a new one-time password."""
    ready()
    from kefu.desk.accounts import actions

    password = actions.reset_password(workspace_actor(workspace), email=email)
    if as_json:
        print_json({"email": email, "password": password})
    else:
        click.echo(f"{email} may log in once with the password {password}, then chooses their own.")


@members.command("reset-2fa")
@click.argument("email")
@workspace_option
def reset_second_factor(email: str, workspace: str) -> None:
    """Take away the second factor of somebody who has lost it; their password stays."""
    ready()
    from kefu.desk.accounts import second_factor

    actor, member_id = _member(workspace, email)
    was_on = second_factor.reset(actor, member_id=member_id)
    click.echo(f"{email} logs in with the password alone now." if was_on else f"{email} has no second factor.")


@members.command("sessions")
@click.argument("email")
@click.option("--end", is_flag=True, help="End all of them.")
@workspace_option
@json_option
def sessions(email: str, end: bool, workspace: str, as_json: bool) -> None:
    """Where a member is signed in."""
    ready()
    from kefu.desk.accounts import sign_ins

    actor, member_id = _member(workspace, email)
    if end:
        ended = sign_ins.end_of_member(actor, member_id=member_id)
        click.echo(json.dumps({"ended": ended}) if as_json else f"Ended {ended} sessions.")
        return

    def line(each: Any) -> str:
        what = " ".join(filter(None, (each.browser, each.device))) or "unknown program"
        return f"{each.id:8} {each.last_seen_at:%Y-%m-%d %H:%M}  {each.address:15} {each.way:8} {what}"

    print_rows(sign_ins.of_member(actor, member_id=member_id), name="sessions", as_json=as_json, line=line)


def _member(workspace: str, name: str) -> "tuple[Actor, str]":
    actor = workspace_actor(workspace)
    return actor, member_called(actor, name)


@click.group()
def sso() -> None:
    """Single sign-on by the company's own server: show, set, check, off."""


@sso.command("show")
@workspace_option
@json_option
def show_sso(workspace: str, as_json: bool) -> None:
    """Show the settings, without the secret."""
    ready()
    from kefu.desk.accounts.sign_on import sign_on

    _print_sso(vars(sign_on(workspace_actor(workspace))), as_json)


@sso.command("set")
@click.option("--issuer", help="The server's own name, such as https://login.example.com/company.")
@click.option("--client-id", help="By what id the server knows Kefu.")
@click.option("--secret-file", type=click.File(), help="A file that holds the secret; - reads standard input.")
@click.option("--domain", "domains", multiple=True, help="A mail domain that is let in; may be repeated.")
@click.option("--newcomers", type=click.Choice(["", "supervisor", "agent", "viewer"]), help="Their role; empty: none.")
@click.option("--trust-unverified/--no-trust-unverified", default=None, help="Addresses that the server did not check.")
@click.option("--on/--off", "is_on", default=None, help="Whether people may come in this way.")
@click.option("--only/--not-only", default=None, help="Whether passwords are shut out.")
@click.option("--break-glass", help="The mail address of the owner who keeps a password way in.")
@workspace_option
@json_option
def set_sso(
    issuer: str | None,
    client_id: str | None,
    secret_file: IO[str] | None,
    domains: tuple[str, ...],
    newcomers: str | None,
    trust_unverified: bool | None,
    is_on: bool | None,
    only: bool | None,
    break_glass: str | None,
    workspace: str,
    as_json: bool,
) -> None:
    """Change what is given; turning it on asks the server to describe itself."""
    ready()
    from kefu.desk.accounts.sign_on import set_sign_on

    given = {
        "issuer": issuer,
        "client_id": client_id,
        "secret": secret_file.read().strip() if secret_file else None,
        "domains": list(domains) or None,
        "newcomer_role": newcomers,
        "trusts_unverified": trust_unverified,
        "is_on": is_on,
        "is_only_way": only,
        "break_glass": _member(workspace, break_glass)[1] if break_glass else None,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    _print_sso(vars(set_sign_on(workspace_actor(workspace), changes=changes)), as_json)


@sso.command("check")
@workspace_option
def check_sso(workspace: str) -> None:
    """Ask the server to describe itself, and say what is wrong with it."""
    ready()
    from kefu.desk.accounts.sign_on import check_server

    check_server(workspace_actor(workspace))
    click.echo("The server describes itself as it should.")


def _print_sso(shown: dict[str, object], as_json: bool) -> None:
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        click.echo(f"{name:18} {', '.join(value) if isinstance(value, tuple) else value}")


@click.command("audit")
@click.option("--member", default="", help="A member's mail address, or key, system, visitor.")
@click.option("--kind", default="", help="What was done, such as key.created, or key for all of keys.")
@click.option("--since", type=click.DateTime(), help="From this day on (UTC).")
@click.option("--until", type=click.DateTime(), help="Before this day (UTC).")
@workspace_option
def audit(member: str, kind: str, since: datetime | None, until: datetime | None, workspace: str) -> None:
    """Write who did what, with before and after, as CSV, the newest first."""
    ready()
    from kefu.desk.accounts.audit import as_csv

    actor, who = _member(workspace, member) if "@" in member else (workspace_actor(workspace), member)
    start, end = (each.replace(tzinfo=UTC) if each else None for each in (since, until))
    for line in as_csv(actor, member=who, kind=kind, since=start, until=end):
        click.echo(line, nl=False)
