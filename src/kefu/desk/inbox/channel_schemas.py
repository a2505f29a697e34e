"""Requests and responses about channels that are plug-ins: their kinds, forms, checks, traffic and deliveries."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import Field

from kefu.contracts import channel as contract
from kefu.desk.inbox.queries import DeliveryInfo, Traffic
from kefu.desk.inbox.schemas import Channel, Request

Texts = dict[str, str]
Value = str | bool | None


class FormField(Schema):
    key: str
    label: Texts
    help: Texts
    kind: Literal["text", "secret", "select", "bool"]
    required: bool
    default: str | bool
    pattern: str
    choices: dict[str, Texts]
    generated: bool


class Quota(Schema):
    messages: int
    seconds: int


class Capabilities(Schema):
    sound: bool
    images: bool
    files: bool
    buttons: bool
    called: bool
    greets: bool
    polls: bool
    length: int
    quota: Quota | None


class Kind(Schema):
    kind: str
    title: Texts
    help: Texts
    fields: list[FormField]
    capabilities: Capabilities


class Kinds(Schema):
    kinds: list[Kind]


class NewPlugIn(Request):
    name: str = Field(min_length=1, max_length=100)
    values: dict[str, Value] = Field(default_factory=dict)
    assistant_on: bool = True


class MadePlugIn(Schema):
    """`secrets` are the ones that were made up: shown now and never again."""

    channel: Channel
    hook: str
    secrets: dict[str, str]


class SetUp(Schema):
    """`values` are the form's; of a secret, only whether it is set."""

    kind: str
    hook: str
    values: dict[str, str | bool]


class Values(Request):
    """What is given is changed; null takes a value away."""

    values: dict[str, Value]


class ChannelCheck(Schema):
    name: str
    passed: bool
    sentence: Texts
    field: str


class Checks(Schema):
    checks: list[ChannelCheck]


class TestMessage(Request):
    """`to` is a customer as the channel knows them: a chat's id, an openid."""

    to: str = Field(min_length=1, max_length=300)
    text: str = Field(min_length=1, max_length=1000)


class ChannelTraffic(Schema):
    hours: int
    received: int
    sent: int
    undone: int
    kept: int
    failed: int
    refused: dict[str, int]


class Delivery(Schema):
    id: str
    channel: str
    conversation: str
    message: str
    state: Literal["pending", "claimed", "kept", "sent", "unsure", "dead", "dropped"]
    attempts: int
    due_at: datetime
    created_at: datetime
    sent_at: datetime | None
    error: str
    text: str


class Deliveries(Schema):
    deliveries: list[Delivery]


class Resent(Schema):
    count: int


def kind(found: contract.Manifest) -> dict[str, Any]:
    able = found.capabilities
    return {
        "kind": found.kind,
        "title": found.title,
        "help": found.help,
        "fields": [{**vars(each), "generated": each.generated > 0} for each in found.fields],
        "capabilities": {**vars(able), "quota": vars(able.quota) if able.quota else None},
    }


def check(found: contract.Check) -> dict[str, Any]:
    return vars(found)


def traffic(found: Traffic) -> dict[str, Any]:
    return {**vars(found), "refused": dict(found.refused)}


def delivery(row: DeliveryInfo) -> dict[str, Any]:
    return {
        **vars(row),
        "channel": row.channel_id,
        "conversation": row.conversation_id,
        "message": row.message_id,
    }
