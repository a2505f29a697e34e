"""`kefu inbox`, `kefu labels`, `kefu canned`: conversations are listed and sorted, replies kept."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from kefu.cli import talking
from kefu.cli.session import (
    as_member,
    json_option,
    member_option,
    print_json,
    print_rows,
    ready,
    workspace_actor,
    workspace_option,
)
from kefu.cli.views import label_called, narrowed, narrowing, reader, reader_option, view_called, views
from kefu.kit.errors import BadInput

if TYPE_CHECKING:
    from kefu.desk.actor import Actor

_DONE = {"resolve": "resolved", "team": "given to the team", "priority": "priority set", "label": "labelled"}


@click.group()
def inbox() -> None:
    """Conversations: list, show, answer, sort, merge."""


inbox.add_command(views)
for _command in talking.COMMANDS:
    inbox.add_command(_command)


@inbox.command("list")
@narrowing
@click.option("--view", help="A saved view, by name or id; narrowed further by the other options.")
@click.option("--search", default="", help="What was said.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@reader_option
@workspace_option
@json_option
def list_conversations(
    view: str | None, search: str, limit: int, member: str | None, workspace: str, as_json: bool, **given: Any
) -> None:
    """List conversations, newest activity first."""
    ready()
    from kefu.desk.inbox import queries

    actor = reader(workspace, member)
    wanted = {**(view_called(actor, view).chosen if view else {}), **narrowed(actor, given)}
    if member is None and (wanted.get("assignee") == "me" or wanted.get("unread") or wanted.get("mentioned")):
        raise BadInput("Say whose with --member: me, unread and mentioned are one member's.", field="member")
    found = queries.threads(actor, queries.filter_of(actor, wanted), search=search, limit=limit)
    titles = queries.label_titles(actor)
    if as_json:
        print_json({"conversations": [_row(each, titles) for each in found]})
        return
    for each in found:
        row = each.conversation
        state = "snoozed" if row.is_snoozed else row.status
        tags = " ".join(f"#{titles.get(label_id, label_id)}" for label_id in row.labels)
        last = each.last_message.text if each.last_message else ""
        click.echo(f"{row.id}  {state:8} {row.assignee_name or '-':12} {tags} {last[:60]!r}")


@inbox.command("label")
@click.argument("conversation_ids", nargs=-1, required=True)
@click.option("--add", multiple=True, help="A label's title or id.")
@click.option("--remove", multiple=True, help="A label's title or id.")
@workspace_option
@json_option
def label_conversations(
    conversation_ids: tuple[str, ...], add: tuple[str, ...], remove: tuple[str, ...], workspace: str, as_json: bool
) -> None:
    """Give conversations labels, or take some away. Of several, exits with 1 if one refuses."""
    ready()
    from kefu.desk.inbox import actions, queries

    actor = workspace_actor(workspace)
    given = {
        "add": [label_called(actor, each) for each in add],
        "remove": [label_called(actor, each) for each in remove],
    }
    if len(conversation_ids) > 1:
        if not _many(actor, conversation_ids, as_json, action="label", **given):
            raise click.exceptions.Exit(1)
        return
    row = actions.label(actor, conversation_id=conversation_ids[0], **given)
    titles = [queries.label_titles(actor)[each] for each in row.labels]
    if as_json:
        print_json({"id": row.id, "labels": titles})
    else:
        click.echo(f"{row.id}: {', '.join(titles) or 'no labels'}")


@inbox.command("snooze")
@click.argument("conversation_id")
@click.option(
    "--until", help="A time with its zone, such as 2026-11-23T09:00:00+08:00; else until the customer writes."
)
@member_option
@workspace_option
def snooze_conversation(conversation_id: str, until: str | None, member: str, workspace: str) -> None:
    """Take a conversation off its owner's list for a while."""
    ready()
    from kefu.desk.inbox import actions

    actor = as_member(workspace, member)
    row = actions.snooze(actor, conversation_id=conversation_id, until=_time(until) if until else None)
    click.echo(f"{row.id} is snoozed until {row.snoozed_until or 'the customer writes'}.")


@inbox.command("wake")
@click.argument("conversation_id")
@member_option
@workspace_option
def wake_conversation(conversation_id: str, member: str, workspace: str) -> None:
    """Put a snoozed conversation back on its owner's list."""
    ready()
    from kefu.desk.inbox import actions

    row = actions.wake(as_member(workspace, member), conversation_id=conversation_id)
    click.echo(f"{row.id} is back.")


@inbox.command("resolve")
@click.argument("conversation_ids", nargs=-1, required=True)
@workspace_option
@json_option
def resolve_conversations(conversation_ids: tuple[str, ...], workspace: str, as_json: bool) -> None:
    """Say of conversations that they are solved. Exits with 1 if one refuses."""
    ready()
    if not _many(workspace_actor(workspace), conversation_ids, as_json, action="resolve"):
        raise click.exceptions.Exit(1)


@inbox.command("route")
@click.argument("conversation_ids", nargs=-1, required=True)
@click.option("--team", help="A team, by name or id; '' for none, by the rules again.")
@click.option("--priority", type=click.Choice(["none", "low", "high", "urgent"]), help="How urgent they are.")
@member_option
@workspace_option
@json_option
def route_conversations(
    conversation_ids: tuple[str, ...],
    team: str | None,
    priority: str | None,
    member: str,
    workspace: str,
    as_json: bool,
) -> None:
    """Give conversations to a team, say how urgent they are, or both. Exits with 1 if one refuses."""
    ready()
    from kefu.desk.accounts.team_queries import team_called

    actor, done = as_member(workspace, member), []
    if team is not None:
        team_id = team_called(workspace_actor(workspace), team).id if team else None
        done.append(_many(actor, conversation_ids, as_json, action="team", team_id=team_id))
    if priority:
        done.append(_many(actor, conversation_ids, as_json, action="priority", priority=priority))
    if not done:
        raise BadInput("Say --team, --priority or both.", field="team")
    if not all(done):
        raise click.exceptions.Exit(1)


@inbox.command("judge")
@click.argument("conversation_id")
@click.argument("message_id")
@click.argument("verdict", type=click.Choice(["right", "wrong", "none"]))
@workspace_option
def judge_answer(conversation_id: str, message_id: str, verdict: str, workspace: str) -> None:
    """Say whether the assistant refused, or handed over, for good reason; `none` takes that back."""
    ready()
    from kefu.desk.inbox import actions

    said = "" if verdict == "none" else verdict
    actions.judge(workspace_actor(workspace), conversation_id=conversation_id, message_id=message_id, verdict=said)
    click.echo(f"{message_id}: {verdict}")


@inbox.command("transcript")
@click.argument("conversation_id")
@click.option("--to", help="Another address than the customer's.")
@click.option("--with-originals", is_flag=True, help="To another address, too, as it was said, before masking.")
@workspace_option
def mail_transcript(conversation_id: str, to: str | None, with_originals: bool, workspace: str) -> None:
    """Send what was said by mail, to the customer or to an address."""
    ready()
    from kefu.desk.inbox import actions

    actor = workspace_actor(workspace)
    actions.mail_transcript(actor, conversation_id=conversation_id, to=to, with_originals=with_originals)
    click.echo("The mail is on its way.")


@inbox.command("merge")
@click.argument("contact_id")
@click.argument("other_id")
@click.option("--yes", is_flag=True, help="Do it; without this only what would become of them is shown.")
@workspace_option
@json_option
def merge_contacts(contact_id: str, other_id: str, yes: bool, workspace: str, as_json: bool) -> None:
    """Merge OTHER_ID into CONTACT_ID: one person, with all that was said. It cannot be undone."""
    ready()
    from kefu.desk import merging

    call = merging.merge if yes else merging.preview
    found = call(workspace_actor(workspace), contact_id=contact_id, other_id=other_id)
    if as_json:
        told = {"profile": found.profile, "lost": found.lost, "identities": found.identities}
        print_json({"merged": yes, "contact": contact_id, **told, "conversations": found.conversations})
        return
    for name, value in found.profile.items():
        lost = f"  (not {found.lost[name]})" if name in found.lost else ""
        click.echo(f"{name}: {value}{lost}")
    click.echo(f"{found.conversations} conversations and {found.identities} identities {'moved' if yes else 'move'}.")
    if not yes:
        click.echo("Nothing is done yet: say --yes.")


@click.group()
def labels() -> None:
    """What conversations are sorted by: list, add, change, remove."""


@labels.command("list")
@workspace_option
@json_option
def list_labels(workspace: str, as_json: bool) -> None:
    """List labels."""
    ready()
    from kefu.desk.inbox import queries

    print_rows(queries.labels(workspace_actor(workspace)), name="labels", as_json=as_json, line=_label_line)


@labels.command("add")
@click.argument("title")
@click.option("--colour", default="#64748b", show_default=True)
@workspace_option
@json_option
def add_label(title: str, colour: str, workspace: str, as_json: bool) -> None:
    """Make a label."""
    ready()
    from kefu.desk.inbox import actions

    made = actions.add_label(workspace_actor(workspace), title=title, colour=colour)
    if as_json:
        print_json(vars(made))
    else:
        click.echo(_label_line(made))


@labels.command("change")
@click.argument("label")
@click.option("--title")
@click.option("--colour")
@workspace_option
def change_label(label: str, title: str | None, colour: str | None, workspace: str) -> None:
    """Call a label, named by title or id, something else, or give it another colour."""
    ready()
    from kefu.desk.inbox import actions

    actor = workspace_actor(workspace)
    made = actions.change_label(actor, label_id=label_called(actor, label), title=title, colour=colour)
    click.echo(_label_line(made))


@labels.command("remove")
@click.argument("label")
@workspace_option
def remove_label(label: str, workspace: str) -> None:
    """Offer a label no more; figures of the past keep it."""
    ready()
    from kefu.desk.inbox import actions

    actor = workspace_actor(workspace)
    actions.remove_label(actor, label_id=label_called(actor, label))
    click.echo(f"Removed {label}.")


@click.group()
def canned() -> None:
    """Replies that everybody has: list, add, change, remove, fill."""


@canned.command("list")
@workspace_option
@json_option
def list_canned(workspace: str, as_json: bool) -> None:
    """List the canned replies that everybody has."""
    ready()
    from kefu.desk.inbox import queries

    print_rows(
        [each for each in queries.canned_replies(workspace_actor(workspace)) if each.is_shared],
        name="canned",
        as_json=as_json,
        line=lambda each: f"{each.id}  /{each.shortcut:16} {each.language:5} {each.text[:60]!r}",
    )


@canned.command("add")
@click.argument("shortcut")
@click.argument("text")
@click.option("--language", default="", help="A code such as en; without it for every language.")
@workspace_option
@json_option
def add_canned(shortcut: str, text: str, language: str, workspace: str, as_json: bool) -> None:
    """Keep a reply under a shortcut. It may name {{contact.name}}, {{member.name}}, {{workspace.title}}."""
    ready()
    from kefu.desk.inbox import actions

    actor = workspace_actor(workspace)
    made = actions.add_canned(actor, shortcut=shortcut, text=text, language=language, is_shared=True)
    if as_json:
        print_json(vars(made))
    else:
        click.echo(f"{made.id}  /{made.shortcut}")


@canned.command("change")
@click.argument("canned_id")
@click.option("--shortcut")
@click.option("--text")
@click.option("--language")
@workspace_option
def change_canned(canned_id: str, workspace: str, **given: str | None) -> None:
    """Change what is given of a canned reply."""
    ready()
    from kefu.desk.inbox import actions

    made = actions.change_canned(workspace_actor(workspace), canned_id=canned_id, **given)
    click.echo(f"{made.id}  /{made.shortcut}")


@canned.command("remove")
@click.argument("canned_id")
@workspace_option
def remove_canned(canned_id: str, workspace: str) -> None:
    """Forget a canned reply."""
    ready()
    from kefu.desk.inbox import actions

    actions.remove_canned(workspace_actor(workspace), canned_id=canned_id)
    click.echo(f"Removed {canned_id}.")


@canned.command("fill")
@click.argument("canned_id")
@click.argument("conversation_id")
@workspace_option
@json_option
def fill_canned(canned_id: str, conversation_id: str, workspace: str, as_json: bool) -> None:
    """Show a canned reply with the values of a conversation."""
    ready()
    from kefu.desk.inbox import actions

    filled = actions.fill_canned(workspace_actor(workspace), canned_id=canned_id, conversation_id=conversation_id)
    if as_json:
        print_json(vars(filled))
    else:
        click.echo(filled.text)


def _many(actor: "Actor", conversation_ids: tuple[str, ...], as_json: bool, *, action: str, **given: Any) -> bool:
    """Do one thing to conversations and tell of each; whether none refused."""
    from kefu.desk.inbox import actions

    done = actions.do_to_many(actor, conversation_ids=conversation_ids, action=action, **given)
    if as_json:
        print_json({"results": [{"conversation": each.conversation_id, "done": each.error is None} for each in done]})
    for each in () if as_json else done:
        click.echo(f"{each.conversation_id}: {each.error.sentence if each.error else _DONE[action]}")
    return all(each.error is None for each in done)


def _label_line(label: Any) -> str:
    return f"{label.id}  {label.colour}  {label.title}"


def _row(found: Any, titles: dict[str, str]) -> dict[str, Any]:
    row = found.conversation
    return {
        "id": row.id,
        "status": row.status,
        "is_snoozed": row.is_snoozed,
        "snoozed_until": row.snoozed_until,
        "channel": found.channel.name,
        "contact": row.contact_id,
        "assignee": row.assignee_id or None,
        "language": row.language,
        "intent": row.intent,
        "labels": [titles.get(each, each) for each in row.labels],
        "last_activity_at": row.last_activity_at,
        "last_message": found.last_message.text if found.last_message else None,
    }


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is no time such as 2026-11-23T09:00:00+08:00.", field="until") from None
