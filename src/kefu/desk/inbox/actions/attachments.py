"""Writes of files in conversations: uploaded first, named by a message later, thrown away if none does."""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Sum

from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.crypto import seal
from kefu.desk.inbox.kinds import fit_name, sniffed
from kefu.desk.inbox.models import Attachment, Conversation, Message
from kefu.desk.inbox.queries import AttachmentInfo, attachment_info, get
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, Busy, Conflict, TooLarge
from kefu.kit.ids import new_id
from kefu.kit.settings import settings
from kefu.knowledge.masking import mask

UNUSED_FOR = timedelta(hours=24)  # who comes back to a half-written message the next day finds its files gone
_DAY = timedelta(days=1)
_UNUSED_MESSAGES = 4  # uploads that no message names yet: as many as so many full messages would hold
_MASKED_NAME = 200  # characters, the column's


def add_attachment(actor: Actor, *, conversation_id: str, name: str, data: bytes) -> AttachmentInfo:
    """Keep a file that a message will name; a member's, or else the contact's.

    Raises TooLarge, BadInput for a kind that is not taken or where none may be sent, Busy past what one contact may
    send in a day, NotFound, NotAllowed.
    """
    if actor.kind != "visitor":
        actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
    thread = get(actor, conversation_id)
    author, author_id = ("member", actor.id) if actor.kind == "member" else ("contact", "")
    _check_size(data)
    media_type = sniffed(data)
    _check_room(actor, thread, author, author_id, len(data))
    key, row_id = workspace_key(actor.workspace_id), new_id("att")
    whole = fit_name(name, media_type)
    shown = mask(whole, thread.language or None, known={}).text[:_MASKED_NAME]
    # The storage comes before the row, and outside of a transaction: it may be far away.
    place = default_storage.save(
        f"{actor.workspace_id}/attachments/{row_id}", ContentFile(seal(key, data, about=row_id))
    )
    row = Attachment(
        id=row_id,
        workspace_id=actor.workspace_id,
        conversation_id=thread.id,
        author=author,
        author_id=author_id,
        name=shown,
        sealed_name=None if shown == whole else seal(key, whole, about=row_id),
        media_type=media_type,
        size=len(data),
        file=place,
        due_at=now() + UNUSED_FOR,
    )
    try:
        row.save(force_insert=True)
    except Exception:
        default_storage.delete(place)  # the conversation was erased meanwhile
        raise
    return attachment_info(row, name=whole)


def uploaded(actor: Actor, thread: Conversation, ids: Sequence[str]) -> list[Attachment]:
    """The uploads that a message is to hold, in the order named. Raises BadInput, Conflict for one sent before."""
    if not ids:
        return []
    limit = settings().attachments_per_message
    if len(ids) > limit or len(set(ids)) < len(ids):
        raise BadInput(f"A message holds at most {limit} files, each once.", field="attachments", limit=limit)
    mine = Attachment.objects.of(actor.workspace_id).filter(
        id__in=ids,
        conversation_id=thread.id,
        author="member" if actor.kind == "member" else "contact",
        author_id=actor.id if actor.kind == "member" else "",
    )
    found = {row.id: row for row in mine.select_for_update()}
    for each in ids:
        if each not in found:
            raise BadInput("There is no such upload in this conversation; send the file again.", field="attachments")
        if found[each].message_id:
            raise Conflict("This file was sent already; upload it again to send it twice.", attachment=each)
    return [found[each] for each in ids]


def put_into(row: Message, files: Sequence[Attachment]) -> None:
    """Make uploads part of a message that is about to be stored, in the caller's transaction."""
    if not files:
        return
    row.attachments = [_part(each) for each in files]
    mine = Attachment.objects.of(row.workspace_id).filter(id__in=[each.id for each in files])
    mine.update(message_id=row.id, due_at=None)


def forget_uploads(at: datetime, *, limit: int) -> int:
    """Throw away what was uploaded and not sent in time; gives how many. For dispatch."""
    late = Attachment.objects.across_workspaces("dispatch works for all").filter(due_at__lte=at)
    with transaction.atomic():
        found = list(late.select_for_update()[:limit])
        everywhere = Attachment.objects.across_workspaces("dispatch works for all")
        everywhere.filter(id__in=[row.id for row in found]).delete()
    _delete_files([row.file for row in found])
    return len(found)


def erase_attachments(workspace_id: str, conversation_ids: Sequence[str]) -> None:
    """Delete the files of conversations with their rows, in the caller's transaction; the bytes go once it is kept."""
    mine = Attachment.objects.of(workspace_id).filter(conversation_id__in=conversation_ids)
    places = list(mine.values_list("file", flat=True))
    mine.delete()
    transaction.on_commit(lambda: _delete_files(places))


def _check_size(data: bytes) -> None:
    limit = settings().attachment_megabytes
    if not data:
        raise BadInput("The file is empty.", field="file", reason="empty")
    if len(data) > limit * 2**20:
        raise TooLarge(f"A file may have at most {limit} MB.", field="file", limit=limit * 2**20)


def _check_room(actor: Actor, thread: Conversation, author: str, author_id: str, size: int) -> None:
    limit = settings().attachments_per_message
    if not limit:
        raise BadInput("Files cannot be sent here.", field="file", reason="off")
    rows = Attachment.objects.of(actor.workspace_id)
    unused = rows.filter(conversation_id=thread.id, author=author, author_id=author_id, message_id="")
    if unused.count() >= limit * _UNUSED_MESSAGES:
        raise Busy("Too many files wait to be sent; send some of them first.", retry_after=60)
    if author == "member":
        return
    lately = rows.filter(conversation__contact_id=thread.contact_id, author="contact", created_at__gt=now() - _DAY)
    if (lately.aggregate(all=Sum("size"))["all"] or 0) + size > settings().attachment_megabytes_per_contact * 2**20:
        raise Busy("That is more than can be sent in a day; try again tomorrow.", retry_after=3600)


def _delete_files(places: Sequence[str]) -> None:
    for place in places:
        default_storage.delete(place)


def _part(row: Attachment) -> dict[str, object]:
    part: dict[str, object] = {"id": row.id, "name": row.name, "media_type": row.media_type, "size": row.size}
    if row.sealed_name is not None:
        part["sealed_name"] = base64.b64encode(bytes(row.sealed_name)).decode()
    return part
