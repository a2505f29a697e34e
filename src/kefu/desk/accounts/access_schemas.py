"""Requests and responses about second factors, sessions and single sign-on."""

from datetime import datetime
from typing import Literal

from ninja import Schema
from pydantic import Field

from kefu.desk.accounts.schemas import Code, Request


class Password(Request):
    password: str = Field(max_length=1000)


__all__ = ["Code"]


class SecondFactor(Schema):
    """`required_by`: titles of one's workspaces that ask for a second factor."""

    is_on: bool
    since: datetime | None
    codes_left: int
    required_by: list[str]


class NewSecondFactor(Schema):
    """The secret in letters, as an address, and as a QR code (a data address)."""

    secret: str
    address: str
    picture: str


class RecoveryCodes(Schema):
    """Shown once; each opens once."""

    recovery_codes: list[str]


class SignIn(Schema):
    """`way` is password or sso."""

    id: str
    browser: str
    device: str
    address: str
    way: str
    created_at: datetime
    last_seen_at: datetime
    is_current: bool


class SignIns(Schema):
    sessions: list[SignIn]


class Ended(Schema):
    ended: int


class SignOnWay(Schema):
    slug: str
    title: str


class SignOnWays(Schema):
    """The workspace that was named, or the only one there is, where it lets people in by their company's account."""

    workspace: SignOnWay | None


class SignOn(Schema):
    issuer: str
    client_id: str
    has_secret: bool
    domains: list[str]
    newcomer_role: str
    trusts_unverified: bool
    is_on: bool
    is_only_way: bool
    break_glass: str | None
    address: str
    redirect: str


class SignOnChange(Request):
    """What is given is changed. `newcomer_role` empty: only members come in."""

    issuer: str | None = Field(default=None, max_length=300)
    client_id: str | None = Field(default=None, max_length=300)
    secret: str | None = Field(default=None, max_length=1000)
    domains: list[str] | None = None
    newcomer_role: Literal["", "supervisor", "agent", "viewer"] | None = None
    trusts_unverified: bool | None = None
    is_on: bool | None = None
    is_only_way: bool | None = None
    break_glass: str | None = None
