"""Writes of workspaces, members, keys, events and audit."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, connection, transaction

from kefu.desk.accounts.models import ApiKey, AuditEntry, Event, Member, User, Workspace
from kefu.desk.accounts.queries import KeyInfo, MemberInfo, WorkspaceInfo, key_info, member_info, workspace_named
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.crypto import digest, new_workspace_key
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, Conflict, NotFound

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")


@dataclass(frozen=True)
class NewMember:
    """`password` is shown once and kept only as a hash."""

    member: MemberInfo
    password: str | None


@dataclass(frozen=True)
class NewKey:
    """`secret` is shown once and kept only as a hash."""

    key: KeyInfo
    secret: str


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
    if not user.check_password(old):
        raise BadInput("The present password is not right.", field="old")
    try:
        validate_password(new, user)
    except ValidationError as error:
        raise BadInput(" ".join(error.messages), field="new") from None
    user.set_password(new)
    user.must_change_password = False
    user.save(update_fields=["password", "must_change_password"])


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
            audit(actor, "key.revoked", row.id)


def note_key_used(key_id: str, workspace_id: str) -> None:
    ApiKey.objects.of(workspace_id).filter(id=key_id).update(last_used_at=now())


def announce(workspace_id: str, kind: str, row_id: str, conversation_id: str = "") -> int:
    """Append an event in the caller's transaction; gives its id."""
    event = Event(workspace_id=workspace_id, kind=kind, row_id=row_id, conversation_id=conversation_id)
    event.save(force_insert=True)
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
