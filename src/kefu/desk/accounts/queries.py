"""Reads of workspaces, members, keys and events."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from time import monotonic
from typing import Any

from allauth.usersessions.models import UserSession
from django.db.models import Exists, OuterRef, Q

from kefu.desk.accounts.hours import ALWAYS, Hours, checked_hours, milliseconds
from kefu.desk.accounts.models import ApiKey, BusinessHours, Event, Member, SignOn, Workspace
from kefu.desk.actor import Actor, Role
from kefu.desk.crypto import digest, verify
from kefu.desk.crypto import workspace_key as unwrapped
from kefu.desk.rows import now
from kefu.desk.statements import execute
from kefu.kit.errors import NotAllowed, NotFound, NotSignedIn


@dataclass(frozen=True)
class WorkspaceInfo:
    id: str
    slug: str
    title: str
    default_language: str


@dataclass(frozen=True)
class WorkspaceSettings:
    """What a workspace may set. Seconds; `nobody_came_seconds` 0 means that the customer is never told."""

    # Five minutes: past them most people who wait at a chat have left.
    nobody_came_seconds: int = 300
    mail_on_hand_over: bool = True
    # Whoever looks at the console has taken the conversation before the mail goes out.
    mail_after_seconds: int = 30
    # Who comes with a password also gives a code of their authenticator app, and sets one up before anything else.
    require_second_factor: bool = False
    # Three minutes without a window: longer than a reload, a tunnel or a change of networks.
    away_after_seconds: int = 180
    # With the workspace's consent: suggested replies and what members sent in their place are kept to learn from.
    keep_copilot_edits: bool = False


BY_PASSWORD = "password"  # noqa: S105  a way in, not a secret

# Hours that were set take effect later than the longest time for which a process remembers the old ones.
HOURS_REMEMBERED_SECONDS, HOURS_LEAD_SECONDS = 20.0, 30.0


@dataclass(frozen=True)
class HoursBook:
    """A workspace's business hours as they were set, newest first: (since in milliseconds, hours)."""

    entries: tuple[tuple[int, Hours], ...] = ()

    def at(self, moment: int) -> Hours:
        """The hours in force at a moment, in milliseconds since 1970; always at work before any were set."""
        return next((hours for since, hours in self.entries if since <= moment), ALWAYS)

    def between(self, start: int, end: int) -> int:
        """Milliseconds of business hours in a stretch, by the hours in force at its end."""
        return self.at(end).between(start, end)


@dataclass(frozen=True)
class Membership:
    """One of a person's workspaces, and what they are there.

    `needs` is what keeps this session out of it: `sso` where only the company's own account opens it,
    `second_factor` where one is asked for; empty for nothing.
    """

    member_id: str
    role: Role
    wants_mail: bool
    workspace: WorkspaceInfo
    needs: str = ""


@dataclass(frozen=True)
class MemberInfo:
    """`is_invited`: the person has not chosen a password yet."""

    id: str
    workspace_id: str
    email: str
    name: str
    role: Role
    is_active: bool
    is_invited: bool
    created_at: datetime


@dataclass(frozen=True)
class Invitation:
    member: MemberInfo
    workspace: WorkspaceInfo


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
    actor_name: str
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


def workspace_settings(workspace_id: str) -> WorkspaceSettings:
    """A workspace's settings; what it never set has its default."""
    stored: dict[str, Any] = Workspace.objects.values_list("settings", flat=True).get(id=workspace_id)
    known = {name: value for name, value in stored.items() if name in WorkspaceSettings.__dataclass_fields__}
    return WorkspaceSettings(**known)


def hours_book(workspace_id: str) -> HoursBook:
    """All business hours of a workspace; read again when what this process remembers may be old."""
    book = remembered_hours(workspace_id)
    if book is None:
        rows = BusinessHours.objects.of(workspace_id).order_by("-since").values_list("since", "hours")
        book = HoursBook(tuple((milliseconds(since), checked_hours(**hours)) for since, hours in rows))
        _books[workspace_id] = (monotonic(), book)
    return book


def remembered_hours(workspace_id: str) -> HoursBook | None:
    """As `hours_book`, but None in place of reading them: for who must not block."""
    known = _books.get(workspace_id)
    return known[1] if known is not None and monotonic() - known[0] <= HOURS_REMEMBERED_SECONDS else None


def forget_hours(workspace_id: str) -> None:
    """This process reads the business hours again when next asked."""
    _books.pop(workspace_id, None)


def hours_set(actor: Actor) -> Hours:
    """The business hours that were set last, in force or about to be. Raises NotAllowed."""
    actor.require_role(Role.VIEWER)
    entries = hours_book(actor.workspace_id).entries
    return entries[0][1] if entries else ALWAYS


def memberships(user_id: str, *, way: str = BY_PASSWORD, second: bool = True) -> list[Membership]:
    """Where a person is an active member, oldest first, and what a session opened this way lacks for each.

    `way` is `password` or `sso:WORKSPACE`: who came through a workspace's own server is there alone. `second`: they
    gave a second factor.
    """
    rows = Member.objects.across_workspaces("a person's own memberships").filter(user_id=user_id, is_active=True)
    if way != BY_PASSWORD:
        rows = rows.filter(workspace_id=way.removeprefix("sso:"))
    rows = rows.annotate(is_kept_out=_is_kept_out())
    return [
        Membership(row.id, Role(row.role), row.wants_mail, _workspace(row.workspace), _needs(row, way, second))
        for row in rows.select_related("workspace").order_by("created_at")
    ]


def actor_of_member(workspace_id: str, member_id: str, *, sign_in: str = "") -> Actor:
    """A member as they are now; `sign_in` is the session that they act in.

    Raises NotSignedIn when the membership or the session has ended, or no longer opens the workspace.
    """
    rows = Member.objects.of(workspace_id).select_related("workspace").annotate(is_kept_out=_is_kept_out())
    row = rows.filter(id=member_id, is_active=True, user__is_active=True).first()
    if row is None:
        raise NotSignedIn("You are no longer a member of this workspace.")
    if sign_in:
        data = UserSession.objects.filter(pk=sign_in, user_id=row.user_id).values_list("data", flat=True).first()
        if data is None or _needs(row, data.get("way", BY_PASSWORD), bool(data.get("second_factor"))):
            raise NotSignedIn("This session has ended.")
    return Actor(workspace_id, "member", row.id, role=Role(row.role), sign_in=sign_in)


def require_over(actor: Actor, row: Member) -> None:
    """Let pass who may change how a member comes in: admins, for other admins and owners only owners.

    A person has one password and one second factor for all of their workspaces, so somebody in several is changed
    by nobody but Kefu itself: the command line. Raises NotAllowed.
    """
    high = row.role in {Role.OWNER, Role.ADMIN}
    actor.require_role(Role.OWNER if high else Role.ADMIN)
    if actor.kind == "system":
        return
    elsewhere = Member.objects.across_workspaces("whether somebody is elsewhere, too").filter(user_id=row.user_id)
    if elsewhere.exclude(workspace_id=actor.workspace_id).filter(is_active=True).exists():
        raise NotAllowed(
            "They are in another workspace, too; whoever runs Kefu can do this: kefu members --help.", member=row.id
        )


def addresses(workspace_id: str, *, least: Role) -> list[tuple[str, str]]:
    """Mail address and language of the active members of at least this role who want mail."""
    order = list(Role)
    roles = [role.value for role in order[: order.index(least) + 1]]
    rows = Member.objects.of(workspace_id).filter(is_active=True, wants_mail=True, role__in=roles)
    return list(rows.order_by("created_at").values_list("user__email", "user__language"))


def mail_of(workspace_id: str, member_ids: list[str]) -> list[tuple[str, str]]:
    """Mail address and language of those of these members who are active, in their own order."""
    rows = Member.objects.of(workspace_id).filter(is_active=True, id__in=member_ids)
    return list(rows.order_by("created_at").values_list("user__email", "user__language"))


def invitation(token: str) -> Invitation:
    """What an invitation's link opens. Raises NotSignedIn when it is forged, expired or used."""
    row = invited(token)
    return Invitation(member_info(row), _workspace(row.workspace))


def invited(token: str) -> Member:
    payload = verify(token, purpose="invitation")
    rows = Member.objects.of(payload["w"]).select_related("user", "workspace")
    row = rows.filter(id=payload["m"], is_active=True).first()
    if row is None or fingerprint(row) != payload["p"]:
        raise NotSignedIn("This invitation was used or withdrawn; ask for a new one.")
    return row


def fingerprint(row: Member) -> str:
    """Changes with the person's password, so that an invitation opens once."""
    return digest(row.user.password + row.sso_subject)[:16]


def member(actor: Actor, member_id: str) -> MemberInfo:
    """Raises NotFound, NotAllowed."""
    actor.require_role(Role.VIEWER)
    return member_info(member_row(actor.workspace_id, member_id))


def member_row(workspace_id: str, member_id: str) -> Member:
    row = Member.objects.of(workspace_id).select_related("user").filter(id=member_id).first()
    if row is None:
        raise NotFound("There is no such member.", member=member_id)
    return row


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


def last_event_id() -> int:
    newest = Event.objects.across_workspaces("a reader starts at the end").order_by("-id").values_list("id", flat=True)
    return newest.first() or 0


def events_after(event_id: int, *, limit: int = 1000) -> list[EventInfo]:
    """Events of every workspace, oldest first, for the process's one reader, which hands each to those it concerns."""
    # Each process reads each event that there is: of rows the ORM would make, most are nobody's business here.
    sql = (
        "SELECT id, workspace_id, kind, row_id, conversation_id FROM accounts_event WHERE id > %s ORDER BY id LIMIT %s"
    )
    return [EventInfo(*row) for row in execute(sql, [event_id, limit])]


def conversation_events(actor: Actor, conversation_id: str, *, after: int, limit: int = 500) -> list[EventInfo]:
    """What happened in one conversation since; the caller has checked that the actor may see it."""
    rows = Event.objects.of(actor.workspace_id).filter(id__gt=after, conversation_id=conversation_id).order_by("id")
    return _events(rows[:limit])


def member_info(row: Member) -> MemberInfo:
    return MemberInfo(
        row.id,
        row.workspace_id,
        row.user.email,
        row.user.name,
        Role(row.role),
        row.is_active,
        not row.user.has_usable_password() and not row.sso_subject,
        row.created_at,
    )


def key_info(row: ApiKey) -> KeyInfo:
    return KeyInfo(
        row.id, row.name, row.hint, tuple(row.scopes), row.created_at, row.expires_at, row.revoked_at, row.last_used_at
    )


def _events(rows: Iterable[Event]) -> list[EventInfo]:
    return [EventInfo(row.id, row.workspace_id, row.kind, row.row_id, row.conversation_id) for row in rows]


def is_way_out(row: Member) -> bool:
    """Whether a member's is the password that still opens a workspace where all others use the company's server."""
    rules = SignOn.objects.of(row.workspace_id).filter(is_on=True, is_only_way=True, break_glass=row)
    return bool(rules.exists())


def _is_kept_out() -> Exists:
    """Whether a member's workspace opens to the company's own accounts alone, and the member is not its way out."""
    rules = SignOn.objects.across_workspaces("each membership's own").filter(workspace_id=OuterRef("workspace_id"))
    # Not `exclude`: of nobody the database cannot say that they are somebody else.
    return Exists(
        rules.filter(is_on=True, is_only_way=True).filter(~Q(break_glass=OuterRef("pk")) | Q(break_glass=None))
    )


def _needs(row: Any, way: str, second: bool) -> str:
    if way != BY_PASSWORD:  # the company's own server asks for what the company wants
        return "" if way == f"sso:{row.workspace_id}" else "sso"
    if row.is_kept_out:
        return "sso"
    return "second_factor" if row.workspace.settings.get("require_second_factor") and not second else ""


def _workspace(row: Workspace) -> WorkspaceInfo:
    return WorkspaceInfo(row.id, row.slug, row.title, row.default_language)


_books: dict[str, tuple[float, HoursBook]] = {}
