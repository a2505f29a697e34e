"""Reads of channels."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.crypto import unseal
from kefu.desk.inbox.models import Channel
from kefu.kit.errors import NotFound


@dataclass(frozen=True)
class ChannelInfo:
    id: str
    workspace_id: str
    kind: str
    name: str
    settings: dict[str, Any]
    assistant_on: bool
    is_active: bool
    created_at: datetime
    has_identity_secret: bool


def channels(actor: Actor) -> list[ChannelInfo]:
    actor.require(scope=Scope.CONVERSATIONS, role=Role.VIEWER)
    return [channel_info(row) for row in Channel.objects.of(actor.workspace_id).order_by("created_at")]


def channel(actor: Actor, channel_id: str) -> ChannelInfo:
    """Raises NotFound, NotAllowed."""
    return channel_info(channel_row(actor, channel_id))


def channel_row(actor: Actor, channel_id: str, *, lock: bool = False) -> Channel:
    actor.require(scope=Scope.CONVERSATIONS, role=Role.VIEWER)
    rows = Channel.objects.of(actor.workspace_id)
    row = (rows.select_for_update() if lock else rows).filter(id=channel_id).first()
    if row is None:
        raise NotFound("There is no such channel.", channel=channel_id)
    return row


def identity_secret(channel: ChannelInfo) -> str | None:
    """What signs users' ids on a channel; None where no secret was made."""
    row = Channel.objects.of(channel.workspace_id).filter(id=channel.id).first()
    if row is None or row.sealed_identity_secret is None:
        return None
    return unseal(workspace_key(row.workspace_id), row.sealed_identity_secret, about=row.id).decode()


def channel_for_visitors(channel_id: str) -> ChannelInfo:
    """A channel that browsers may come through.

    Raises NotFound for one that is switched off, or is no web channel.
    """
    row = Channel.objects.across_workspaces("a visitor knows only the channel's id").filter(id=channel_id).first()
    if row is None or not row.is_active or row.kind != "web":
        raise NotFound("There is no such channel.", channel=channel_id)
    return channel_info(row)


def channel_of_kind(actor: Actor, kind: str) -> ChannelInfo | None:
    row = Channel.objects.of(actor.workspace_id).filter(kind=kind, is_active=True).order_by("created_at").first()
    return channel_info(row) if row else None


def channel_info(row: Channel) -> ChannelInfo:
    return ChannelInfo(
        row.id,
        row.workspace_id,
        row.kind,
        row.name,
        row.settings,
        row.assistant_on,
        row.is_active,
        row.created_at,
        row.sealed_identity_secret is not None,
    )
