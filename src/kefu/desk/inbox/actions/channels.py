"""Writes of channels."""

import secrets
from typing import Any

from django.db import IntegrityError, transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role
from kefu.desk.crypto import seal
from kefu.desk.inbox.models import Channel
from kefu.desk.inbox.queries import ChannelInfo, channel_info, channel_row
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


def change_channel(
    actor: Actor,
    *,
    channel_id: str,
    name: str | None = None,
    settings: dict[str, Any] | None = None,
    assistant_on: bool | None = None,
    is_active: bool | None = None,
) -> ChannelInfo:
    """Change what is given of a channel; a setting that is given as None is taken away.

    Raises Conflict for a name that is taken, NotFound, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    try:
        with transaction.atomic():
            row = channel_row(actor, channel_id, lock=True)
            before = _kept(row)
            row.name = row.name if name is None else name
            given = {**row.settings, **(settings or {})}
            row.settings = {key: value for key, value in given.items() if value is not None}
            row.assistant_on = row.assistant_on if assistant_on is None else assistant_on
            row.is_active = row.is_active if is_active is None else is_active
            row.save(update_fields=["name", "settings", "assistant_on", "is_active"])
            announce(actor.workspace_id, "channel.updated", row.id)
            audit(actor, "channel.updated", row.id, before=before, after=_kept(row))
    except IntegrityError:
        raise Conflict(f"There is a channel {name!r} already.", name=name) from None
    return channel_info(row)


def new_identity_secret(actor: Actor, *, channel_id: str) -> str:
    """Make the secret that signs users' ids on the company's own pages; the old one ends. Raises NotFound, NotAllowed.

    It is kept sealed and not as a hash, since Kefu computes signatures with it.
    """
    actor.require_role(Role.ADMIN)
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        row = channel_row(actor, channel_id, lock=True)
        row.sealed_identity_secret = seal(workspace_key(actor.workspace_id), secret, about=row.id)
        row.save(update_fields=["sealed_identity_secret"])
        announce(actor.workspace_id, "channel.updated", row.id)
        audit(actor, "channel.identity_secret_made", row.id)
    return secret


def _kept(row: Channel) -> dict[str, Any]:
    return {
        "name": row.name,
        "settings": row.settings,
        "assistant_on": row.assistant_on,
        "is_active": row.is_active,
    }
