"""Reads of channels."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kefu.contracts.channel import manifest
from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.crypto import unseal
from kefu.desk.inbox.models import Channel, ChannelValue
from kefu.desk.rows import now
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
    paused_at: datetime | None = None
    checked_at: datetime | None = None
    last_error: str = ""
    last_error_texts: Mapping[str, str] = field(default_factory=dict)
    last_error_at: datetime | None = None
    recovered_at: datetime | None = None


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


def channel_with_values(channel_id: str) -> tuple[ChannelInfo, dict[str, Any]]:
    """A channel that is switched on, with its form's values, secrets opened: for whoever runs it. Raises NotFound."""
    rows = Channel.objects.across_workspaces("a provider knows only the channel's id")
    row = rows.filter(id=channel_id, is_active=True).first()
    if row is None:
        raise NotFound("There is no such channel.", channel=channel_id)
    return channel_info(row), opened_values(row)


def channel_kind(workspace_id: str, channel_id: str) -> str:
    """A channel's kind; empty for one that is gone."""
    return Channel.objects.of(workspace_id).filter(id=channel_id).values_list("kind", flat=True).first() or ""


def shown_values(actor: Actor, channel_id: str) -> dict[str, Any]:
    """A channel's form as a member sees it: of secrets, only whether they are set. Raises NotFound, NotAllowed."""
    actor.require_role(Role.ADMIN)
    row = channel_row(actor, channel_id)
    values = opened_values(row)
    return {key: bool(value) if key in manifest(row.kind).secrets else value for key, value in values.items()}


def opened_values(row: Channel) -> dict[str, Any]:
    """The values of a channel's form, with its secrets: never to be shown or logged."""
    if row.sealed_values is None:
        return {}
    values: dict[str, Any] = json.loads(unseal(workspace_key(row.workspace_id), row.sealed_values, about=row.id))
    return values


def pushing_channels() -> list[ChannelInfo]:
    """Every channel in work that is a plug-in's, of every workspace: for dispatch."""
    rows = Channel.objects.across_workspaces("dispatch works for all").filter(is_active=True, paused_at__isnull=True)
    return [channel_info(row) for row in rows.exclude(kind__in=["web", "api"])]


def recalled(channel_id: str, name: str) -> str | None:
    """A value that a channel's processes share, unless its time is over."""
    rows = ChannelValue.objects.across_workspaces("the channel names its workspace")
    row = rows.filter(channel_id=channel_id, name=name, expires_at__gt=now()).first()
    if row is None:
        return None
    return unseal(workspace_key(row.workspace_id), row.sealed_value, about=f"{channel_id} {name}").decode()


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
        row.paused_at,
        row.checked_at,
        row.last_error,
        row.last_error_texts,
        row.last_error_at,
        row.recovered_at,
    )
