"""Writes of mentions: members who are named in a note, and are told of it."""

from collections.abc import Sequence

from django.db import transaction

from kefu.desk.accounts.actions import announce, drop_notifications, notify
from kefu.desk.accounts.queries import mail_of, member_names, workspace, workspace_settings
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox import texts
from kefu.desk.inbox.models import Conversation, Mention, Message
from kefu.desk.inbox.queries import get
from kefu.desk.rows import now
from kefu.kit.errors import BadInput
from kefu.kit.settings import settings

_MOST = 20  # members named in one note


def mention(actor: Actor, thread: Conversation, row: Message, member_ids: Sequence[str]) -> None:
    """Tell members that a stored note names them, in the caller's transaction. Raises BadInput for who is no member."""
    named = list(dict.fromkeys(member_ids))
    if len(named) > _MOST:
        raise BadInput(f"A note names at most {_MOST} people.", field="mentions")
    unknown = set(named) - set(member_names(actor.workspace_id, set(named)))
    if unknown:
        raise BadInput(f"{', '.join(sorted(unknown))} is no member.", field="mentions")
    for member_id in named:
        if member_id != actor.id:
            Mention.objects.create(
                workspace_id=actor.workspace_id, conversation=thread, message_id=row.id, member_id=member_id
            )
            announce(actor.workspace_id, "mention.created", member_id, thread.id)
            _mail(actor, thread, row, member_id)


def see_mentions(actor: Actor, *, conversation_id: str) -> int:
    """The member has seen the notes of a conversation that name them; gives how many. Raises NotFound, NotAllowed."""
    actor.require_role(Role.VIEWER)
    thread = get(actor, conversation_id)
    mine = Mention.objects.of(actor.workspace_id).filter(member_id=actor.id, conversation_id=thread.id)
    unseen = list(mine.filter(seen_at__isnull=True).values_list("id", "message_id"))
    if unseen:
        with transaction.atomic():
            mine.filter(id__in=[number for number, _ in unseen]).update(seen_at=now())
            announce(actor.workspace_id, "mention.seen", actor.id, thread.id)
            if settings().smtp_url:
                for _, message_id in unseen:
                    drop_notifications(actor.workspace_id, about=_about(message_id, actor.id))
    return len(unseen)


def _mail(actor: Actor, thread: Conversation, row: Message, member_id: str) -> None:
    if not settings().smtp_url:
        return
    here = workspace(actor.workspace_id)
    link = f"{settings().address}/console/inbox/{thread.id}"
    by = member_names(actor.workspace_id, {actor.id}).get(actor.id, "")
    for address, language in mail_of(actor.workspace_id, [member_id]):
        subject, text = texts.mention_mail(
            language or here.default_language, workspace=here.title, name=by or "Kefu", link=link
        )
        notify(
            actor.workspace_id,
            about=_about(row.id, member_id),
            addresses=[address],
            subject=subject,
            text=text,
            after_seconds=workspace_settings(actor.workspace_id).mail_after_seconds,
        )


def _about(message_id: str, member_id: str) -> str:
    """The mail's own name: the ends of two ids, which are their random parts."""
    return f"{message_id[-15:]}.{member_id[-15:]}"
