"""`kefu keys`, `members`, `sso`, `audit`, `contacts`."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from kefu.cli.session import json_option, print_json, ready, workspace_actor, workspace_option, workspace_or_new
from kefu.kit.errors import BadInput, NotFound

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
    help="conversations, knowledge:read, knowledge:write, insights:read; all by default.",
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

    found = all_members(workspace_actor(workspace))
    if as_json:
        print_json({"members": [vars(each) for each in found]})
        return
    for each in found:
        click.echo(f"{each.id}  {each.role.value:10} {each.email}  {each.name}")


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
    found = sign_ins.of_member(actor, member_id=member_id)
    if as_json:
        print_json({"sessions": [vars(each) for each in found]})
    for each in [] if as_json else found:
        what = " ".join(filter(None, (each.browser, each.device))) or "unknown program"
        click.echo(f"{each.id:8} {each.last_seen_at:%Y-%m-%d %H:%M}  {each.address:15} {each.way:8} {what}")


def _member(workspace: str, email: str) -> "tuple[Actor, str]":
    from kefu.desk.accounts.queries import members as all_members

    actor = workspace_actor(workspace)
    found = next((each.id for each in all_members(actor) if each.email == email.strip().lower()), None)
    if found is None:
        raise NotFound(f"No member of this workspace has the address {email}.", email=email)
    return actor, found


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


@click.group()
def contacts() -> None:
    """Customers: list, block, tables, attributes; export or erase what is kept of one."""


@contacts.command("export")
@click.argument("contact_id")
@click.option("--out", type=click.Path(dir_okay=False), help="A file to write; standard output without it.")
@workspace_option
def export_contact(contact_id: str, out: str | None, workspace: str) -> None:
    """Write all that is kept of a contact, with the originals of their messages, as JSON."""
    ready()
    from kefu.desk.erasure import export

    text = json.dumps(export(workspace_actor(workspace), contact_id), ensure_ascii=False, indent=2, default=str)
    if out is None:
        click.echo(text)
        return
    path = Path(out)
    try:
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror}.") from None
    click.echo(f"Wrote {out}.")


@contacts.command("erase")
@click.argument("contact_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@workspace_option
def erase_contact(contact_id: str, yes: bool, workspace: str) -> None:
    """Delete a contact's profile, identities, conversations and messages. This cannot be undone."""
    ready()
    from kefu.desk.erasure import erase

    if not yes:
        click.confirm(f"Erase {contact_id} and all their conversations for good?", abort=True)
    count = erase(workspace_actor(workspace), contact_id)
    click.echo(f"Erased {contact_id} with {count} conversations.")


@contacts.command("list")
@click.option("--search", default="", help="Part of a name, address or attribute.")
@click.option("--blocked", is_flag=True, help="Only blocked ones.")
@click.option("--limit", default=50, show_default=True)
@workspace_option
@json_option
def list_contacts(search: str, blocked: bool, limit: int, workspace: str, as_json: bool) -> None:
    """List contacts, the latest seen first."""
    ready()
    from kefu.desk.contacts.tables import contacts as found_contacts

    page = found_contacts(workspace_actor(workspace), search=search, blocked=blocked or None, limit=limit)
    if as_json:
        print_json({"contacts": [vars(each) for each in page.contacts], "is_whole": page.is_whole})
        return
    for each in page.contacts:
        mark = f"  blocked, {each.refused} refused" if each.is_blocked else ""
        click.echo(f"{each.id}  {each.last_seen_at:%Y-%m-%d}  {each.name or '-'}  {each.email}{mark}")


@contacts.command("block")
@click.argument("contact_id")
@click.option("--undo", is_flag=True, help="Take their messages again.")
@workspace_option
def block_contact(contact_id: str, undo: bool, workspace: str) -> None:
    """Take no messages from a contact any more; they are refused and counted."""
    ready()
    from kefu.desk.contacts import care

    (care.unblock if undo else care.block)(workspace_actor(workspace), contact_id=contact_id)
    click.echo(f"{contact_id} is {'heard again' if undo else 'blocked'}.")


@contacts.command("table")
@click.argument("out", type=click.Path(dir_okay=False))
@workspace_option
def write_table(out: str, workspace: str) -> None:
    """Write all contacts as a CSV table."""
    ready()
    from kefu.desk.contacts.tables import exported

    path = Path(out)
    try:
        path.touch(mode=0o600)
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(exported(workspace_actor(workspace)))
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror}.") from None
    click.echo(f"Wrote {out}.")


@contacts.command("import")
@click.argument("table", type=click.Path(exists=True, dir_okay=False))
@click.option("--channel", "channel_id", required=True, help="The channel that knows them by the table's ids.")
@workspace_option
@json_option
def import_table(table: str, channel_id: str, workspace: str, as_json: bool) -> None:
    """Read contacts from a CSV table with a column id."""
    ready()
    from kefu.desk.contacts import tables
    from kefu.desk.inbox.queries import channel

    actor = workspace_actor(workspace)
    channel(actor, channel_id)
    found = tables.import_table(actor, data=Path(table).read_bytes(), channel_id=channel_id, source=Path(table).name)
    if as_json:
        print_json(vars(found))
        return
    click.echo(f"{found.made} new, {found.changed} changed.")
    for number, problem in found.problems:
        click.echo(f"line {number}: {problem}", err=True)


@contacts.command("attribute")
@click.argument("key", required=False)
@click.option("--title", default="", help="As members see it.")
@click.option("--kind", type=click.Choice(["text", "number", "date", "choice", "yes_no"]), default="text")
@click.option("--choice", "choices", multiple=True, help="One of a choice's; may be repeated.")
@click.option("--told/--not-told", default=False, help="Whether the assistant may know and use it.")
@click.option("--remove", is_flag=True, help="Define it no more.")
@workspace_option
def attribute(
    key: str | None, title: str, kind: str, choices: tuple[str, ...], told: bool, remove: bool, workspace: str
) -> None:
    """Define what is kept of contacts; without a key, list it."""
    ready()
    from kefu.desk.contacts import attributes

    actor = workspace_actor(workspace)
    if key and remove:
        attributes.remove_attribute(actor, key=key)
    elif key:
        attributes.define(actor, key=key, title=title, kind=kind, choices=list(choices), is_told=told)
    for each in attributes.attributes(actor):
        what = f"{each.kind} ({', '.join(each.choices)})" if each.choices else each.kind
        click.echo(f"{each.key:20} {what:30} {'told to the assistant' if each.is_told else ''}  {each.title}")
