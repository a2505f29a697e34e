"""Reads of files."""

from dataclasses import dataclass

from django.core.files.storage import default_storage

from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.crypto import unseal
from kefu.desk.inbox.kinds import Kind, kind_of
from kefu.desk.inbox.models import Attachment, Message
from kefu.desk.inbox.queries.rows import get
from kefu.kit.errors import NotFound


@dataclass(frozen=True)
class AttachmentInfo:
    """A file of a conversation. `name` is what the reader may see of it; `size` is in bytes.

    `label` is what a picture shows, by the workspace's model, with the probability that it is right.
    """

    id: str
    kind: Kind
    name: str
    media_type: str
    size: int
    label: str = ""
    confidence: float | None = None


def attachment(actor: Actor, attachment_id: str, *, conversation_id: str | None = None) -> tuple[AttachmentInfo, bytes]:
    """A file with its bytes, its name as it was given.

    Raises NotFound also for what the actor may not see: somebody else's, one of an internal note, one that a member has
    not sent yet; NotAllowed for viewers, since a file is not masked.
    """
    if actor.kind != "visitor":
        actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
    rows = Attachment.objects.of(actor.workspace_id).filter(id=attachment_id)
    if conversation_id is not None:
        rows = rows.filter(conversation_id=get(actor, conversation_id).id)
    elif actor.kind == "visitor":
        rows = rows.none()
    row = rows.first()
    if row is None or not _may_see(actor, row):
        raise NotFound("There is no such file.", attachment=attachment_id)
    key = workspace_key(row.workspace_id)
    try:
        with default_storage.open(row.file) as file:
            data = unseal(key, file.read(), about=row.id)
    except FileNotFoundError:
        raise NotFound("The file is gone from the storage.", attachment=attachment_id) from None
    name = row.name if row.sealed_name is None else unseal(key, row.sealed_name, about=row.id).decode()
    return attachment_info(row, name=name), data


def attachment_info(row: Attachment, *, name: str = "") -> AttachmentInfo:
    return AttachmentInfo(row.id, kind_of(row.media_type), name or row.name, row.media_type, row.size)


def _may_see(actor: Actor, row: Attachment) -> bool:
    if actor.kind in {"member", "system"} or (row.author == "contact" and not row.message_id):
        return True
    said = Message.objects.of(actor.workspace_id).filter(id=row.message_id, is_internal=False)
    return bool(said.exists())
