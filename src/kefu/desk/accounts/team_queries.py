"""Reads of teams, of what members can do, and of who is there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kefu.desk.accounts.hours import Hours, checked_hours, milliseconds
from kefu.desk.accounts.models import Member, Staffing, Team, TeamMember
from kefu.desk.accounts.queries import hours_book, workspace_settings
from kefu.desk.actor import Actor, Role
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, NotFound

METHODS = ("manual", "round_robin", "least_busy")
AVAILABILITIES = ("online", "busy", "away")
_ANSWERING = [role.value for role in Role if role is not Role.VIEWER]
_SUPERVISING = [role.value for role in (Role.OWNER, Role.ADMIN, Role.SUPERVISOR)]


@dataclass(frozen=True)
class TeamMemberInfo:
    id: str
    name: str
    is_lead: bool


@dataclass(frozen=True)
class TeamInfo:
    """A team with its active members. `hours` as `hours_json` writes them; None: the workspace's."""

    id: str
    name: str
    method: str
    skills: tuple[str, ...]
    languages: tuple[str, ...]
    offer_seconds: int
    escalate_seconds: int
    hours: dict[str, Any] | None
    members: tuple[TeamMemberInfo, ...]


@dataclass(frozen=True)
class StaffInfo:
    """A member as conversations are given out: `chosen` by themselves, `availability` with whether they are there."""

    id: str
    name: str
    role: Role
    skills: tuple[str, ...]
    languages: tuple[str, ...]
    conversation_limit: int
    chosen: str
    availability: str
    seen_at: datetime | None
    teams: tuple[str, ...] = ()


@dataclass(frozen=True)
class Crew:
    """Somebody who may be offered a team's conversations."""

    member_id: str
    is_lead: bool
    last_offer_at: datetime | None


def teams(actor: Actor) -> list[TeamInfo]:
    """All teams by name. Raises NotAllowed."""
    actor.require_role(Role.VIEWER)
    return _infos(actor.workspace_id, Team.objects.of(actor.workspace_id).filter(is_active=True).order_by("name"))


def team(actor: Actor, team_id: str) -> TeamInfo:
    """Raises NotFound, NotAllowed."""
    actor.require_role(Role.VIEWER)
    return _infos(actor.workspace_id, [team_row(actor.workspace_id, team_id)])[0]


def team_row(workspace_id: str, team_id: str) -> Team:
    """Raises NotFound, also for a team that was removed."""
    row = Team.objects.of(workspace_id).filter(id=team_id, is_active=True).first()
    if row is None:
        raise NotFound("There is no such team.", team=team_id)
    return row


def team_called(actor: Actor, name: str) -> TeamInfo:
    """A team by its name or id. Raises NotFound with the names that exist, NotAllowed."""
    found = teams(actor)
    for each in found:
        if name in {each.id, each.name}:
            return each
    names = ", ".join(each.name for each in found) or "none yet"
    raise NotFound(f"There is no team {name!r}. There are: {names}.", team=name)


def team_names(workspace_id: str, team_ids: set[str]) -> dict[str, str]:
    """Names of teams, also of those that were removed: figures of old conversations name them."""
    if not team_ids:
        return {}
    return dict(Team.objects.of(workspace_id).filter(id__in=team_ids).values_list("id", "name"))


def all_team_names(workspace_id: str) -> dict[str, str]:
    """Names of all teams that there ever were, by id."""
    return dict(Team.objects.of(workspace_id).values_list("id", "name"))


def team_rows(workspace_id: str) -> dict[str, Team]:
    """The active teams, by id."""
    return {row.id: row for row in Team.objects.of(workspace_id).filter(is_active=True)}


def team_hours(row: Team | None, workspace_id: str, at: datetime) -> Hours:
    """When a team's people work: by its own hours, else the workspace's."""
    if row is not None and row.hours is not None:
        return checked_hours(**row.hours)
    return hours_book(workspace_id).at(milliseconds(at))


def hours_in_force(workspace_id: str, team_id: str, at: datetime) -> Hours:
    """The hours of a team, of the workspace where it has none of its own, or no team is given."""
    row = Team.objects.of(workspace_id).filter(id=team_id, is_active=True).first() if team_id else None
    return team_hours(row, workspace_id, at)


def crews(workspace_id: str) -> dict[str, list[Crew]]:
    """By team, its members who may answer customers, in the order in which they joined it."""
    rows = TeamMember.objects.of(workspace_id).filter(member__is_active=True, member__role__in=_ANSWERING)
    found: dict[str, list[Crew]] = {}
    for row in rows.order_by("id"):
        found.setdefault(row.team_id, []).append(Crew(row.member_id, row.is_lead, row.last_offer_at))
    return found


def in_team(workspace_id: str, team_id: str, member_id: str) -> bool:
    """Whether somebody is a member of a team."""
    return TeamMember.objects.of(workspace_id).filter(team_id=team_id, member_id=member_id).exists()


def teams_of(workspace_id: str, member_id: str) -> list[str]:
    """Ids of the teams that a member is in."""
    rows = TeamMember.objects.of(workspace_id).filter(member_id=member_id, team__is_active=True)
    return list(rows.order_by("id").values_list("team_id", flat=True))


def staff(actor: Actor) -> list[StaffInfo]:
    """Everybody who may answer customers, with whether they are there. Raises NotAllowed."""
    actor.require_role(Role.AGENT)
    return list(staff_of(actor.workspace_id).values())


def own_staffing(actor: Actor) -> StaffInfo:
    """The member's own entry. Raises NotFound for who cannot answer customers, NotAllowed."""
    actor.require_role(Role.VIEWER)
    found = staff_of(actor.workspace_id).get(actor.id)
    if found is None:
        raise NotFound("You cannot answer customers here.", member=actor.id)
    return found


def staff_of(workspace_id: str) -> dict[str, StaffInfo]:
    """Everybody who may answer customers, by id."""
    people = Member.objects.of(workspace_id).filter(is_active=True, role__in=_ANSWERING).select_related("user")
    known = {row.member_id: row for row in Staffing.objects.of(workspace_id)}
    after = timedelta(seconds=workspace_settings(workspace_id).away_after_seconds)
    at = now()
    memberships: dict[str, list[str]] = {}
    for team_id, crew in crews(workspace_id).items():
        for each in crew:
            memberships.setdefault(each.member_id, []).append(team_id)
    found = {}
    for person in people.order_by("created_at"):
        row = known.get(person.id) or Staffing(workspace_id=workspace_id, member_id=person.id)
        found[person.id] = StaffInfo(
            person.id,
            person.user.name or person.user.email,
            Role(person.role),
            tuple(row.skills),
            tuple(row.languages),
            row.conversation_limit,
            row.availability,
            effective(row.availability, row.seen_at, at, after),
            row.seen_at,
            tuple(memberships.get(person.id, ())),
        )
    return found


def effective(chosen: str, seen_at: datetime | None, at: datetime, after: timedelta) -> str:
    """Whether somebody is there: as they chose, but away without an open window for so long. Pure."""
    return chosen if chosen == "away" or (seen_at is not None and at - seen_at <= after) else "away"


def told_of_trouble(workspace_id: str, team_id: str) -> list[str]:
    """Ids of those who are told when nobody takes a conversation: the team's leads, and all supervisors."""
    leads = TeamMember.objects.of(workspace_id).filter(team_id=team_id, is_lead=True, member__is_active=True)
    above = Member.objects.of(workspace_id).filter(is_active=True, role__in=_SUPERVISING)
    return list(dict.fromkeys([*leads.values_list("member_id", flat=True), *above.values_list("id", flat=True)]))


def checked_words(words: Iterable[str], field: str) -> list[str]:
    """Skills as they are stored: small letters, each once, in order. Raises BadInput."""
    found = sorted({each.strip().lower() for each in words} - {""})
    if len(found) > 50 or any(len(each) > 40 for each in found):
        raise BadInput(f"{field} are at most 50 words of at most 40 letters each.", field=field)
    return found


def _infos(workspace_id: str, rows: Iterable[Team]) -> list[TeamInfo]:
    people: dict[str, list[TeamMemberInfo]] = {}
    joined = TeamMember.objects.of(workspace_id).filter(member__is_active=True).select_related("member__user")
    for row in joined.order_by("id"):
        name = row.member.user.name or row.member.user.email
        people.setdefault(row.team_id, []).append(TeamMemberInfo(row.member_id, name, row.is_lead))
    return [
        TeamInfo(
            row.id,
            row.name,
            row.method,
            tuple(row.skills),
            tuple(row.languages),
            row.offer_seconds,
            row.escalate_seconds,
            row.hours,
            tuple(people.get(row.id, ())),
        )
        for row in rows
    ]
