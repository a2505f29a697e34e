"""Writes of workspaces, members, keys, events and audit."""

import base64
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, connection, transaction

from kefu.desk.accounts.hours import Hours, checked_hours, hours_json
from kefu.desk.accounts.models import (
    ApiKey,
    AuditEntry,
    BusinessHours,
    Event,
    LiveTicket,
    Member,
    Notification,
    User,
    Workspace,
)
from kefu.desk.accounts.queries import (
    HOURS_LEAD_SECONDS,
    KeyInfo,
    MemberInfo,
    WorkspaceInfo,
    WorkspaceSettings,
    actor_of_member,
    fingerprint,
    forget_hours,
    hours_set,
    invited,
    is_way_out,
    key_info,
    member_info,
    member_row,
    workspace,
    workspace_key,
    workspace_named,
)
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.crypto import digest, new_workspace_key, seal, sign
from kefu.desk.rows import now
from kefu.desk.statements import insert, new
from kefu.kit.errors import BadInput, Conflict, NotFound, NotSignedIn
from kefu.kit.limits import RateLimit
from kefu.kit.settings import settings as kefu_settings

TICKET_SECONDS = 30
INVITATION_SECONDS = 7 * 24 * 3600
_OWNERS_CHOICE = (Role.OWNER, Role.ADMIN)  # only an owner makes or changes these
_LOG_IN_SECONDS = 300.0
_LONGEST = 7 * 24 * 3600  # seconds: nobody waits for longer than a week
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z]{2,4})?")
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")


@dataclass(frozen=True)
class NewMember:
    """`password` is shown once and kept only as a hash."""

    member: MemberInfo
    password: str | None


@dataclass(frozen=True)
class NewInvitation:
    """`token` opens the way to a password until `expires_at`; `is_mailed`: a mail with the link is on its way."""

    member: MemberInfo
    token: str
    expires_at: datetime
    is_mailed: bool

    @property
    def link(self) -> str:
        return invitation_link(self.token)


@dataclass(frozen=True)
class NewKey:
    """`secret` is shown once and kept only as a hash."""

    key: KeyInfo
    secret: str


@dataclass(frozen=True)
class MailFile:
    """A file that goes with a mail."""

    name: str
    media_type: str
    data: bytes

    def written(self) -> dict[str, str]:
        return {"name": self.name, "media_type": self.media_type, "base64": base64.b64encode(self.data).decode()}


def make_workspace(*, slug: str, title: str = "", default_language: str = "en") -> WorkspaceInfo:
    """Raises BadInput for a name that is not a short word, Conflict for one that is taken."""
    if not _SLUG.fullmatch(slug):
        raise BadInput(f"A workspace is named with small letters, digits and hyphens, not {slug!r}.", workspace=slug)
    try:
        with transaction.atomic():
            row = Workspace.objects.create(
                slug=slug,
                title=title or slug,
                sealed_key=new_workspace_key(),
                default_language=default_language,
            )
            announce(row.id, "workspace.created", row.id)
    except IntegrityError:
        raise Conflict(f"There is a workspace {slug!r} already.", workspace=slug) from None
    return workspace_named(slug)


def workspace_made_if_new(slug: str) -> tuple[WorkspaceInfo, bool]:
    """The workspace of that name and whether it was made just now."""
    try:
        return workspace_named(slug), False
    except NotFound:
        return make_workspace(slug=slug), True


def create_member(actor: Actor, *, email: str, name: str = "", role: Role = Role.AGENT) -> NewMember:
    """Add somebody to the workspace; a person new to Kefu gets a one-time password that must be changed.

    Raises BadInput for a bad address, Conflict for somebody who is a member, NotAllowed.
    """
    actor.require_role(Role.OWNER if role in {Role.OWNER, Role.ADMIN} else Role.ADMIN)
    address = _address(email)
    with transaction.atomic():
        user, password = User.objects.filter(email=address).first(), None
        if user is None:
            password = _one_time_password()
            user = User(email=address, name=name, must_change_password=True)
            user.set_password(password)
            user.save(force_insert=True)
        if Member.objects.of(actor.workspace_id).filter(user=user).exists():
            raise Conflict(f"{address} is a member already.", email=address)
        member = Member.objects.create(workspace_id=actor.workspace_id, user=user, role=role)
        announce(actor.workspace_id, "member.created", member.id)
        audit(actor, "member.created", member.id, after={"role": role.value})
    return NewMember(member_info(member), password)


def reset_password(actor: Actor, *, email: str) -> str:
    """Give a member a one-time password that must be changed; gives it back to be shown once.

    Raises NotFound when nobody in the workspace has that address.
    """
    actor.require_role(Role.OWNER)
    with transaction.atomic():
        found = Member.objects.of(actor.workspace_id).select_related("user").filter(user__email=_address(email)).first()
        if found is None:
            raise NotFound(f"No member of this workspace has the address {email}.", email=email)
        password = _one_time_password()
        found.user.set_password(password)
        found.user.must_change_password = True
        found.user.save(update_fields=["password", "must_change_password"])
        audit(actor, "member.password_reset", found.id)
    return password


def change_password(user: User, *, old: str, new: str) -> None:
    """Raises BadInput when the old password is wrong or the new one too weak."""
    confirm_password(user, old, field="old")
    _check_password(new, user, field="new")
    with transaction.atomic():
        user.set_password(new)
        user.must_change_password = False
        user.save(update_fields=["password", "must_change_password"])
        mine = Member.objects.across_workspaces("a person's own memberships").filter(user=user, is_active=True)
        for row in mine:
            audit(Actor(row.workspace_id, "member", row.id), "member.password_changed", row.id)


def confirm_password(user: User, password: str, *, field: str) -> None:
    """Whether it is the person themself at their session. Raises BadInput, and Busy past the rate of an account."""
    _per_account().take(user.email, what="passwords")
    if not user.check_password(password):
        raise BadInput("The present password is not right.", field=field)


def sign_in(*, email: str, password: str, address: str) -> User:
    """Who has this e-mail address and password; as slow for an address that nobody has.

    Raises NotSignedIn, and Busy past the rate of a network address or of an account.
    """
    _per_address().take(address, what="attempts to log in")
    _per_account().take(email.strip().lower(), what="attempts to log in")
    user = authenticate(None, username=email, password=password)
    if user is None:
        raise NotSignedIn("The e-mail address or the password is not right.")
    return cast(User, user)


def set_preferences(
    user: User, *, name: str | None = None, language: str | None = None, theme: str | None = None
) -> None:
    """Change what is given of how Kefu shows itself to a person, and they to customers."""
    user.name = user.name if name is None else name.strip()
    user.language = user.language if language is None else language
    user.theme = user.theme if theme is None else theme
    user.save(update_fields=["name", "language", "theme"])


def is_elsewhere(user: User, way: str) -> bool:
    """Whether somebody who came through a workspace's own server is a member of other workspaces, too."""
    mine = Member.objects.across_workspaces("a person's own memberships").filter(user=user, is_active=True)
    return bool(mine.exclude(workspace_id=way.removeprefix("sso:")).exists())


def want_mail(actor: Actor, *, wanted: bool) -> None:
    """Whether a member is told by mail that customers wait."""
    Member.objects.of(actor.workspace_id).filter(id=actor.id).update(wants_mail=wanted)


def make_ticket(actor: Actor, *, sign_in: str = "") -> str:
    """A ticket that opens one live socket for a member, once and within `TICKET_SECONDS`.

    The socket lasts no longer than the session `sign_in`.
    """
    actor.require_role(Role.VIEWER)
    ticket = f"ticket_{secrets.token_urlsafe(32)}"
    LiveTicket.objects.of(actor.workspace_id).filter(expires_at__lt=now()).delete()
    LiveTicket.objects.create(
        workspace_id=actor.workspace_id,
        digest=digest(ticket),
        member_id=actor.id,
        expires_at=now() + timedelta(seconds=TICKET_SECONDS),
        sign_in=sign_in,
    )
    return ticket


def redeem_ticket(ticket: str) -> Actor:
    """Whom a ticket stands for; it is used up. Raises NotSignedIn."""
    everywhere = LiveTicket.objects.across_workspaces("the ticket names its workspace")
    row = everywhere.filter(digest=digest(ticket)).first()
    # Of two who bring the same ticket at once only one deletes it.
    if row is None or not everywhere.filter(digest=row.digest).delete()[0] or row.expires_at < now():
        raise NotSignedIn("The ticket is not valid; ask for a new one.")
    return actor_of_member(row.workspace_id, row.member_id, sign_in=row.sign_in)


def invite(actor: Actor, *, email: str, role: Role, name: str = "", send_mail: bool = False) -> NewInvitation:
    """Make somebody a member; who is new to Kefu chooses a password behind the link.

    Raises BadInput for a bad address, Conflict for somebody who is a member, NotAllowed.
    """
    actor.require_role(Role.OWNER if role in _OWNERS_CHOICE else Role.ADMIN)
    address = _address(email)
    with transaction.atomic():
        user, is_new = User.objects.get_or_create(email=address, defaults={"name": name.strip()})
        if is_new:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        if Member.objects.of(actor.workspace_id).filter(user=user).exists():
            raise Conflict(f"{address} is a member already.", email=address)
        row = Member.objects.create(workspace_id=actor.workspace_id, user=user, role=role)
        announce(actor.workspace_id, "member.created", row.id)
        audit(actor, "member.invited", row.id, after={"role": role.value})
        return _invitation(row, send_mail=send_mail)


def invite_again(actor: Actor, *, member_id: str, send_mail: bool = False) -> NewInvitation:
    """A new link for somebody who has not come yet. Raises Conflict for who has, NotFound, NotAllowed."""
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        row = member_row(actor.workspace_id, member_id)
        if row.role in _OWNERS_CHOICE:
            actor.require_role(Role.OWNER)
        if row.user.has_usable_password():
            raise Conflict(f"{row.user.email} has a password already.", member=member_id)
        audit(actor, "member.invited", row.id, after={"role": row.role})
        return _invitation(row, send_mail=send_mail)


def accept_invitation(token: str, *, name: str = "", password: str = "") -> User:
    """Who was invited, now with a password. Raises BadInput for a weak one, Conflict for who has one, NotSignedIn."""
    with transaction.atomic():
        row = invited(token)
        user = row.user
        if user.has_usable_password():
            raise Conflict("You have a password already: log in with it.")
        _check_password(password, user, field="password")
        user.name = name.strip() or user.name
        user.set_password(password)
        user.save(update_fields=["name", "password"])
        announce(row.workspace_id, "member.updated", row.id)
        audit(Actor(row.workspace_id, "member", row.id, role=Role(row.role)), "member.joined", row.id)
    return user


def change_member(
    actor: Actor, *, member_id: str, role: Role | None = None, is_active: bool | None = None
) -> MemberInfo:
    """Give a member another role, or end or restore the membership.

    Raises Conflict for the last owner, NotFound, NotAllowed: owners and admins are an owner's business.
    """
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        # All owners are locked, so that the last two cannot demote each other at the same moment.
        owners = list(Member.objects.of(actor.workspace_id).select_for_update().filter(role="owner", is_active=True))
        row = member_row(actor.workspace_id, member_id)
        if {row.role, role} & set(_OWNERS_CHOICE):
            actor.require_role(Role.OWNER)
        before = {"role": row.role, "is_active": row.is_active}
        row.role = row.role if role is None else role.value
        row.is_active = row.is_active if is_active is None else is_active
        stays_owner = row.role == Role.OWNER and row.is_active
        if [owner.id for owner in owners] == [row.id] and not stays_owner:
            raise Conflict("A workspace needs an owner; make somebody else one first.", member=member_id)
        if not stays_owner and is_way_out(row):
            raise Conflict(
                "Theirs is the password that opens the workspace without the company's server.", member=member_id
            )
        row.save(update_fields=["role", "is_active"])
        announce(actor.workspace_id, "member.updated", row.id)
        audit(actor, "member.updated", row.id, before=before, after={"role": str(row.role), "is_active": row.is_active})
    return member_info(row)


def change_workspace(
    actor: Actor,
    *,
    title: str | None = None,
    default_language: str | None = None,
    settings: dict[str, Any] | None = None,
) -> WorkspaceInfo:
    """Change what is given of a workspace and leave the rest. Raises BadInput that names the field, NotAllowed."""
    actor.require_role(Role.ADMIN)
    _check_workspace(title, default_language, settings or {})
    with transaction.atomic():
        row = Workspace.objects.select_for_update().get(id=actor.workspace_id)
        before = {"title": row.title, "default_language": row.default_language, "settings": row.settings}
        row.title = row.title if title is None else title.strip()
        row.default_language = default_language or row.default_language
        row.settings = {**row.settings, **(settings or {})}
        row.save(update_fields=["title", "default_language", "settings"])
        announce(row.id, "workspace.updated", row.id)
        after = {"title": row.title, "default_language": row.default_language, "settings": row.settings}
        audit(actor, "workspace.updated", row.id, before=before, after=after)
    return workspace(actor.workspace_id)


def set_hours(
    actor: Actor,
    *,
    time_zone: str,
    weekly: dict[str, list[list[str]]] | None,
    holidays: list[str],
    since: datetime | None = None,
) -> Hours:
    """Set when the workspace's people work, from half a minute from now on, or from `since`.

    What was counted in business hours before keeps the hours of its time. Raises BadInput, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    hours = checked_hours(time_zone=time_zone, weekly=weekly, holidays=holidays)
    with transaction.atomic():
        before = hours_json(hours_set(actor))
        since = since or now() + timedelta(seconds=HOURS_LEAD_SECONDS)
        BusinessHours.objects.create(workspace_id=actor.workspace_id, since=since, hours=hours_json(hours))
        announce(actor.workspace_id, "workspace.updated", actor.workspace_id)
        audit(actor, "hours.set", actor.workspace_id, before=before, after=hours_json(hours))
    forget_hours(actor.workspace_id)
    return hours


def notify(
    workspace_id: str,
    *,
    about: str,
    addresses: list[str],
    subject: str,
    text: str,
    after_seconds: int = 0,
    files: Sequence[MailFile] = (),
    html: str = "",
) -> int:
    """Queue a mail to each address in the caller's transaction; gives how many. None without a mail server.

    `html` says the same as `text` for programs that show it.
    """
    if not kefu_settings().smtp_url:
        return 0
    key = workspace_key(workspace_id)
    due_at = now() + timedelta(seconds=after_seconds)
    for address in addresses:
        written = [each.written() for each in files]
        mail = json.dumps({"to": address, "subject": subject, "text": text, "html": html, "files": written})
        Notification.objects.create(
            workspace_id=workspace_id, about=about, sealed_mail=seal(key, mail, about=about), due_at=due_at
        )
    return len(addresses)


def drop_notifications(workspace_id: str, *, about: str) -> None:
    """What mails would say is no longer so: those that have not gone are not sent."""
    waiting = Notification.objects.of(workspace_id).filter(about=about, state="pending")
    waiting.update(state="dropped", due_at=None)


def create_key(
    actor: Actor, *, name: str, scopes: tuple[str, ...] = tuple(Scope), expires_at: datetime | None = None
) -> NewKey:
    """Raises BadInput for an unknown scope or an empty name, NotAllowed."""
    actor.require_role(Role.ADMIN)
    unknown = sorted(set(scopes) - set(Scope))
    if unknown or not scopes:
        raise BadInput(f"Scopes are {', '.join(Scope)}; not {', '.join(unknown) or 'none'}.", scopes=unknown)
    if not name.strip() or len(name) > 100:
        raise BadInput("An API key needs a name of at most 100 characters.", field="name")
    secret = f"kefu_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        row = ApiKey.objects.create(
            workspace_id=actor.workspace_id,
            name=name.strip(),
            digest=digest(secret),
            hint=secret[:9],
            scopes=[str(scope) for scope in scopes],
            expires_at=expires_at,
        )
        announce(actor.workspace_id, "key.created", row.id)
        audit(actor, "key.created", row.id, after={"name": row.name, "scopes": row.scopes})
    return NewKey(key_info(row), secret)


def revoke_key(actor: Actor, *, key_id: str) -> None:
    """From now on the key opens nothing. Revoking twice is harmless. Raises NotFound, NotAllowed."""
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        row = ApiKey.objects.of(actor.workspace_id).filter(id=key_id).first()
        if row is None:
            raise NotFound("There is no such API key.", key=key_id)
        if row.revoked_at is None:
            row.revoked_at = now()
            row.save(update_fields=["revoked_at"])
            announce(actor.workspace_id, "key.revoked", row.id)
            audit(actor, "key.revoked", row.id, before={"name": row.name, "scopes": row.scopes})


def note_key_used(key_id: str, workspace_id: str) -> None:
    ApiKey.objects.of(workspace_id).filter(id=key_id).update(last_used_at=now())


def announce(workspace_id: str, kind: str, row_id: str, conversation_id: str = "") -> int:
    """Append an event in the caller's transaction; gives its id."""
    event = new(Event, workspace_id=workspace_id, kind=kind, row_id=row_id, conversation_id=conversation_id)
    insert(event)
    if connection.vendor == "postgresql":
        # Sent on commit, and once however many events the transaction has.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify('kefu', '')")
    return int(event.id)


def audit(actor: Actor, action: str, row_id: str, *, before: Any = None, after: Any = None) -> None:
    """Write down who did what, in the caller's transaction."""
    AuditEntry.objects.create(
        workspace_id=actor.workspace_id,
        actor_kind=actor.kind,
        actor_id=actor.id,
        action=action,
        row_id=row_id,
        before=before,
        after=after,
    )


def forget_events(*, before: datetime, keep: int = 10_000) -> int:
    """Drop old events, which only wake readers; the newest `keep` stay, so that ids go on growing."""
    everything = Event.objects.across_workspaces("housekeeping of the installation")
    newest = everything.order_by("-id").values_list("id", flat=True)[keep : keep + 1]
    last = newest.first()
    if last is None:
        return 0
    deleted, _ = everything.filter(id__lte=last, created_at__lt=before).delete()
    return deleted


def invitation_link(token: str) -> str:
    """Where the console lets an invited person choose a password; without a public address, from where the asker is."""
    return f"{kefu_settings().public_url}{_invitation_page(token)}"


def _invitation_page(token: str) -> str:
    return f"/console/invitation/{token}"


def _invitation(row: Member, *, send_mail: bool) -> NewInvitation:
    payload = {"w": row.workspace_id, "m": row.id, "p": fingerprint(row)}
    token = sign(payload, purpose="invitation", seconds=INVITATION_SECONDS)
    mailed = 0
    if send_mail:
        here = workspace(row.workspace_id)
        # Who is new to Kefu has chosen no language: the workspace's is the likeliest.
        chinese = (row.user.language or here.default_language).startswith("zh")
        subject = f"邀请您加入 {here.title}" if chinese else f"Invitation to {here.title}"
        text = (
            f"{here.title} 邀请您使用 Kefu。请在 7 天内点击以下链接设置密码：\n"
            if chinese
            else f"You are invited to {here.title} on Kefu. Choose a password here within 7 days:\n"
        )
        link = f"{kefu_settings().address}{_invitation_page(token)}"
        mailed = notify(
            row.workspace_id, about=row.id, addresses=[row.user.email], subject=subject, text=f"{text}{link}\n"
        )
    return NewInvitation(member_info(row), token, now() + timedelta(seconds=INVITATION_SECONDS), bool(mailed))


def _check_password(password: str, user: User, *, field: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise BadInput(" ".join(error.messages), field=field) from None


def _check_workspace(title: str | None, default_language: str | None, settings: dict[str, Any]) -> None:
    if title is not None and not 0 < len(title.strip()) <= 200:
        raise BadInput("A workspace's title has 1 to 200 characters.", field="title")
    if default_language is not None and not _LANGUAGE.fullmatch(default_language):
        raise BadInput(f"A language is a code such as en or zh, not {default_language!r}.", field="default_language")
    kinds = {name: type(value) for name, value in vars(WorkspaceSettings()).items()}
    for name, value in settings.items():
        if name not in kinds:
            raise BadInput(f"There is no setting {name!r}; there are {', '.join(kinds)}.", field=name)
        if type(value) is not kinds[name] or not 0 <= int(value) <= _LONGEST:
            expected = "true or false" if kinds[name] is bool else f"a whole number from 0 to {_LONGEST:,}"
            raise BadInput(f"{name} is {expected}, not {value!r}.", field=name)


@cache
def _per_address() -> RateLimit:
    return RateLimit(kefu_settings().log_ins_per_address, _LOG_IN_SECONDS)


@cache
def _per_account() -> RateLimit:
    return RateLimit(kefu_settings().log_ins_per_account, _LOG_IN_SECONDS)


def _address(email: str) -> str:
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise BadInput(f"{email!r} is not an e-mail address.", field="email") from None
    return address


def _one_time_password() -> str:
    # 12 letters of 32 are 60 bits; without 0/O and 1/l it can be read aloud.
    return "-".join("".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(4)) for _ in range(3))
