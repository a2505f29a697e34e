"""Writes of channels."""

from typing import Any

from django.db import IntegrityError, transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.models import Channel
from kefu.desk.inbox.queries import ChannelInfo, channel_info
from kefu.kit.errors import Conflict


def make_channel(
    actor: Actor, *, kind: str, name: str, settings: dict[str, Any] | None = None, assistant_on: bool = True
) -> ChannelInfo:
    """Raises Conflict for a name that is taken, NotAllowed."""
    actor.require_role(Role.ADMIN)
    try:
        with transaction.atomic():
            row = Channel.objects.create(
                workspace_id=actor.workspace_id,
                kind=kind,
                name=name,
                settings=settings or {},
                assistant_on=assistant_on,
            )
            announce(actor.workspace_id, "channel.created", row.id)
            audit(actor, "channel.created", row.id, after={"kind": kind, "name": name})
    except IntegrityError:
        raise Conflict(f"There is a channel {name!r} already.", name=name) from None
    return channel_info(row)
