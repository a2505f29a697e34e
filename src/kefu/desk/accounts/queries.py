"""Reads of workspaces, members, keys and events."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from kefu.desk.accounts.models import ApiKey, AuditEntry, Event, Member, Workspace
from kefu.desk.actor import Actor, Role
from kefu.desk.crypto import digest
from kefu.desk.crypto import workspace_key as unwrapped
from kefu.desk.rows import now
from kefu.kit.errors import NotFound, NotSignedIn


@dataclass(frozen=True)
class WorkspaceInfo:
    id: str
    slug: str
    title: str
    default_language: str


@dataclass(frozen=True)
class MemberInfo:
    id: str
    workspace_id: str
    email: str
    name: str
    role: Role
    is_active: bool
    created_at: datetime


@dataclass(frozen=True)
class KeyInfo:
    """An API key without its secret; `hint` is its first letters."""

    id: str
    name: str
    hint: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True)
class EventInfo:
    id: int
    workspace_id: str
    kind: str
    row_id: str
    conversation_id: str


@dataclass(frozen=True)
class AuditInfo:
    id: int
    at: datetime
    actor_kind: str
    actor_id: str
    action: str
    row_id: str
    before: object
    after: object


def workspace_named(slug: str) -> WorkspaceInfo:
    """Raises NotFound with the names that exist."""
    row = Workspace.objects.filter(slug=slug).first()
    if row is None:
        names = ", ".join(Workspace.objects.order_by("slug").values_list("slug", flat=True)[:20]) or "none yet"
        raise NotFound(f"There is no workspace {slug!r}. There are: {names}.", workspace=slug)
    return _workspace(row)


def workspace(workspace_id: str) -> WorkspaceInfo:
    row = Workspace.objects.filter(id=workspace_id).first()
    if row is None:
        raise NotFound("There is no such workspace.", workspace=workspace_id)
    return _workspace(row)


def workspaces() -> list[WorkspaceInfo]:
    return [_workspace(row) for row in Workspace.objects.order_by("slug")]


@cache
def workspace_key(workspace_id: str) -> bytes:
    """The 32-byte key that seals this workspace's originals; it never changes while the workspace lives."""
    row = Workspace.objects.only("sealed_key").get(id=workspace_id)
    return unwrapped(bytes(row.sealed_key))


def members(actor: Actor) -> list[MemberInfo]:
    actor.require_role(Role.VIEWER)
    rows = Member.objects.of(actor.workspace_id).select_related("user").order_by("created_at")
    return [member_info(row) for row in rows]


def member_names(workspace_id: str, member_ids: set[str]) -> dict[str, str]:
    """Names of members as customers see them."""
    if not member_ids:
        return {}
    rows = Member.objects.of(workspace_id).filter(id__in=member_ids).select_related("user")
    return {row.id: row.user.name for row in rows}


def keys(actor: Actor) -> list[KeyInfo]:
    actor.require_role(Role.ADMIN)
    return [key_info(row) for row in ApiKey.objects.of(actor.workspace_id).order_by("created_at")]


def actor_of_key(secret: str) -> Actor:
    """Whom an API key speaks for.

    Raises NotSignedIn for a key that is unknown, revoked or expired.
    """
    row = ApiKey.objects.across_workspaces("the key names its workspace").filter(digest=digest(secret)).first()
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now()):
        raise NotSignedIn("The API key is not valid.")
    return Actor(workspace_id=row.workspace_id, kind="key", id=row.id, scopes=frozenset(row.scopes))


def audit_trail(actor: Actor, *, limit: int = 100, before: int | None = None) -> list[AuditInfo]:
    """Newest first; `before` is an entry's id, for paging."""
    actor.require_role(Role.ADMIN)
    rows = AuditEntry.objects.of(actor.workspace_id).order_by("-id")
    if before is not None:
        rows = rows.filter(id__lt=before)
    return [
        AuditInfo(r.id, r.created_at, r.actor_kind, r.actor_id, r.action, r.row_id, r.before, r.after)
        for r in rows[:limit]
    ]


def last_event_id() -> int:
    newest = Event.objects.across_workspaces("a reader starts at the end").order_by("-id").values_list("id", flat=True)
    return newest.first() or 0


def events_after(event_id: int, *, limit: int = 1000) -> list[EventInfo]:
    """Events of every workspace, oldest first, for the process's one reader, which hands each to those it concerns."""
    rows = Event.objects.across_workspaces("one reader a process").filter(id__gt=event_id).order_by("id")[:limit]
    return _events(rows)


def conversation_events(actor: Actor, conversation_id: str, *, after: int, limit: int = 500) -> list[EventInfo]:
    """What happened in one conversation since; the caller has checked that the actor may see it."""
    rows = Event.objects.of(actor.workspace_id).filter(id__gt=after, conversation_id=conversation_id).order_by("id")
    return _events(rows[:limit])


def member_info(row: Member) -> MemberInfo:
    return MemberInfo(
        row.id, row.workspace_id, row.user.email, row.user.name, Role(row.role), row.is_active, row.created_at
    )


def key_info(row: ApiKey) -> KeyInfo:
    return KeyInfo(
        row.id, row.name, row.hint, tuple(row.scopes), row.created_at, row.expires_at, row.revoked_at, row.last_used_at
    )


def _events(rows: Iterable[Event]) -> list[EventInfo]:
    return [EventInfo(row.id, row.workspace_id, row.kind, row.row_id, row.conversation_id) for row in rows]


def _workspace(row: Workspace) -> WorkspaceInfo:
    return WorkspaceInfo(row.id, row.slug, row.title, row.default_language)
