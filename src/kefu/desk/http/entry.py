"""Who is at the members' door: the session's user, in the workspace that the request or the session names."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings as django_settings
from django.http import HttpRequest
from ninja.security import APIKeyCookie
from ninja.utils import check_csrf

from kefu.desk.accounts import queries
from kefu.desk.accounts.queries import BY_PASSWORD, Membership
from kefu.desk.actor import Actor
from kefu.kit.errors import NotAllowed, NotFound, NotSignedIn

WORKSPACE_HEADER = "X-Kefu-Workspace"
CHOSEN = "workspace"  # the session's key


class CsrfFailed(NotAllowed):
    """The request may come from another site."""

    code = "csrf_failed"


class MustChangePassword(NotAllowed):
    """A one-time password opens nothing but the door to a new one."""

    code = "must_change_password"


class SignOnNeeded(NotAllowed):
    """The workspace opens to the company's own accounts alone."""

    code = "sso_required"


class SecondFactorNeeded(NotAllowed):
    """The workspace asks for a second factor, and this session has none."""

    code = "second_factor_required"


@dataclass(frozen=True)
class Entered:
    """A signed-in person and, where they have one, the membership that this request is about.

    `way` is how the session was opened: `password`, or `sso:WORKSPACE`.
    """

    user: Any
    memberships: tuple[Membership, ...]
    chosen: Membership | None
    way: str = BY_PASSWORD

    @property
    def actor(self) -> Actor:
        if self.chosen is None:
            raise NotAllowed("You are not a member of any workspace.")
        if self.chosen.needs == "sso":
            raise SignOnNeeded("Come in through your company's own log-in.", workspace=self.chosen.workspace.slug)
        if self.chosen.needs:
            raise SecondFactorNeeded("Set up a second factor first.", workspace=self.chosen.workspace.slug)
        return Actor(self.chosen.workspace.id, "member", self.chosen.member_id, role=self.chosen.role)


class Person(APIKeyCookie):
    """Lets signed-in people pass; `request.auth` is who they are."""

    param_name = django_settings.SESSION_COOKIE_NAME

    def __init__(self) -> None:
        super().__init__(csrf=False)  # `require_csrf` refuses with our own words

    def authenticate(self, request: HttpRequest, key: str | None) -> Entered:
        require_csrf(request)
        return entered(request)


class Member(Person):
    """Lets members of a workspace pass whose password is their own; `request.auth` is the actor."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Actor:  # type: ignore[override]
        person = super().authenticate(request, key)
        if person.user.must_change_password and person.way == BY_PASSWORD:
            raise MustChangePassword("Choose a password of your own first.")
        return person.actor


def entered(request: HttpRequest) -> Entered:
    """Raises NotSignedIn; NotFound for a workspace that the request names and the person is not in."""
    user = request.user
    if not user.is_authenticated:
        raise NotSignedIn("Log in first.")
    way, second = request.session.get("way", BY_PASSWORD), bool(request.session.get("second_factor"))
    memberships = tuple(queries.memberships(user.pk, way=way, second=second))
    return Entered(user, memberships, _chosen(request, memberships), way)


def require_csrf(request: HttpRequest) -> None:
    """Raises CsrfFailed for an unsafe request that does not bring the session's token."""
    if check_csrf(request) is not None:
        raise CsrfFailed("The X-CSRFToken header is missing or old; GET /desk/api/session gives a new one.")


def _chosen(request: HttpRequest, memberships: tuple[Membership, ...]) -> Membership | None:
    named = request.headers.get(WORKSPACE_HEADER, "").strip()
    if named:
        return membership_in(memberships, named)
    kept = request.session.get(CHOSEN)
    return next((each for each in memberships if each.workspace.id == kept), memberships[0] if memberships else None)


def membership_in(memberships: tuple[Membership, ...], named: str) -> Membership:
    """The membership in a workspace named by slug or id. Raises NotFound."""
    for each in memberships:
        if named in {each.workspace.slug, each.workspace.id}:
            return each
    raise NotFound("You are not a member of such a workspace.", workspace=named)


person = Person()
member = Member()
