"""Routes of sessions, invitations, members, keys, settings, audit and live tickets."""

import time
from typing import Any

from django.contrib.auth import logout
from django.http import HttpRequest, StreamingHttpResponse
from django.middleware.csrf import get_token, rotate_token
from django.utils.crypto import constant_time_compare
from ninja import Path, Query, Router, Status

from kefu.desk import staff
from kefu.desk.accounts import actions, queries, schemas, second_factor, sign_ins
from kefu.desk.accounts.actions import NewInvitation
from kefu.desk.accounts.audit import as_csv, kinds, trail
from kefu.desk.accounts.hours import Hours, hours_json, milliseconds, moment
from kefu.desk.accounts.models import User
from kefu.desk.accounts.queries import BY_PASSWORD, AuditInfo, WorkspaceInfo
from kefu.desk.actor import Actor
from kefu.desk.grants import GRANTS
from kefu.desk.http.address import address
from kefu.desk.http.entry import (
    CHOSEN,
    Entered,
    entered,
    member,
    membership_in,
    person,
    require_csrf,
)
from kefu.desk.rows import now
from kefu.desk.speech import can_hear, can_speak
from kefu.kit.errors import NotAllowed, NotSignedIn
from kefu.kit.settings import settings

router = Router(auth=member)

_PAGE = 200  # audit entries at most in one answer


@router.get("/session", auth=None, response=schemas.Session, tags=["Session"])
def session(request: HttpRequest) -> dict[str, Any]:
    """Who is signed in, if anybody, and the token for unsafe requests."""
    return _session(request, entered(request) if request.user.is_authenticated else None)


@router.post("/session", auth=None, response=schemas.Session, tags=["Session"])
def log_in(request: HttpRequest, body: schemas.LogIn) -> dict[str, Any]:
    """Log in. The session gets a new key and a new token."""
    require_csrf(request)
    user = actions.sign_in(email=body.email, password=body.password, address=address(request))
    if second_factor.is_on(user):
        _await_code(request, user)
        return {"csrf": get_token(request), "second_factor": True}
    sign_ins.begin(request, user)
    return _session(request, entered(request))


@router.post("/session/code", auth=None, response=schemas.Session, tags=["Session"])
def log_in_with_code(request: HttpRequest, body: schemas.Code) -> dict[str, Any]:
    """Give the second factor after the password: a code of the app, or a recovery code."""
    require_csrf(request)
    user = _awaited(request)
    second_factor.check(user, code=body.code)
    del request.session[_AWAITED]
    sign_ins.begin(request, user, second=True)
    return _session(request, entered(request))


@router.delete("/session", auth=None, response={204: None}, tags=["Session"])
def log_out(request: HttpRequest) -> Status[Any]:
    """Log out; harmless when nobody is signed in."""
    require_csrf(request)
    if request.user.is_authenticated:
        sign_ins.end_this(request)
    logout(request)
    return Status(204, None)


@router.patch("/session", auth=person, response=schemas.Session, tags=["Session"])
def prefer(request: HttpRequest, body: schemas.Preferences) -> dict[str, Any]:
    """Choose the workspace of this session, and how Kefu shows itself."""
    who: Entered = request.auth  # type: ignore[attr-defined]
    if body.workspace is not None:
        request.session[CHOSEN] = membership_in(who.memberships, body.workspace).workspace.id
    if body.notify_mail is not None:
        actions.want_mail(who.actor, wanted=body.notify_mail)
    if body.name is not None and who.way != BY_PASSWORD and actions.is_elsewhere(who.user, who.way):
        raise NotAllowed("Your name is shown in other workspaces, too; change it after logging in with your password.")
    actions.set_preferences(who.user, name=body.name, language=body.language, theme=body.theme)
    return _session(request, entered(request))


@router.post("/session/password", auth=person, response=schemas.Session, tags=["Session"])
def change_password(request: HttpRequest, body: schemas.PasswordChange) -> dict[str, Any]:
    """Choose a new password. This session stays; the person's other sessions end."""
    who: Entered = request.auth  # type: ignore[attr-defined]
    if who.way != BY_PASSWORD:
        raise NotAllowed("You came in by your company's account; its server guards it.")
    actions.change_password(who.user, old=body.old, new=body.new)
    sign_ins.go_on(request, who.user)
    sign_ins.end_all(who.user, but=request.session.session_key)
    return _session(request, entered(request))


@router.get("/invitations/{token}", auth=None, response=schemas.Invitation, tags=["Session"])
def invitation(request: HttpRequest, token: Path[str]) -> dict[str, Any]:
    """What an invitation's link opens."""
    found = queries.invitation(token)
    return {
        "workspace": found.workspace,
        "email": found.member.email,
        "role": found.member.role,
        "has_password": not found.member.is_invited,
    }


@router.post("/invitations/{token}", auth=None, response=schemas.Session, tags=["Session"])
def accept(request: HttpRequest, token: Path[str], body: schemas.Acceptance) -> dict[str, Any]:
    """Choose a password and be signed in."""
    require_csrf(request)
    chosen = queries.invitation(token).workspace.id
    sign_ins.begin(request, actions.accept_invitation(token, name=body.name, password=body.password))
    request.session[CHOSEN] = chosen
    return _session(request, entered(request))


@router.get("/members", response=schemas.Members, tags=["Members"])
def members(request: HttpRequest) -> dict[str, Any]:
    """Everybody in the workspace."""
    return {"members": queries.members(_actor(request))}


@router.post("/members/invitations", response={201: schemas.Invited}, tags=["Members"])
def invite(request: HttpRequest, body: schemas.NewInvitation) -> Status[Any]:
    """Invite somebody by a link, and by mail if wanted. Owners and admins are invited by owners."""
    made = actions.invite(_actor(request), email=body.email, role=body.role, name=body.name, send_mail=body.send_mail)
    return Status(201, made)


@router.post("/members/{member_id}/invitation", response=schemas.Invited, tags=["Members"])
def invite_again(request: HttpRequest, member_id: str, body: schemas.Again) -> NewInvitation:
    """A new link for somebody who has not come yet."""
    return actions.invite_again(_actor(request), member_id=member_id, send_mail=body.send_mail)


@router.patch("/members/{member_id}", response=schemas.Member, tags=["Members"])
def change_member(request: HttpRequest, member_id: str, body: schemas.MemberChange) -> Any:
    """Change a role, or end or restore a membership. The last owner stays."""
    return staff.change_member(_actor(request), member_id=member_id, role=body.role, is_active=body.is_active)


@router.get("/keys", response=schemas.Keys, tags=["API keys"])
def keys(request: HttpRequest) -> dict[str, Any]:
    """API keys, without their secrets."""
    return {"keys": queries.keys(_actor(request))}


@router.post("/keys", response={201: schemas.MadeKey}, tags=["API keys"])
def create_key(request: HttpRequest, body: schemas.NewKey) -> Status[Any]:
    """Make a key; its secret is shown once."""
    scopes = tuple(scope.value for scope in body.scopes)
    return Status(201, actions.create_key(_actor(request), name=body.name, scopes=scopes, expires_at=body.expires_at))


@router.delete("/keys/{key_id}", response={204: None}, tags=["API keys"])
def revoke_key(request: HttpRequest, key_id: str) -> Status[Any]:
    """Make a key useless at once."""
    actions.revoke_key(_actor(request), key_id=key_id)
    return Status(204, None)


@router.get("/settings", response=schemas.Settings, tags=["Settings"])
def read_settings(request: HttpRequest) -> dict[str, Any]:
    """The workspace and its settings."""
    return _settings(queries.workspace(_actor(request).workspace_id))


@router.patch("/settings", response=schemas.Settings, tags=["Settings"])
def change_settings(request: HttpRequest, body: schemas.WorkspaceChange) -> dict[str, Any]:
    """Change what is given of the workspace."""
    changed = actions.change_workspace(
        _actor(request), title=body.title, default_language=body.default_language, settings=body.settings
    )
    return _settings(changed)


@router.get("/settings/hours", response=schemas.BusinessHours, tags=["Settings"])
def business_hours(request: HttpRequest) -> dict[str, Any]:
    """When the workspace's people work; `weekly` null: always."""
    return _hours(queries.hours_set(_actor(request)))


@router.put("/settings/hours", response=schemas.BusinessHours, tags=["Settings"])
def set_business_hours(request: HttpRequest, body: schemas.NewBusinessHours) -> dict[str, Any]:
    """Set when the workspace's people work, from half a minute from now on; figures until then stay as they are."""
    return _hours(
        actions.set_hours(_actor(request), time_zone=body.time_zone, weekly=body.weekly, holidays=body.holidays)
    )


@router.get("/audit", response=schemas.Audit, tags=["Settings"])
def audit(
    request: HttpRequest,
    wanted: Query[schemas.AuditFilter],
    limit: Query[int] = 100,
    after: Query[int | None] = None,
) -> dict[str, Any]:
    """Who did what, newest first; of one member, kind or time."""
    most = max(1, min(limit, _PAGE))
    found = trail(_actor(request), limit=most, before=after, **wanted.dict())
    return {"entries": [_entry(each) for each in found], "next": str(found[-1].id) if len(found) == most else None}


@router.get("/audit/kinds", response=schemas.AuditKinds, tags=["Settings"])
def audit_kinds(request: HttpRequest) -> dict[str, Any]:
    """What was ever written down, by name."""
    return {"kinds": kinds(_actor(request))}


@router.get("/audit/export", response=None, tags=["Settings"])
def audit_export(request: HttpRequest, wanted: Query[schemas.AuditFilter]) -> Any:
    """The same as CSV, all of it."""
    answer = StreamingHttpResponse(as_csv(_actor(request), **wanted.dict()), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return answer


@router.get("/roles", response=schemas.Grants, tags=["Members"])
def roles(request: HttpRequest) -> dict[str, Any]:
    """What each role may do."""
    return {"grants": [{"name": each.name, "least": each.least, "roles": list(each.roles)} for each in GRANTS]}


@router.post("/live-ticket", response=schemas.Ticket, tags=["Live"])
def live_ticket(request: HttpRequest) -> dict[str, Any]:
    """A ticket that opens one socket, WS /v1/live, within half a minute."""
    row = sign_ins.note(request)
    if row is None:
        raise NotSignedIn("This session has ended.")
    ticket = actions.make_ticket(_actor(request), sign_in=str(row.pk))
    return {"ticket": ticket, "expires_in": actions.TICKET_SECONDS}


_AWAITED = "awaits_code"  # the session's key: whose password was right, until their code comes
_AWAITED_SECONDS = 600


def _await_code(request: HttpRequest, user: User) -> None:
    """Remember who gave a right password. Nobody is signed in; the session gets a new key all the same."""
    request.session.flush()
    rotate_token(request)
    request.session[_AWAITED] = [user.pk, user.get_session_auth_hash(), int(time.time()) + _AWAITED_SECONDS]


def _awaited(request: HttpRequest) -> User:
    """Raises NotSignedIn when no password was given lately, or it was changed since."""
    user_id, fingerprint, until = request.session.get(_AWAITED, ("", "", 0))
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or until < time.time() or not constant_time_compare(fingerprint, user.get_session_auth_hash()):
        raise NotSignedIn("Give your password first.")
    return user


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]


def _session(request: HttpRequest, who: Entered | None) -> dict[str, Any]:
    if who is None:
        return {"csrf": get_token(request)}
    chosen = who.chosen
    own = None
    if chosen:
        own = {"id": chosen.member_id, "role": chosen.role, "notify_mail": chosen.wants_mail, "needs": chosen.needs}
    return {
        "csrf": get_token(request),
        "attachments": {
            "per_message": settings().attachments_per_message,
            "bytes": settings().attachment_megabytes * 2**20,
        },
        "speech": {"hear": can_hear(), "speak": can_speak()},
        "user": who.user,
        "way": "password" if who.way == BY_PASSWORD else "sso",
        "workspace": chosen.workspace if chosen else None,
        "member": own,
        "workspaces": [{**vars(each.workspace), "role": each.role, "needs": each.needs} for each in who.memberships],
    }


def _hours(hours: Hours) -> dict[str, Any]:
    at = milliseconds(now())
    opens = hours.opens_at(at)
    return {
        **hours_json(hours),
        "is_open": hours.is_open(at),
        "opens_at": moment(opens) if opens is not None else None,
    }


def _settings(workspace: WorkspaceInfo) -> dict[str, Any]:
    return {
        **vars(workspace),
        "settings": queries.workspace_settings(workspace.id),
        "mail_configured": bool(settings().smtp_url),
    }


def _entry(entry: AuditInfo) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": entry.at,
        "actor": {"kind": entry.actor_kind, "id": entry.actor_id, "name": entry.actor_name},
        "action": entry.action,
        "row": entry.row_id,
        "before": entry.before,
        "after": entry.after,
    }
