"""Reads of routing: its rules, who has how much, and how many are before a customer."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.models import Conversation, Route, Routing
from kefu.desk.inbox.routing import Rule


@dataclass(frozen=True)
class RoutingInfo:
    """How those who wait come to teams. A rule's team may have ended since: it is passed over then."""

    rules: tuple[Rule, ...]
    default_team: str
    tells_position: bool


def routing(actor: Actor) -> RoutingInfo:
    """Raises NotAllowed."""
    actor.require_role(Role.VIEWER)
    row = Routing.objects.of(actor.workspace_id).first()
    return routing_info(row if row is not None else Routing(workspace_id=actor.workspace_id))


def routing_info(row: Routing) -> RoutingInfo:
    return RoutingInfo(tuple(rule_of(each) for each in row.rules), row.default_team, row.tells_position)


def rule_of(stored: dict[str, Any]) -> Rule:
    """A rule as it is stored."""
    lists = {name: tuple(stored.get(name, ())) for name in ("channels", "languages", "intents", "labels", "skills")}
    return Rule(team=str(stored["team"]), contact=dict(stored.get("contact", {})), **lists)


def loads(workspace_id: str) -> Counter[str]:
    """How many conversations members have or are offered; those that are snoozed do not count."""
    owned = Conversation.objects.of(workspace_id).filter(status="open", is_snoozed=False).exclude(assignee_id="")
    found = Counter(dict(owned.values_list("assignee_id").annotate(Count("id")).order_by()))
    offered = Route.objects.of(workspace_id).filter(state="offered")
    found.update(dict(offered.values_list("member_id").annotate(Count("id")).order_by()))
    return found


def place_in_queue(row: Conversation) -> int | None:
    """How many wait before a customer's conversation, and one; None when it does not wait, or nobody is to know.

    Who has heard that nobody is there has no place to wait for.
    """
    if row.status != "waiting" or row.waiting_since is None or row.nobody_told_at is not None:
        return None
    if Routing.objects.of(row.workspace_id).filter(tells_position=False).exists():
        return None
    queue = Conversation.objects.of(row.workspace_id).filter(status="waiting", team_id=row.team_id)
    same = Q(priority=row.priority)
    before = Q(priority__gt=row.priority) | (same & Q(waiting_since__lt=row.waiting_since))
    before |= same & Q(waiting_since=row.waiting_since, id__lt=row.id)
    return queue.filter(before).count() + 1


def offered(workspace_id: str, conversation_ids: list[str]) -> dict[str, Any]:
    """Until when conversations are offered to somebody, by conversation."""
    rows = Route.objects.of(workspace_id).filter(conversation_id__in=conversation_ids, state="offered")
    return dict(rows.values_list("conversation_id", "offered_until"))
