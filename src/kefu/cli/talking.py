"""`kefu inbox show`, `take`, `assign`, `reply` and their like: what members do in one conversation."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kefu.cli.session import (
    as_member,
    json_option,
    member_called,
    member_option,
    print_json,
    ready,
    workspace_actor,
    workspace_option,
)
from kefu.kit.errors import BadInput

if TYPE_CHECKING:
    from kefu.desk.actor import Actor
    from kefu.desk.inbox.queries import ConversationInfo, MessageInfo

_LAST = 200  # messages that are shown, the newest


@click.command("show")
@click.argument("conversation_id")
@workspace_option
@json_option
def show_conversation(conversation_id: str, workspace: str, as_json: bool) -> None:
    """Show who has a conversation and what was said in it, personal data masked."""
    ready()
    from kefu.desk.inbox import queries

    actor = workspace_actor(workspace)
    row = queries.conversation(actor, conversation_id)
    said = queries.messages_before(actor, conversation_id, before=None, limit=_LAST)
    if as_json:
        print_json({**_json(row), "messages": [_message_json(each) for each in said]})
        return
    click.echo(_line(row))
    for each in said:
        click.echo(f"{each.created_at:%Y-%m-%d %H:%M}  {_who(each)}: {_text(each)}")


@click.command("take")
@click.argument("conversation_id")
@member_option
@workspace_option
@json_option
def take(conversation_id: str, member: str, workspace: str, as_json: bool) -> None:
    """Make a conversation a member's own; the customer is told who is there."""
    ready()
    from kefu.desk.inbox import actions

    _told(actions.take(as_member(workspace, member), conversation_id=conversation_id), as_json)


@click.command("give-back")
@click.argument("conversation_id")
@member_option
@workspace_option
@json_option
def give_back(conversation_id: str, member: str, workspace: str, as_json: bool) -> None:
    """Let the assistant go on."""
    ready()
    from kefu.desk.inbox import actions

    _told(actions.give_back(as_member(workspace, member), conversation_id=conversation_id), as_json)


@click.command("reopen")
@click.argument("conversation_id")
@member_option
@workspace_option
@json_option
def reopen(conversation_id: str, member: str, workspace: str, as_json: bool) -> None:
    """Open a resolved conversation again, as the member's own."""
    ready()
    from kefu.desk.inbox import actions

    _told(actions.reopen_for_member(as_member(workspace, member), conversation_id=conversation_id), as_json)


@click.command("assign")
@click.argument("conversation_id")
@click.option("--to", required=True, help="A member's address or id; none: back before everybody.")
@member_option
@workspace_option
@json_option
def assign(conversation_id: str, to: str, member: str, workspace: str, as_json: bool) -> None:
    """Give a conversation to somebody else."""
    ready()
    from kefu.desk.inbox import actions

    receiver = None if to == "none" else member_called(workspace_actor(workspace), to)
    row = actions.assign(as_member(workspace, member), conversation_id=conversation_id, member_id=receiver)
    _told(row, as_json)


@click.command("reply")
@click.argument("conversation_id")
@click.argument("text", default="")
@click.option("--file", "files", multiple=True, type=click.Path(exists=True, dir_okay=False), help="A file to send.")
@click.option("--key", help="What is sent twice under one key is stored once.")
@member_option
@workspace_option
@json_option
def reply(
    conversation_id: str, text: str, files: tuple[str, ...], key: str | None, member: str, workspace: str, as_json: bool
) -> None:
    """Say something to the customer. A conversation that nobody owns becomes the member's own."""
    ready()
    from kefu.desk.inbox import actions

    actor = as_member(workspace, member)
    kept = _uploads(actor, conversation_id, files)
    done = actions.reply(actor, conversation_id=conversation_id, text=text, attachments=kept, idempotency_key=key)
    _stored(done.message, as_json)


@click.command("note")
@click.argument("conversation_id")
@click.argument("text", default="")
@click.option("--mention", multiple=True, help="Who is told of it: a member's address or id; several may be.")
@click.option("--file", "files", multiple=True, type=click.Path(exists=True, dir_okay=False), help="A file to keep.")
@click.option("--key", help="What is written twice under one key is stored once.")
@member_option
@workspace_option
@json_option
def note(
    conversation_id: str,
    text: str,
    mention: tuple[str, ...],
    files: tuple[str, ...],
    key: str | None,
    member: str,
    workspace: str,
    as_json: bool,
) -> None:
    """Write down what only members see."""
    ready()
    from kefu.desk.inbox import actions

    actor, system = as_member(workspace, member), workspace_actor(workspace)
    done = actions.note(
        actor,
        conversation_id=conversation_id,
        text=text,
        attachments=_uploads(actor, conversation_id, files),
        idempotency_key=key,
        mentions=[member_called(system, each) for each in mention],
    )
    _stored(done.message, as_json)


COMMANDS = (show_conversation, take, give_back, reopen, assign, reply, note)


def _uploads(actor: "Actor", conversation_id: str, files: tuple[str, ...]) -> list[str]:
    from kefu.desk.inbox import actions

    kept = []
    for each in map(Path, files):
        try:
            data = each.read_bytes()
        except OSError as error:
            raise BadInput(f"{each} cannot be read: {error.strerror}.", field="file") from None
        kept.append(actions.add_attachment(actor, conversation_id=conversation_id, name=each.name, data=data).id)
    return kept


def _told(row: "ConversationInfo", as_json: bool) -> None:
    print_json(_json(row)) if as_json else click.echo(_line(row))


def _stored(message: "MessageInfo", as_json: bool) -> None:
    print_json(_message_json(message)) if as_json else click.echo(f"{message.id}  {_who(message)}: {_text(message)}")


def _line(row: "ConversationInfo") -> str:
    state = "snoozed" if row.is_snoozed else row.status
    place = f", number {row.queue_position} of those who wait" if row.queue_position else ""
    return f"{row.id}  {state}{f', {row.assignee_name}' if row.assignee_name else ''}{place}"


def _who(message: "MessageInfo") -> str:
    who = message.author_name or message.author
    return f"{who} (note)" if message.is_internal else who


def _text(message: "MessageInfo") -> str:
    return " ".join([" ".join(message.text.split()), *(f"[{each.name}]" for each in message.attachments)]).strip()


def _json(row: "ConversationInfo") -> dict[str, Any]:
    return {
        "id": row.id,
        "status": row.status,
        "is_snoozed": row.is_snoozed,
        "contact": row.contact_id,
        "assignee": row.assignee_id or None,
        "assignee_name": row.assignee_name or None,
        "language": row.language,
        "priority": row.priority,
        "queue_position": row.queue_position,
        "created_at": row.created_at,
        "last_activity_at": row.last_activity_at,
    }


def _message_json(message: "MessageInfo") -> dict[str, Any]:
    return {
        "id": message.id,
        "sequence": message.sequence,
        "author": message.author,
        "author_name": message.author_name or None,
        "is_internal": message.is_internal,
        "text": message.text,
        "attachments": [{"id": each.id, "name": each.name} for each in message.attachments],
        "created_at": message.created_at,
    }
