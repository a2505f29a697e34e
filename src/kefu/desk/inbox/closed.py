"""Where a conversation that waits goes, and what its customer hears while nobody is at work there."""

from collections.abc import Mapping
from datetime import datetime

from kefu.desk.accounts.hours import milliseconds, moment
from kefu.desk.accounts.models import Team
from kefu.desk.accounts.team_queries import team_hours, team_rows
from kefu.desk.inbox import texts
from kefu.desk.inbox.actions.state import language_of
from kefu.desk.inbox.models import Conversation, Routing
from kefu.desk.inbox.queries.cases import case_of
from kefu.desk.inbox.queries.routing import RoutingInfo, routing_info
from kefu.desk.inbox.routing import team_for


def destination(
    thread: Conversation, wanted: str, routing: RoutingInfo, teams: Mapping[str, Team]
) -> tuple[str, tuple[str, ...]]:
    """The team that a flow named, else by the rules, else the one it has, else the default; and a rule's skills."""
    named = next((each.id for each in teams.values() if wanted in {each.id, each.name}), None)
    if named is not None:
        return named, ()
    case = case_of(thread, with_contact=any(each.contact for each in routing.rules), language=language_of(thread))
    rule = team_for(case, routing.rules, {each.id: each.languages for each in teams.values()})
    if rule is not None:
        return rule.team, rule.skills
    default = routing.default_team if routing.default_team in teams else ""
    return (thread.team_id if thread.team_id in teams else default), ()


def closed_text(thread: Conversation, team: Team | None, at: datetime) -> str | None:
    """That nobody is at work, and when people are back if they ever are; None while somebody is at work."""
    hours = team_hours(team, thread.workspace_id, at)
    if hours.is_open(milliseconds(at)):
        return None
    opens, language = hours.opens_at(milliseconds(at)), language_of(thread)
    if opens is None:
        return texts.to_customer("closed", language)
    when = texts.moment_in_words(moment(opens), hours.time_zone, language)
    return texts.to_customer("closed_until", language, when=when)


def said_instead(thread: Conversation, text: str, promise: str, *, wanted: str, at: datetime) -> str:
    """A hand-over's text with, for `promise`, when people are back, if nobody is at work where it goes.

    The customer has then heard it, and is not told again. The row is changed, not stored.
    """
    if not promise:
        return text
    teams = team_rows(thread.workspace_id)
    row = Routing.objects.of(thread.workspace_id).first() or Routing(workspace_id=thread.workspace_id)
    team_id, _ = destination(thread, wanted, routing_info(row), teams)
    closed = closed_text(thread, teams.get(team_id), at)
    if closed is None:
        return text
    thread.nobody_told_at, thread.address_wanted = at, True
    return text.replace(promise, closed)
