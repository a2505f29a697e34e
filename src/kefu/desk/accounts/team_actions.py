"""Writes of teams, of what members can do, and of who is there."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.accounts.hours import checked_hours, hours_json
from kefu.desk.accounts.models import Member, Staffing, Team, TeamMember
from kefu.desk.accounts.queries import member_row
from kefu.desk.accounts.team_queries import (
    AVAILABILITIES,
    METHODS,
    StaffInfo,
    TeamInfo,
    checked_words,
    staff_of,
    team,
    team_row,
)
from kefu.desk.actor import Actor, Role
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, Conflict, NotAllowed, NotFound

_LONGEST = 7 * 24 * 3600  # seconds: nobody is waited for longer than a week
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z]{2,4})?")
# Of a member whose window is open: often enough that nobody who is there counts as away.
SEEN_SECONDS = 30.0


def create_team(actor: Actor, *, name: str, **given: Any) -> TeamInfo:
    """Make a team; `given` as in `change_team`. Raises BadInput, Conflict for a name that is taken, NotAllowed."""
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        row = Team(workspace_id=actor.workspace_id, name=_name(name))
        _store(row, force_insert=True)
        audit(actor, "team.created", row.id, after={"name": row.name})
        _change(actor, row, **given)
        announce(actor.workspace_id, "team.created", row.id)
    return team(actor, row.id)


def change_team(actor: Actor, *, team_id: str, **given: Any) -> TeamInfo:
    """Change what is given of a team: name, method, skills, languages, offer_seconds, escalate_seconds, hours, members.

    `members` are ids, or tables of `id` and `is_lead`; `hours` None takes the team's own away. Raises BadInput that
    names the field, Conflict for a name that is taken, NotFound, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        row = team_row(actor.workspace_id, team_id)
        before = _shown(row)
        _change(actor, row, **given)
        announce(actor.workspace_id, "team.updated", row.id)
        audit(actor, "team.updated", row.id, before=before, after=_shown(row))
    return team(actor, row.id)


def remove_team(actor: Actor, *, team_id: str) -> None:
    """Let a team end; figures keep its name. Rules that name it are passed over. Raises NotFound, NotAllowed."""
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        row = team_row(actor.workspace_id, team_id)
        row.is_active = False
        row.save(update_fields=["is_active"])
        TeamMember.objects.of(actor.workspace_id).filter(team_id=row.id).delete()
        announce(actor.workspace_id, "team.removed", row.id)
        audit(actor, "team.removed", row.id, before={"name": row.name})


def set_staffing(
    actor: Actor,
    *,
    member_id: str,
    skills: Sequence[str] | None = None,
    languages: Sequence[str] | None = None,
    conversation_limit: int | None = None,
) -> StaffInfo:
    """Say what a member can do, and how many conversations they are given. Raises BadInput, NotFound, NotAllowed."""
    actor.require_role(Role.SUPERVISOR)
    with transaction.atomic():
        row = _staffing(actor.workspace_id, member_row(actor.workspace_id, member_id).id)
        before = {"skills": row.skills, "languages": row.languages, "conversation_limit": row.conversation_limit}
        row.skills = row.skills if skills is None else checked_words(skills, "skills")
        row.languages = row.languages if languages is None else _languages(languages)
        if conversation_limit is not None:
            row.conversation_limit = _number(conversation_limit, "conversation_limit", most=1000)
        row.save()
        announce(actor.workspace_id, "member.updated", member_id)
        after = {"skills": row.skills, "languages": row.languages, "conversation_limit": row.conversation_limit}
        audit(actor, "member.staffing", member_id, before=before, after=after)
    return _one(actor.workspace_id, member_id)


def choose_availability(actor: Actor, *, availability: str, member_id: str | None = None) -> StaffInfo:
    """Say that one is online, busy or away; supervisors say it of others. Raises BadInput, NotFound, NotAllowed."""
    actor.require_role(Role.AGENT)
    chosen_for = member_id or actor.id
    if chosen_for != actor.id:
        actor.require_role(Role.SUPERVISOR)
    elif actor.kind != "member":
        raise NotAllowed("Only a member has an availability; name one.")
    if availability not in AVAILABILITIES:
        raise BadInput(f"One is {', '.join(AVAILABILITIES)}, not {availability!r}.", field="availability")
    with transaction.atomic():
        row = _staffing(actor.workspace_id, member_row(actor.workspace_id, chosen_for).id)
        row.availability = availability
        if chosen_for == actor.id:
            row.seen_at = now()
        row.save()
        announce(actor.workspace_id, "member.updated", chosen_for)
        if chosen_for != actor.id:
            audit(actor, "member.availability", chosen_for, after={"availability": availability})
    return _one(actor.workspace_id, chosen_for)


def note_seen(seen: Mapping[str, Iterable[str]]) -> int:
    """Members of these workspaces have a window open; gives how many entries were written.

    Those who were seen a moment ago are left alone, so that several processes do not write the same.
    """
    at, written = now(), 0
    for workspace_id, member_ids in seen.items():
        ids = list(member_ids)
        mine = Staffing.objects.of(workspace_id).filter(member_id__in=ids)
        old = at - timedelta(seconds=SEEN_SECONDS / 2)
        written += mine.exclude(seen_at__gt=old).update(seen_at=at)
        missing = set(ids) - set(mine.values_list("member_id", flat=True))
        here = Member.objects.of(workspace_id).filter(id__in=missing).values_list("id", flat=True)
        rows = [Staffing(workspace_id=workspace_id, member_id=each, seen_at=at) for each in here]
        written += len(Staffing.objects.bulk_create(rows, ignore_conflicts=True))
    return written


def note_offer(workspace_id: str, *, team_id: str, member_id: str, at: datetime) -> None:
    """A member of a team is offered a conversation: round-robin goes on after them."""
    TeamMember.objects.of(workspace_id).filter(team_id=team_id, member_id=member_id).update(last_offer_at=at)


def _change(actor: Actor, row: Team, *, members: Sequence[Any] | None = None, **given: Any) -> None:
    readers: dict[str, Callable[[Any], Any]] = {
        "name": _name,
        "method": _method,
        "skills": lambda value: checked_words(value, "skills"),
        "languages": _languages,
        "offer_seconds": lambda value: _number(value, "offer_seconds", least=5),
        "escalate_seconds": lambda value: _number(value, "escalate_seconds"),
        "hours": lambda value: None if value is None else hours_json(checked_hours(**value)),
    }
    unknown = sorted(set(given) - set(readers))
    if unknown:
        raise BadInput(f"A team has {', '.join(readers)}; not {', '.join(unknown)}.", field=unknown[0])
    for name, value in given.items():
        setattr(row, name, readers[name](value))
    _store(row)
    if members is not None:
        _set_members(actor, row, members)


def _set_members(actor: Actor, row: Team, members: Sequence[Any]) -> None:
    wanted = {}
    for each in members:
        table = {"id": each} if isinstance(each, str) else dict(each)
        wanted[str(table.get("id", ""))] = bool(table.get("is_lead", False))
    known = set(Member.objects.of(actor.workspace_id).filter(id__in=wanted).values_list("id", flat=True))
    if set(wanted) - known:
        missing = sorted(set(wanted) - known)[0]
        raise BadInput(f"There is no member {missing!r} here.", field="members", member=missing)
    mine = TeamMember.objects.of(actor.workspace_id).filter(team_id=row.id)
    mine.exclude(member_id__in=wanted).delete()
    there = set(mine.values_list("member_id", flat=True))
    for member_id, is_lead in wanted.items():
        if member_id in there:
            mine.filter(member_id=member_id).update(is_lead=is_lead)
        else:
            TeamMember.objects.create(
                workspace_id=actor.workspace_id, team_id=row.id, member_id=member_id, is_lead=is_lead
            )


def _store(row: Team, **how: bool) -> None:
    try:
        with transaction.atomic():
            row.save(**how)
    except IntegrityError:
        raise Conflict(f"There is a team {row.name!r} already.", name=row.name) from None


def _shown(row: Team) -> dict[str, Any]:
    names = ("name", "method", "skills", "languages", "offer_seconds", "escalate_seconds", "hours")
    people = TeamMember.objects.of(row.workspace_id).filter(team_id=row.id).order_by("id")
    return {**{name: getattr(row, name) for name in names}, "members": list(people.values_list("member_id", flat=True))}


def _staffing(workspace_id: str, member_id: str) -> Staffing:
    """A member's entry, held until the transaction ends."""
    rows = Staffing.objects.of(workspace_id).filter(member_id=member_id)
    if not rows.exists():
        Staffing.objects.bulk_create([Staffing(workspace_id=workspace_id, member_id=member_id)], ignore_conflicts=True)
    return rows.select_for_update().get()


def _one(workspace_id: str, member_id: str) -> StaffInfo:
    found = staff_of(workspace_id).get(member_id)
    if found is None:
        raise NotFound("This person cannot answer customers here.", member=member_id)
    return found


def _name(name: str) -> str:
    if not 0 < len(name.strip()) <= 100:
        raise BadInput("A team's name has 1 to 100 characters.", field="name")
    return name.strip()


def _method(method: str) -> str:
    if method not in METHODS:
        raise BadInput(f"A team's method is one of {', '.join(METHODS)}, not {method!r}.", field="method")
    return method


def _languages(languages: Sequence[str]) -> list[str]:
    wrong = next((each for each in languages if not _LANGUAGE.fullmatch(each)), None)
    if wrong is not None:
        raise BadInput(f"A language is a code such as en or zh, not {wrong!r}.", field="languages")
    return sorted(set(languages))


def _number(value: int, field: str, *, least: int = 0, most: int = _LONGEST) -> int:
    if type(value) is not int or not least <= value <= most:
        raise BadInput(f"{field} is a number from {least} to {most:,}, not {value!r}.", field=field)
    return value
