"""`kefu keys`, `members`, `contacts`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from kefu.cli.session import json_option, print_json, ready, workspace_actor, workspace_option, workspace_or_new
from kefu.kit.errors import BadInput

_ROLES = ["owner", "admin", "supervisor", "agent", "viewer"]


@click.group()
def keys() -> None:
    """API keys: create, list, revoke."""


@keys.command("create")
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, help="conversations, knowledge:read, knowledge:write, insights:read; all by default."
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
    """People of a workspace: create, list, reset-password."""


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


@click.group()
def contacts() -> None:
    """Customers: export or erase what is kept of one."""


@contacts.command("export")
@click.argument("contact_id")
@click.option("--out", type=click.Path(dir_okay=False), help="A file to write; standard output without it.")
@workspace_option
def export_contact(contact_id: str, out: str | None, workspace: str) -> None:
    """Write all that is kept of a contact, with the originals of their messages, as JSON."""
    ready()
    import json

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
