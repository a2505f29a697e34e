"""Writes of channels."""

import json
import secrets
import string
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from kefu.contracts.channel import manifest
from kefu.desk.accounts.actions import announce, audit
from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role
from kefu.desk.crypto import seal
from kefu.desk.inbox.models import Channel, ChannelValue, Refusal
from kefu.desk.inbox.queries import ChannelInfo, channel_info, channel_row, opened_values, recalled
from kefu.desk.rows import now
from kefu.kit.errors import Conflict

_ERROR = 300  # characters, the column's


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


def add_channel(
    actor: Actor, *, kind: str, name: str, values: Mapping[str, Any], assistant_on: bool = True
) -> tuple[ChannelInfo, dict[str, str]]:
    """Make a channel of a plug-in's kind from its form; gives it, and the secrets that were made up, to be shown once.

    Raises BadInput that names the field, NotFound for a kind that is not installed, Conflict for a name that is taken.
    """
    actor.require_role(Role.ADMIN)
    form = manifest(kind)
    made = {each.key: _random(each.generated) for each in form.fields if each.generated and not values.get(each.key)}
    whole = form.checked({**values, **made})
    with transaction.atomic():
        info = make_channel(actor, kind=kind, name=name, assistant_on=assistant_on)
        row = channel_row(actor, info.id, lock=True)
        _seal_values(row, whole)
    return channel_info(row), made


def change_values(actor: Actor, *, channel_id: str, values: Mapping[str, Any]) -> ChannelInfo:
    """Change what is given of a channel's form; None takes a value away. Raises BadInput, NotFound, NotAllowed."""
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        row = channel_row(actor, channel_id, lock=True)
        _seal_values(row, manifest(row.kind).changed(opened_values(row), values))
        announce(actor.workspace_id, "channel.updated", row.id)
        audit(actor, "channel.values_changed", row.id, after={"fields": sorted(values)})
    return channel_info(row)


def pause_channel(actor: Actor, *, channel_id: str) -> ChannelInfo:
    """Send nothing through a channel and fetch nothing; what customers send is still stored. Twice is harmless.

    Raises NotFound, also for a channel that is no plug-in's, NotAllowed.
    """
    return _pause(actor, channel_id, paused=True)


def resume_channel(actor: Actor, *, channel_id: str) -> ChannelInfo:
    """Send what has waited since the channel was paused. Twice is harmless."""
    return _pause(actor, channel_id, paused=False)


def note_check(channel_id: str, *, workspace_id: str, error: Mapping[str, str]) -> None:
    """Keep how a live check of a channel ended; `error`, by language, is empty where all passed."""
    said = {language: text[:_ERROR] for language, text in error.items()}
    columns: dict[str, Any] = {"checked_at": now(), "last_error": said.get("en", ""), "last_error_texts": said}
    if error:
        columns["last_error_at"] = now()
    Channel.objects.of(workspace_id).filter(id=channel_id).update(**columns)


def note_error(channel_id: str, *, workspace_id: str, error: str) -> None:
    """Keep what went wrong with a channel last."""
    mine = Channel.objects.of(workspace_id).filter(id=channel_id)
    mine.update(last_error=error[:_ERROR], last_error_texts={}, last_error_at=now())


def note_recovery(channel_id: str, *, workspace_id: str) -> None:
    """Keep that something went through a channel again; nothing is written where nothing had failed since."""
    failed = Channel.objects.of(workspace_id).filter(id=channel_id, last_error_at__isnull=False)
    failed.filter(Q(recovered_at=None) | Q(recovered_at__lt=F("last_error_at"))).update(recovered_at=now())


def count_refusals(counts: Mapping[tuple[str, str, str], int]) -> None:
    """Add to the number of refused requests, by workspace, channel and reason."""
    today = now().date()
    with transaction.atomic():
        channels = Channel.objects.across_workspaces("of whichever channels requests were refused")
        there = set(channels.filter(id__in={key[1] for key in counts}).values_list("id", flat=True))
        for (workspace_id, channel_id, reason), count in counts.items():
            if channel_id not in there:  # its workspace was erased meanwhile
                continue
            mine = Refusal.objects.of(workspace_id)
            row, _ = mine.select_for_update().get_or_create(
                channel_id=channel_id, day=today, reason=reason, defaults={"workspace_id": workspace_id}
            )
            mine.filter(id=row.id).update(count=F("count") + count)


def remember(channel_id: str, name: str, value: str, *, seconds: float) -> None:
    """Keep a value that a channel's processes share, for so long; an empty one is forgotten."""
    channel = Channel.objects.across_workspaces("the channel names its workspace").get(id=channel_id)
    mine = ChannelValue.objects.of(channel.workspace_id).filter(channel_id=channel_id, name=name)
    if not value:
        mine.delete()
        return
    sealed = seal(workspace_key(channel.workspace_id), value, about=f"{channel_id} {name}")
    expires_at = now() + timedelta(seconds=seconds)
    ChannelValue.objects.bulk_create(
        [
            ChannelValue(
                workspace_id=channel.workspace_id,
                channel_id=channel_id,
                name=name,
                sealed_value=sealed,
                expires_at=expires_at,
            )
        ],
        update_conflicts=True,
        unique_fields=["channel", "name"],
        update_fields=["sealed_value", "expires_at"],
    )


def take_watch(channel_id: str, *, worker: str, seconds: float) -> bool:
    """Whether this worker is the one that fetches a channel's messages for the next seconds."""
    with transaction.atomic():
        rows = Channel.objects.across_workspaces("dispatch works for all").select_for_update()
        if not rows.filter(id=channel_id, is_active=True, paused_at__isnull=True).exists():
            return False
        held = recalled(channel_id, "watch")
        if held not in (None, worker):
            return False
        remember(channel_id, "watch", worker, seconds=seconds)
    return True


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


def _pause(actor: Actor, channel_id: str, *, paused: bool) -> ChannelInfo:
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        row = channel_row(actor, channel_id, lock=True)
        if paused:
            manifest(row.kind)  # what is built in sends nothing that could wait
        if (row.paused_at is not None) != paused:
            row.paused_at = now() if paused else None
            row.save(update_fields=["paused_at"])
            announce(actor.workspace_id, "channel.updated", row.id)
            action, before, after = "channel.paused", {"paused": not paused}, {"paused": paused}
            audit(actor, action if paused else "channel.resumed", row.id, before=before, after=after)
    return channel_info(row)


def _seal_values(row: Channel, values: Mapping[str, Any]) -> None:
    row.sealed_values = seal(workspace_key(row.workspace_id), json.dumps(values), about=row.id)
    row.save(update_fields=["sealed_values"])


def _random(length: int) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))


def _kept(row: Channel) -> dict[str, Any]:
    return {
        "name": row.name,
        "settings": row.settings,
        "assistant_on": row.assistant_on,
        "is_active": row.is_active,
    }
