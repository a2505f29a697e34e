"""What dispatch runs: giving those who wait to teams and members. All safe to run twice.

A pass works for one workspace whose routing row it holds, so that nobody is given more than their limit; a conversation
that somebody else holds at that moment is left for the next pass. Offers are rows with a due time: whoever does not
take what they were offered lets it pass to the next when that has come.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from kefu.desk.accounts.actions import announce, notify
from kefu.desk.accounts.hours import milliseconds, moment
from kefu.desk.accounts.models import Team
from kefu.desk.accounts.queries import mail_of, member_names, workspace
from kefu.desk.accounts.team_actions import note_offer
from kefu.desk.accounts.team_queries import Crew, StaffInfo, crews, staff_of, team_hours, team_rows, told_of_trouble
from kefu.desk.actor import system
from kefu.desk.inbox import texts
from kefu.desk.inbox.actions.happenings import happened
from kefu.desk.inbox.actions.messages import say, tell
from kefu.desk.inbox.actions.routes import MOVED, routing_row, withdraw
from kefu.desk.inbox.actions.state import language_of
from kefu.desk.inbox.closed import closed_text, destination
from kefu.desk.inbox.models import Conversation, Route
from kefu.desk.inbox.queries.routing import RoutingInfo, loads, routing_info
from kefu.desk.inbox.routing import Candidate, choose, worth_telling
from kefu.desk.rows import now
from kefu.desk.statements import update
from kefu.kit.settings import settings

# How soon those for whom nobody was free are looked at again: nobody notices, and a hundred who wait cost little.
_LOOK_AGAIN = timedelta(seconds=3)
# Conversations of one workspace in one pass: their rows are held meanwhile, and on SQLite nobody else writes.
AT_ONCE = 50
_SUPERVISING = frozenset({"owner", "admin", "supervisor"})
# Their programs show the place themselves, whenever it changes; on others each message costs the customer attention.
_SHOWING = frozenset({"web", "api"})


def due_workspaces(*, limit: int = 50) -> list[str]:
    """Workspaces in which somebody who waits is due."""
    due = Route.objects.across_workspaces("dispatch works for all").filter(due_at__lte=now())
    return list(due.order_by().values_list("workspace_id", flat=True).distinct()[:limit])


def hand_on(workspace_id: str) -> int:
    """Give those who wait and are due to teams and members; gives how many were looked at."""
    with transaction.atomic():
        row = routing_row(workspace_id)
        at = now()
        due = Route.objects.of(workspace_id).filter(due_at__lte=at)
        due.filter(state="left").delete()
        order = due.order_by("is_begun", "-conversation__priority", "conversation__waiting_since")
        ids = list(order.values_list("conversation_id", flat=True)[:AT_ONCE])
        if ids:
            desk = _Desk(workspace_id, at, routing_info(row))
            # Conversations before their routes: whoever takes one holds them in this order, too.
            threads = _held(workspace_id, ids)
            routes = {each.conversation_id: each for each in due.filter(conversation_id__in=ids)}
            for thread in threads:
                if thread.id in routes:
                    desk.hand_on(thread, routes[thread.id])
            desk.look_again()
        _tell_places(workspace_id, tells=row.tells_position)
    return len(ids)


@dataclass
class _Desk:
    """One pass over a workspace: who is there and how much they have is read once and counted on."""

    workspace_id: str
    at: datetime
    routing: RoutingInfo
    teams: dict[str, Team] = field(init=False)
    staff: dict[str, StaffInfo] = field(init=False)
    crews: dict[str, list[Crew]] = field(init=False)

    def __post_init__(self) -> None:
        self.teams, self.staff = team_rows(self.workspace_id), staff_of(self.workspace_id)
        self.crews, self.loads = crews(self.workspace_id), loads(self.workspace_id)
        self.last_offers: dict[tuple[str, str], float] = {}
        self._same: list[str] = []

    def hand_on(self, thread: Conversation, route: Route) -> None:
        """Take a conversation one step further; both rows are held, and stored."""
        if thread.status != "waiting":
            route.delete()
            return
        before = _standing(route)
        if not route.is_begun:
            self._begin(thread, route)
        team = self.teams.get(thread.team_id)
        if route.state == "offered" and self._is_over(route):
            self.loads[route.member_id] -= 1
            withdraw(thread, route)
        if thread.escalated_at is None and route.escalate_at is not None and route.escalate_at <= self.at:
            self._escalate(thread, route)
        if team is not None and team.method != "manual" and route.state == "waiting":
            self._offer(thread, route, team)
        route.due_at = self._next(route, team)
        if before == _standing(route) and route.due_at == self.at + _LOOK_AGAIN:
            self._same.append(route.id)
        else:
            route.save()

    def look_again(self) -> None:
        """Those for whom nothing changed are due again in a moment, all at once."""
        same = Route.objects.of(self.workspace_id).filter(id__in=self._same)
        same.update(due_at=self.at + _LOOK_AGAIN)

    def _begin(self, thread: Conversation, route: Route) -> None:
        """Choose the team, say when people are back if nobody is there, and set when it is too long."""
        rule_skills = self._choose_team(thread, route)
        team = self.teams.get(thread.team_id)
        hours = team_hours(team, self.workspace_id, self.at)
        self._say_closed(thread, team)
        if team is not None and team.escalate_seconds:
            ends = hours.end_of(milliseconds(thread.waiting_since or self.at), team.escalate_seconds * 1000)
            route.escalate_at = moment(ends) if ends is not None else None
        route.skills = sorted({*rule_skills, *(team.skills if team is not None else ())})
        route.is_begun = True

    def _choose_team(self, thread: Conversation, route: Route) -> tuple[str, ...]:
        """Move it to the team whose business it is; gives the skills that a rule asks for."""
        chosen, skills = destination(thread, route.wanted, self.routing, self.teams)
        if chosen != thread.team_id:
            thread.team_id = chosen
            happened(thread, "teamed", by="routing", team=chosen)
            update(thread, MOVED)
            announce(self.workspace_id, "conversation.updated", thread.id, thread.id)
        return skills

    def _say_closed(self, thread: Conversation, team: Team | None) -> None:
        """Nobody is at work: the customer hears when people are back, and leaves a message and an address."""
        text = closed_text(thread, team, self.at) if thread.nobody_told_at is None else None
        if text is None:
            return
        thread.nobody_told_at, thread.address_wanted = self.at, True
        tell(thread, "closed", text=text)
        announce(self.workspace_id, "conversation.updated", thread.id, thread.id)

    def _is_over(self, route: Route) -> bool:
        person = self.staff.get(route.member_id)
        late = route.offered_until is None or route.offered_until <= self.at
        return late or person is None or person.availability != "online"

    def _offer(self, thread: Conversation, route: Route, team: Team) -> None:
        is_late = thread.escalated_at is not None
        candidates = self._candidates(team, everybody=is_late)
        # Once it is too long, anybody's help is better than skills that nobody free has.
        language, skills = language_of(thread), () if is_late else route.skills
        chosen = choose(team.method, candidates, language=language, skills=skills, passed=route.passed)
        if chosen is None and route.passed and self._may_begin_again(route, team):
            route.passed = []
            chosen = choose(team.method, candidates, language=language, skills=skills)
        if chosen is None:
            return
        route.state, route.member_id = "offered", chosen.member_id
        route.offered_until = self.at + timedelta(seconds=team.offer_seconds)
        thread.offered_to = chosen.member_id
        happened(thread, "offered", by="routing", member=chosen.member_id, team=team.id)
        update(thread, MOVED)
        self.loads[chosen.member_id] += 1
        # Of those chosen in one pass, each later than the one before.
        self.last_offers[team.id, chosen.member_id] = self.at.timestamp() + len(self.last_offers) * 1e-6
        order = timedelta(microseconds=len(self.last_offers))
        note_offer(self.workspace_id, team_id=team.id, member_id=chosen.member_id, at=self.at + order)
        announce(self.workspace_id, "conversation.updated", thread.id, thread.id)

    def _may_begin_again(self, route: Route, team: Team) -> bool:
        """All have let it pass: they are asked again a while after the last one did."""
        last = route.offered_until
        return last is None or last + timedelta(seconds=team.offer_seconds) <= self.at

    def _candidates(self, team: Team, *, everybody: bool) -> list[Candidate]:
        crew = {each.member_id: each for each in self.crews.get(team.id, ())}
        ids = [*crew]
        if everybody:  # nobody of the team has taken it: supervisors are asked as well
            ids += [each.id for each in self.staff.values() if each.role in _SUPERVISING and each.id not in crew]
        return [self._candidate(team.id, self.staff[each], crew.get(each)) for each in ids if each in self.staff]

    def _candidate(self, team_id: str, person: StaffInfo, crew: Crew | None) -> Candidate:
        before = crew.last_offer_at.timestamp() if crew is not None and crew.last_offer_at is not None else None
        return Candidate(
            person.id,
            frozenset(person.skills),
            frozenset(person.languages),
            self.loads[person.id],
            person.conversation_limit,
            person.availability == "online",
            self.last_offers.get((team_id, person.id), before),
        )

    def _escalate(self, thread: Conversation, route: Route) -> None:
        """Nobody took it in time: leads and supervisors are told, and asked as well."""
        thread.escalated_at, route.passed = self.at, []
        told = told_of_trouble(self.workspace_id, thread.team_id)
        here = workspace(self.workspace_id)
        names = ", ".join(name for name in member_names(self.workspace_id, set(told)).values() if name)
        text = texts.to_customer("escalated", here.default_language, names=names or here.title)
        say(system(self.workspace_id, "routing"), thread, author="system", author_id="", text=text, is_internal=True)
        announce(self.workspace_id, "conversation.escalated", thread.id, thread.id)
        announce(self.workspace_id, "conversation.updated", thread.id, thread.id)
        mail_members(thread, told, "escalated", about=thread.id)

    def _next(self, route: Route, team: Team | None) -> datetime | None:
        """When a route is looked at next; None when only people move it."""
        if team is not None and team.method != "manual":
            return self.at + _LOOK_AGAIN
        return route.escalate_at if route.escalate_at is not None and route.escalate_at > self.at else None


def _standing(route: Route) -> tuple[object, ...]:
    return (route.state, route.member_id, route.is_begun, route.offered_until, tuple(route.passed), route.escalate_at)


def mail_members(thread: Conversation, member_ids: list[str], key: str, *, about: str) -> None:
    """Write to members about a conversation, in their languages; nothing of what was said is in it."""
    if not settings().smtp_url:
        return
    here = workspace(thread.workspace_id)
    link = f"{settings().address}/console/inbox/{thread.id}"
    for address, language in mail_of(thread.workspace_id, member_ids):
        subject, text = texts.member_mail(key, language or here.default_language, workspace=here.title, link=link)
        notify(thread.workspace_id, about=about, addresses=[address], subject=subject, text=text)


def _held(workspace_id: str, ids: list[str]) -> list[Conversation]:
    """Conversations that nobody else holds, held, the most urgent and then the longest waiting first."""
    mine = Conversation.objects.of(workspace_id).select_for_update(of=("self",), skip_locked=True)
    rows = list(mine.select_related("channel").filter(id__in=ids))
    return sorted(rows, key=lambda row: (-row.priority, row.waiting_since or row.created_at, row.id))


def _tell_places(workspace_id: str, *, tells: bool) -> None:
    """Let customers whose place in their queue has changed enough hear of it."""
    queue = Route.objects.of(workspace_id).filter(conversation__status="waiting", is_begun=True).exclude(state="left")
    order = queue.order_by("-conversation__priority", "conversation__waiting_since", "conversation_id")
    places: dict[str, int] = defaultdict(int)
    columns = ("id", "position", "conversation_id", "conversation__team_id", "conversation__channel__kind")
    # Only what is compared is read: most of those who wait have kept their place.
    for route_id, told, conversation_id, team_id, kind in order.values_list(*columns):
        places[team_id] += 1
        place = places[team_id]
        if not worth_telling(told, place):
            continue
        Route.objects.of(workspace_id).filter(id=route_id).update(position=place)
        if not tells:
            continue
        announce(workspace_id, "conversation.moved", conversation_id, conversation_id)
        # In words only at the hand-over, and to whom somebody is before.
        if told is None and place > 1 and kind not in _SHOWING:
            _say_place(workspace_id, conversation_id, place)


def _say_place(workspace_id: str, conversation_id: str, place: int) -> None:
    held = Conversation.objects.of(workspace_id).select_for_update(of=("self",), skip_locked=True)
    thread = held.select_related("channel").filter(id=conversation_id, status="waiting").first()
    if thread is not None and thread.nobody_told_at is None:  # whom nobody answers today has no place
        tell(thread, "place_in_queue", number=str(place), before=str(place - 1))
