"""Requests and responses about contacts."""

from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import ConfigDict, Field

Value = str | int | float | bool | None


class ProfileChange(Schema):
    """What is given is changed; null takes it away."""

    model_config = ConfigDict(extra="forbid")

    profile: dict[str, Value] = Field(max_length=50)


class Identity(Schema):
    channel: str
    id: str


class Contact(Schema):
    id: str
    name: str
    profile: dict[str, Any]
    language: str
    created_at: datetime
    last_seen_at: datetime
    identities: list[Identity]
