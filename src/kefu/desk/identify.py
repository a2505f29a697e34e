"""A visitor turns out to be somebody whom the company knows: one contact, with all that was said before and after."""

from typing import Any

from django.db import transaction

from kefu.desk.actor import Actor
from kefu.desk.contacts import actions as contacts
from kefu.desk.contacts import queries
from kefu.desk.inbox import actions as inbox


def identify(
    actor: Actor,
    *,
    channel_id: str,
    external_id: str,
    anonymous_id: str | None = None,
    profile: dict[str, Any] | None = None,
) -> str:
    """The contact whom the company knows by `external_id`; the caller has checked the signature.

    What the nameless contact `anonymous_id` said becomes theirs. A contact that is somebody else already stays as it
    is: two people may share a browser. Gives the contact's id. Raises BadInput for an id or profile that is too long.
    """
    with transaction.atomic():
        nameless = anonymous_id is not None and not queries.is_identified(actor.workspace_id, anonymous_id)
        known = queries.known_as(actor.workspace_id, channel_id, external_id)
        if known is None and nameless and anonymous_id is not None:
            contacts.name(actor, contact_id=anonymous_id, channel_id=channel_id, external_id=external_id)
            contact_id = anonymous_id
        else:
            contact_id = known or contacts.meet(actor, channel_id=channel_id, external_id=external_id)
            if nameless and anonymous_id is not None:
                inbox.move_conversations(actor, from_contact=anonymous_id, to_contact=contact_id)
        if profile:
            contacts.change_profile(actor, contact_id=contact_id, changes=profile)
    return contact_id
