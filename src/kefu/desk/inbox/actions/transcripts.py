"""A conversation is sent by mail."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from kefu.desk.accounts.actions import audit, notify
from kefu.desk.accounts.queries import hours_set, member_names, workspace
from kefu.desk.actor import Actor, Role, system
from kefu.desk.contacts.queries import contact
from kefu.desk.inbox.actions.state import language_of
from kefu.desk.inbox.models import Conversation, Message
from kefu.desk.inbox.queries import get, message_info, original
from kefu.desk.inbox.transcripts import Said, Transcript, transcript
from kefu.kit.errors import BadInput, Conflict
from kefu.kit.ids import new_id
from kefu.kit.settings import settings

_LONGEST = 2_000  # messages: more is an export, not a mail


def mail_transcript(actor: Actor, *, conversation_id: str, to: str | None = None, with_originals: bool = False) -> str:
    """Send what was said, without notes, to the contact or to an address; gives the address.

    The contact gets it as it was said. Another address is for supervisors and gets it masked, with originals for
    admins. Raises Conflict without a mail server, BadInput for a contact without an address or a bad one, NotFound,
    NotAllowed.
    """
    actor.require_role(Role.AGENT if to is None else Role.ADMIN if with_originals else Role.SUPERVISOR)
    thread = get(actor, conversation_id)
    if not settings().smtp_url:
        raise Conflict("There is no mail server: set KEFU_SMTP_URL.", setting="smtp_url")
    address = _address(to) if to is not None else _own_address(actor, thread)
    is_masked = to is not None and not with_originals
    made = written_out(thread, is_masked=is_masked)
    with transaction.atomic():
        notify(
            actor.workspace_id,
            about=new_id("mail"),
            addresses=[address],
            subject=made.subject,
            text=made.text,
            html=made.html,
        )
        told = {"to": "contact" if to is None else address, "masked": is_masked}
        audit(actor, "conversation.mailed", thread.id, after=told)
    return address


def written_out(thread: Conversation, *, is_masked: bool) -> Transcript:
    """What was said in a conversation, as its customer may read it."""
    rows = Message.objects.of(thread.workspace_id).filter(conversation_id=thread.id, is_internal=False)
    last = list(rows.order_by("-sequence")[:_LONGEST])[::-1]
    kefu = system(thread.workspace_id)
    zone = hours_set(kefu).zone
    names = _names(thread, last)
    said = [
        Said(
            row.author,
            names.get(row.author_id, ""),
            row.created_at,
            row.text if is_masked else original(row),
            tuple(each.name for each in message_info(row, outcome="", own=not is_masked).attachments),
        )
        for row in last
    ]
    title = workspace(thread.workspace_id).title
    return transcript(said, workspace=title, zone=zone, language=language_of(thread), is_masked=is_masked)


def _names(thread: Conversation, rows: list[Message]) -> dict[str, str]:
    return member_names(thread.workspace_id, {row.author_id for row in rows if row.author == "member"})


def _own_address(actor: Actor, thread: Conversation) -> str:
    address = contact(actor, thread.contact_id).profile.get("email")
    if not address:
        raise BadInput("No mail address of this customer is known.", field="to")
    return _address(str(address))


def _address(address: str) -> str:
    address = address.strip()
    try:
        validate_email(address)
    except ValidationError:
        raise BadInput("This is not an e-mail address.", field="to") from None
    return address
