"""Where a person is signed in: each session with its device and address, and how to end it.

A session says by what way it was opened: `password`, or `sso:WORKSPACE`, which opens that workspace alone: its sign-on
server is that company's, and may say of nobody else who they are.
"""

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.auth import login, update_session_auth_hash
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.accounts.models import Member, User
from kefu.desk.accounts.queries import BY_PASSWORD, member_row, require_over
from kefu.desk.actor import Actor
from kefu.desk.http.address import address
from kefu.desk.rows import now
from kefu.kit.errors import NotFound

WAY, SECOND = "way", "second_factor"  # the session's keys
_BACKEND = "django.contrib.auth.backends.ModelBackend"
_NOWHERE = "0.0.0.0"  # noqa: S104  a caller over a socket file has no address, and the column wants one

# By the order in which they say who they are: Edge calls itself Chrome and Safari too, and Chrome Safari.
_BROWSERS = (
    ("Edge", r"Edg(?:e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("WeChat", r"MicroMessenger/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|CriOS/"),
    ("Safari", r"Safari/"),
)
_DEVICES = (
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("Mac", r"Macintosh|Mac OS X"),
    ("ChromeOS", r"CrOS"),
    ("Linux", r"Linux"),
)


@dataclass(frozen=True)
class SignIn:
    """One session of a person; `browser` and `device` are empty where its program does not say."""

    id: str
    browser: str
    device: str
    address: str
    way: str
    created_at: datetime
    last_seen_at: datetime
    is_current: bool = False


def begin(request: HttpRequest, user: User, *, way: str = BY_PASSWORD, second: bool = False) -> None:
    """Sign somebody in: the session gets a new key, and says how they came."""
    login(request, user, backend=_BACKEND)
    request.session[WAY], request.session[SECOND] = way, second
    request.session.save()
    note(request)


def go_on(request: HttpRequest, user: User) -> None:
    """Let this session outlive a change of its person's password, under a new key."""
    update_session_auth_hash(request, user)
    request.session.save()  # whoever looks at the sessions meanwhile ends those that know another password
    note(request)


def note(request: HttpRequest) -> UserSession | None:
    """Keep when and from where a signed-in session was used; gives its row, None where it has just ended."""
    key = str(request.session.session_key)
    values = {
        "user_id": request.user.pk,
        "ip": _ip(address(request)),
        "user_agent": request.headers.get("User-Agent", "")[:200],
        "last_seen_at": now(),
        "data": {name: request.session[name] for name in (WAY, SECOND) if name in request.session},
    }
    try:
        with transaction.atomic():
            if not Session.objects.filter(session_key=key).exists():
                return None
            return UserSession.objects.update_or_create(session_key=key, defaults=values)[0]
    except IntegrityError:  # two requests of a new session at once
        return UserSession.objects.filter(session_key=key).first()


def end_this(request: HttpRequest) -> None:
    """The person logs out: the session's row goes, and its sockets with it."""
    rows = UserSession.objects.filter(session_key=request.session.session_key)
    _end(request.user, list(rows))


def sign_ins(user: User, *, key: str | None = None, way: str = BY_PASSWORD) -> list[SignIn]:
    """A person's sessions, the one of `key` first, then the latest used.

    Who came through a workspace's own server sees the sessions that were opened the same way alone.
    """
    rows = [row for row in _alive(user) if way == BY_PASSWORD or row.data.get(WAY) == way]
    rows.sort(key=lambda row: (row.session_key == key, row.last_seen_at), reverse=True)
    return [_info(row, key) for row in rows]


def end(user: User, *, sign_in_id: str, way: str = BY_PASSWORD) -> None:
    """End one of a person's sessions. Raises NotFound."""
    rows = [row for row in _alive(user) if str(row.pk) == sign_in_id]
    if not rows or (way != BY_PASSWORD and rows[0].data.get(WAY) != way):
        raise NotFound("There is no such session.", sign_in=sign_in_id)
    _end(user, rows)


def end_all(user: User, *, but: str | None = None, way: str = BY_PASSWORD) -> int:
    """End all of a person's sessions but the one of the key `but`; gives how many."""
    rows = [row for row in _alive(user) if row.session_key != but]
    return _end(user, [row for row in rows if way == BY_PASSWORD or row.data.get(WAY) == way])


def end_all_of_way(way: str) -> int:
    """End every session that was opened this way, whoever's; gives how many. The caller wakes their sockets."""
    rows = list(UserSession.objects.filter(data__way=way))
    for row in rows:
        row.end()
    return len(rows)


def of_member(actor: Actor, *, member_id: str) -> list[SignIn]:
    """A member's sessions. Raises NotFound, NotAllowed: for who is above them in all of their workspaces."""
    row = member_row(actor.workspace_id, member_id)
    require_over(actor, row)
    return sign_ins(row.user)


def end_of_member(actor: Actor, *, member_id: str, sign_in_id: str | None = None) -> int:
    """End a member's sessions, or one; gives how many. Raises NotFound, NotAllowed."""
    with transaction.atomic():
        row = member_row(actor.workspace_id, member_id)
        require_over(actor, row)
        rows = [each for each in _alive(row.user) if sign_in_id in {None, str(each.pk)}]
        if sign_in_id is not None and not rows:
            raise NotFound("There is no such session.", sign_in=sign_in_id)
        ended = _end(row.user, rows)
        audit(actor, "member.signed_out", row.id, before={"email": row.user.email, "sessions": ended})
    return ended


def _alive(user: User) -> list[UserSession]:
    rows: list[UserSession] = UserSession.objects.purge_and_list(user)
    return rows


def _end(user: User, rows: list[UserSession]) -> int:
    with transaction.atomic():
        for row in rows:
            row.end()
        if rows:  # open sockets look again whether they may stay
            members = Member.objects.across_workspaces("a person's own memberships").filter(user=user)
            for member_id, workspace_id in members.values_list("id", "workspace_id"):
                announce(workspace_id, "member.updated", member_id)
    return len(rows)


def _info(row: UserSession, key: str | None) -> SignIn:
    return SignIn(
        id=str(row.pk),
        browser=_first(_BROWSERS, row.user_agent),
        device=_first(_DEVICES, row.user_agent),
        address="" if row.ip == _NOWHERE else row.ip,
        way="sso" if str(row.data.get(WAY, "")).startswith("sso:") else BY_PASSWORD,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        is_current=row.session_key == key,
    )


def _first(patterns: tuple[tuple[str, str], ...], agent: str) -> str:
    return next((name for name, pattern in patterns if re.search(pattern, agent)), "")


def _ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return _NOWHERE
