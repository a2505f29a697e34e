"""Requests and responses about people, workspaces, keys and the audit trail."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from kefu.desk.actor import Role, Scope


class Request(Schema):
    model_config = ConfigDict(extra="forbid")


class LogIn(Request):
    email: str = Field(max_length=254)
    password: str = Field(max_length=1000)


class Code(Request):
    """Six digits of the authenticator app, or a recovery code."""

    code: str = Field(max_length=40)


class Preferences(Request):
    workspace: str | None = None
    name: str | None = Field(default=None, max_length=200)
    language: Literal["", "en", "zh"] | None = None
    theme: Literal["", "light", "dark"] | None = None
    notify_mail: bool | None = None


class PasswordChange(Request):
    old: str = Field(max_length=1000)
    new: str = Field(max_length=1000)


class Acceptance(Request):
    name: str = Field(default="", max_length=200)
    password: str = Field(max_length=1000)


class NewInvitation(Request):
    email: str = Field(max_length=254)
    role: Role = Role.AGENT
    name: str = Field(default="", max_length=200)
    send_mail: bool = False


class Again(Request):
    send_mail: bool = False


class MemberChange(Request):
    role: Role | None = None
    is_active: bool | None = None


class NewKey(Request):
    name: str
    scopes: list[Scope] = Field(default_factory=lambda: list(Scope))
    expires_at: datetime | None = None


class WorkspaceChange(Request):
    title: str | None = None
    default_language: str | None = None
    settings: dict[str, int | bool] = Field(default_factory=dict)


class Workspace(Schema):
    id: str
    slug: str
    title: str
    default_language: str


class WorkspaceWithRole(Schema):
    """`needs`: what keeps this session out, `sso` or `second_factor`; empty for nothing."""

    id: str
    slug: str
    title: str
    role: Role
    needs: str = ""


class Person(Schema):
    id: str
    email: str
    name: str
    language: str
    theme: str
    must_change_password: bool


class OwnMembership(Schema):
    id: str
    role: Role
    notify_mail: bool
    needs: str = ""


class Limits(Schema):
    """What files a message may hold: how many (0: none), and how many bytes each."""

    per_message: int
    bytes: int


class Speech(Schema):
    """Whether recordings can be written down here, and texts read aloud."""

    hear: bool
    speak: bool


class Session(Schema):
    """`csrf` goes into X-CSRFToken of every unsafe request. All else is null for who is not signed in.

    `second_factor`: the password was right, and a code is asked for (POST /session/code). `way` is password or sso.
    """

    csrf: str
    second_factor: bool = False
    way: str | None = None
    attachments: Limits | None = None
    speech: Speech | None = None
    user: Person | None = None
    workspace: Workspace | None = None
    member: OwnMembership | None = None
    workspaces: list[WorkspaceWithRole] = Field(default_factory=list)


class Invitation(Schema):
    workspace: Workspace
    email: str
    role: Role
    has_password: bool


class Member(Schema):
    id: str
    email: str
    name: str
    role: Role
    is_active: bool
    is_invited: bool
    created_at: datetime


class Members(Schema):
    members: list[Member]


class Invited(Schema):
    member: Member
    link: str
    expires_at: datetime
    is_mailed: bool


class Key(Schema):
    id: str
    name: str
    hint: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class Keys(Schema):
    keys: list[Key]


class MadeKey(Schema):
    key: Key
    secret: str


class WorkspaceSettings(Schema):
    nobody_came_seconds: int
    mail_on_hand_over: bool
    mail_after_seconds: int
    away_after_seconds: int
    require_second_factor: bool
    keep_copilot_edits: bool


class Settings(Workspace):
    settings: WorkspaceSettings
    mail_configured: bool


class NewBusinessHours(Schema):
    """`weekly` by day, `mon` to `sun`: windows such as `["09:00", "18:00"]`; null for always."""

    time_zone: str = Field(max_length=64)
    weekly: dict[str, list[list[str]]] | None = None
    holidays: list[str] = Field(default_factory=list, max_length=400)


class BusinessHours(Schema):
    """`opens_at` is now while it is open; null where it never opens."""

    time_zone: str
    weekly: dict[str, list[list[str]]] | None
    holidays: list[str]
    is_open: bool
    opens_at: datetime | None


class AuditActor(Schema):
    kind: str
    id: str
    name: str


class AuditEntry(Schema):
    id: int
    at: datetime
    actor: AuditActor
    action: str
    row: str
    before: Any
    after: Any


class Audit(Schema):
    entries: list[AuditEntry]
    next: str | None


class Ticket(Schema):
    ticket: str
    expires_in: int


class AuditFilter(Schema):
    """`member` is a member's id, or key, system or visitor; `kind` an action, or its first word."""

    member: str = ""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None


class AuditKinds(Schema):
    kinds: list[str]


class Grant(Schema):
    """What a thing to do needs at least: `least` is a role; `roles` are all that may."""

    name: str
    least: str
    roles: list[str]


class Grants(Schema):
    grants: list[Grant]
