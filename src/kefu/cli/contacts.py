"""`kefu contacts`: customers, what is kept of them, and what they agreed to."""

import json
from pathlib import Path
from typing import Any

import click

from kefu.cli.session import (
    as_member,
    json_option,
    member_option,
    print_json,
    print_rows,
    ready,
    workspace_actor,
    workspace_option,
    write_private,
)
from kefu.kit.errors import BadInput


@click.group()
def contacts() -> None:
    """Customers: list, show, set, block, consent, tables, attributes; export or erase what is kept of one."""


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
    else:
        write_private(out, [text])


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


@contacts.command("show")
@click.argument("contact_id")
@workspace_option
@json_option
def show_contact(contact_id: str, workspace: str, as_json: bool) -> None:
    """Show what is known of a contact: attributes, identities, consents, notes and conversations."""
    ready()
    from kefu.desk.contacts import care, queries
    from kefu.desk.inbox.queries import channels, conversations

    actor = workspace_actor(workspace)
    person = queries.contact(actor, contact_id)
    names = {each.id: each.name for each in channels(actor)}
    known: dict[str, Any] = {
        "id": person.id,
        "profile": person.profile,
        "language": person.language,
        "is_blocked": person.blocked_at is not None,
        "identities": queries.identities(actor, contact_id),
        "consents": [vars(each) for each in care.consents(actor, contact_id=contact_id)],
        "notes": [vars(each) for each in care.notes(actor, contact_id=contact_id)],
        "conversations": [
            {"id": each.id, "channel": names.get(each.channel_id, ""), "status": each.status, "at": each.created_at}
            for each in conversations(actor, contact_id=contact_id)
        ],
    }
    if as_json:
        print_json(known)
        return
    click.echo(f"{person.id}{'  blocked' if known['is_blocked'] else ''}  {person.language}".rstrip())
    for key, value in person.profile.items():
        click.echo(f"  {key}: {value}")
    for each in known["identities"]:
        click.echo(f"  on {names.get(each['channel'], each['channel'])}: {each['id']}")
    for each in known["consents"]:
        click.echo(f"  {each['kind']}: {'agreed' if each['is_given'] else 'taken back'}  {each['source']}".rstrip())
    for each in known["notes"]:
        click.echo(f"  note: {each['text']}")
    for each in known["conversations"]:
        click.echo(f"  {each['id']}  {each['at']:%Y-%m-%d}  {each['status']:8} {each['channel']}")


@contacts.command("set")
@click.argument("contact_id")
@click.argument("changes", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--language", help="In which they want to be answered, such as zh; '' for the one that they write in.")
@workspace_option
def set_contact(contact_id: str, changes: tuple[str, ...], language: str | None, workspace: str) -> None:
    """Change attributes of a contact, or the language; an empty value takes one away."""
    ready()
    from kefu.desk.contacts import actions, care, queries

    actor = workspace_actor(workspace)
    pairs = [each.partition("=") for each in changes]
    bad = next((key for key, mark, _ in pairs if not mark or not key), None)
    if bad is not None:
        raise BadInput(f"Write an attribute as KEY=VALUE, such as plan=Gold, not {bad!r}.", field="changes")
    if not pairs and language is None:
        raise BadInput("Say what changes: KEY=VALUE, --language or both.", field="changes")
    if pairs:
        values = {key: value or None for key, _, value in pairs}
        actions.change_profile(actor, contact_id=contact_id, changes=values)
    if language is not None:
        care.speak(actor, contact_id=contact_id, language=language)
    for key, value in queries.contact(actor, contact_id).profile.items():
        click.echo(f"{key}: {value}")


@contacts.command("note")
@click.argument("contact_id")
@click.argument("text")
@member_option
@workspace_option
def add_note(contact_id: str, text: str, member: str, workspace: str) -> None:
    """Write something down about a contact that only members see."""
    ready()
    from kefu.desk.contacts import care

    click.echo(care.add_note(as_member(workspace, member), contact_id=contact_id, text=text).id)


@contacts.command("alike")
@click.argument("contact_id")
@workspace_option
@json_option
def alike(contact_id: str, workspace: str, as_json: bool) -> None:
    """List who may be the same person, to be merged by `kefu inbox merge`."""
    ready()
    from kefu.desk.merging import candidates

    found = candidates(workspace_actor(workspace), contact_id=contact_id)
    print_rows(
        found, name="contacts", as_json=as_json, line=lambda each: f"{each.id}  {each.name or '-'}  {each.email}"
    )


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


@contacts.command("consent")
@click.argument("contact_id")
@click.option(
    "--kind", type=click.Choice(["marketing", "training"]), help="What they agree to; without it all is listed."
)
@click.option("--given/--taken-back", "is_given", default=True, help="Whether they agree, or no longer do.")
@click.option("--source", default="", help="Where they said so, such as a form's name.")
@workspace_option
@json_option
def consent(contact_id: str, kind: str | None, is_given: bool, source: str, workspace: str, as_json: bool) -> None:
    """Keep what a contact agreed to, or list it.

    Models learn only from who agreed to training: replies that members change are kept, and `kefu data gather` takes
    conversations, of those alone. Whoever takes it back teaches nothing more, and what was kept of them is deleted.
    """
    ready()
    from kefu.desk.contacts import care

    actor = workspace_actor(workspace)
    if kind:
        care.agree(actor, contact_id=contact_id, kind=kind, is_given=is_given, source=source)

    def line(each: "care.ConsentInfo") -> str:
        return f"{each.kind:10} {'given' if each.is_given else 'not given'}  {each.given_at:%Y-%m-%d}  {each.source}"

    print_rows(care.consents(actor, contact_id=contact_id), name="consents", as_json=as_json, line=line)


@contacts.command("table")
@click.argument("out", type=click.Path(dir_okay=False))
@workspace_option
def write_table(out: str, workspace: str) -> None:
    """Write all contacts as a CSV table."""
    ready()
    from kefu.desk.contacts.tables import exported

    write_private(out, exported(workspace_actor(workspace)))


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
@click.option("--title", help="As members see it.")
@click.option("--kind", type=click.Choice(["text", "number", "date", "choice", "yes_no"]), help="Text, if it is new.")
@click.option("--choice", "choices", multiple=True, help="One of a choice's; may be repeated.")
@click.option("--told/--not-told", default=None, help="Whether the assistant may know and use it.")
@click.option("--remove", is_flag=True, help="Define it no more.")
@workspace_option
def attribute(
    key: str | None,
    title: str | None,
    kind: str | None,
    choices: tuple[str, ...],
    told: bool | None,
    remove: bool,
    workspace: str,
) -> None:
    """Define what is kept of contacts, or change what is given of it; without a key, list it."""
    ready()
    from kefu.desk.contacts import attributes

    actor = workspace_actor(workspace)
    if key and remove:
        attributes.remove_attribute(actor, key=key)
    elif key:
        was = next((each for each in attributes.attributes(actor) if each.key == key), None)
        same = was is not None and kind in {None, was.kind}
        attributes.define(
            actor,
            key=key,
            title=title if title is not None else was.title if was else "",
            kind=kind or (was.kind if was else "text"),
            choices=list(choices) or (list(was.choices) if was is not None and same else []),
            is_told=told if told is not None else bool(was and was.is_told),
        )
    for each in attributes.attributes(actor):
        what = f"{each.kind} ({', '.join(each.choices)})" if each.choices else each.kind
        click.echo(f"{each.key:20} {what:30} {'told to the assistant' if each.is_told else ''}  {each.title}")
