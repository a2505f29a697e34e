"""Routes of channels that are plug-ins: kinds, set-up, checks, traffic, and what could not be delivered."""

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Status

from kefu.contracts.channel import manifest, manifests
from kefu.desk.actor import Actor, Role
from kefu.desk.channels import check_channel, hook_address, send_test
from kefu.desk.http.entry import member
from kefu.desk.inbox import actions, queries
from kefu.desk.inbox import channel_schemas as schemas
from kefu.desk.inbox.schemas import Channel
from kefu.desk.inbox.schemas import channel as channel_json

router = Router(auth=member)

_STATES = {"failed": ("dead", "unsure"), "kept": ("kept",), "undone": ("pending", "claimed"), "sent": ("sent",)}


@router.get("/channel-kinds", response=schemas.Kinds, tags=["Channels"])
def kinds(request: HttpRequest) -> dict[str, Any]:
    """What can be added, and what each kind's form asks for."""
    _actor(request).require_role(Role.VIEWER)
    return {"kinds": [schemas.kind(each) for each in manifests()]}


@router.post("/channel-kinds/{kind}/channels", response={201: schemas.MadePlugIn}, tags=["Channels"])
def add(request: HttpRequest, kind: str, body: schemas.NewPlugIn) -> Status[Any]:
    """Add a channel of one of the kinds. Secrets that were left empty are made up and shown once."""
    made, secrets = actions.add_channel(
        _actor(request), kind=kind, name=body.name, values=body.values, assistant_on=body.assistant_on
    )
    return Status(201, {"channel": channel_json(made), "hook": _hook(made.id, kind), "secrets": secrets})


@router.get("/channels/{channel_id}/setup", response=schemas.SetUp, tags=["Channels"])
def setup(request: HttpRequest, channel_id: str) -> dict[str, Any]:
    """A channel's form as it is filled in, secrets left out, and the address that its provider calls, if any."""
    return _setup(_actor(request), channel_id)


@router.patch("/channels/{channel_id}/setup", response=schemas.SetUp, tags=["Channels"])
def change_setup(request: HttpRequest, channel_id: str, body: schemas.Values) -> dict[str, Any]:
    """Change what is given of a channel's form."""
    actions.change_values(_actor(request), channel_id=channel_id, values=body.values)
    return _setup(_actor(request), channel_id)


@router.post("/channels/{channel_id}/check", response=schemas.Checks, tags=["Channels"])
def check(request: HttpRequest, channel_id: str) -> dict[str, Any]:
    """Try a channel's settings, live."""
    return {"checks": [schemas.check(each) for each in check_channel(_actor(request), channel_id=channel_id)]}


@router.post("/channels/{channel_id}/test-message", response=schemas.ChannelCheck, tags=["Channels"])
def test_message(request: HttpRequest, channel_id: str, body: schemas.TestMessage) -> dict[str, Any]:
    """Send a message to somebody whom the channel knows, now."""
    return schemas.check(send_test(_actor(request), channel_id=channel_id, to=body.to, text=body.text))


@router.post("/channels/{channel_id}/pause", response=Channel, tags=["Channels"])
def pause(request: HttpRequest, channel_id: str) -> dict[str, Any]:
    """Send nothing through a channel for now; what customers send is still stored."""
    return channel_json(actions.pause_channel(_actor(request), channel_id=channel_id))


@router.post("/channels/{channel_id}/resume", response=Channel, tags=["Channels"])
def resume(request: HttpRequest, channel_id: str) -> dict[str, Any]:
    """Go on, with what has waited first."""
    return channel_json(actions.resume_channel(_actor(request), channel_id=channel_id))


@router.get("/channels/{channel_id}/traffic", response=schemas.ChannelTraffic, tags=["Channels"])
def traffic(request: HttpRequest, channel_id: str, hours: Query[int] = 24) -> dict[str, Any]:
    """What went through a channel lately, and what was refused and why."""
    return schemas.traffic(queries.traffic(_actor(request), channel_id, hours=max(1, min(hours, 24 * 31))))


@router.get("/channels/{channel_id}/deliveries", response=schemas.Deliveries, tags=["Channels"])
def deliveries(
    request: HttpRequest, channel_id: str, state: Query[Literal["failed", "kept", "undone", "sent"]] = "failed"
) -> dict[str, Any]:
    """Replies of a channel: those that failed or may not have arrived, those that are kept, that wait, that went."""
    found = queries.deliveries(_actor(request), channel_id, states=_STATES[state])
    return {"deliveries": [schemas.delivery(each) for each in found]}


@router.post("/channels/{channel_id}/deliveries/resend", response=schemas.Resent, tags=["Channels"])
def resend_all(request: HttpRequest, channel_id: str) -> dict[str, int]:
    """Send again all that was refused or tried too often; not what may have arrived."""
    return {"count": actions.resend_all(_actor(request), channel_id=channel_id)}


@router.post("/deliveries/{delivery_id}/resend", response=schemas.Delivery, tags=["Channels"])
def resend(request: HttpRequest, delivery_id: str) -> dict[str, Any]:
    """Send one reply again."""
    actions.resend(_actor(request), delivery_id=delivery_id)
    return schemas.delivery(queries.delivery(_actor(request), delivery_id))


@router.post("/deliveries/{delivery_id}/drop", response=schemas.Delivery, tags=["Channels"])
def drop(request: HttpRequest, delivery_id: str) -> dict[str, Any]:
    """Nothing more is needed for this reply."""
    actions.drop(_actor(request), delivery_id=delivery_id)
    return schemas.delivery(queries.delivery(_actor(request), delivery_id))


def _setup(actor: Actor, channel_id: str) -> dict[str, Any]:
    values = queries.shown_values(actor, channel_id)
    kind = queries.channel(actor, channel_id).kind
    return {"kind": kind, "hook": _hook(channel_id, kind), "values": values}


def _hook(channel_id: str, kind: str) -> str:
    """The address that a provider calls; empty where none does."""
    return hook_address(channel_id) if manifest(kind).capabilities.called else ""


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]
