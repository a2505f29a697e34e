"""Conversations on their way to a member: which team, who is offered it, how urgent it is."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.accounts.team_queries import checked_words, in_team, team_row, team_rows
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.actions.conversations import member_only, refuse_others, refuse_resolved
from kefu.desk.inbox.actions.happenings import Happened, happened
from kefu.desk.inbox.actions.state import save, wait
from kefu.desk.inbox.models import Channel, Conversation, Route, Routing
from kefu.desk.inbox.queries import ConversationInfo, get, with_names
from kefu.desk.inbox.queries.routing import RoutingInfo, routing_info
from kefu.desk.inbox.routing import PRIORITIES
from kefu.desk.rows import now
from kefu.desk.statements import update
from kefu.kit.errors import BadInput, Conflict, NotFound

_RULES = 200  # no company reads through more
_FIELDS = ("channels", "languages", "intents", "labels", "skills")


def set_routing(
    actor: Actor,
    *,
    rules: Sequence[dict[str, Any]] | None = None,
    default_team: str | None = None,
    tells_position: bool | None = None,
) -> RoutingInfo:
    """Change what is given of how those who wait come to teams; the empty name takes the default team away.

    A rule is a table of `team` (an id) and what must fit: lists of `channels` (ids), `languages`, `intents`, `labels`
    (ids), a table `contact` of attributes; and `skills` that members need. Raises BadInput that names the rule,
    NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        row = routing_row(actor.workspace_id)
        before = _shown(row)
        if rules is not None:
            row.rules = _checked(actor, rules)
        if default_team is not None:
            row.default_team = default_team and _team(actor, default_team, "default_team")
        row.tells_position = row.tells_position if tells_position is None else tells_position
        row.save()
        announce(actor.workspace_id, "routing.updated", str(row.id))
        audit(actor, "routing.set", actor.workspace_id, before=before, after=_shown(row))
    return routing_info(row)


def set_team(actor: Actor, *, conversation_id: str, team_id: str | None) -> ConversationInfo:
    """Give a conversation to a team, or with None to none. One whose owner is not in the team waits for the team.

    Raises Conflict that names the owner, NotFound, NotAllowed.
    """
    member_only(actor)
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        refuse_resolved(thread)
        refuse_others(actor, thread, supervisors_may=True)
        chosen = team_row(actor.workspace_id, team_id).id if team_id else ""
        before = thread.team_id
        if chosen != before:
            to_team(thread, chosen, by=actor.id)
            audit(actor, "conversation.teamed", thread.id, before={"team": before}, after={"team": chosen})
    return with_names(thread)


def set_priority(actor: Actor, *, conversation_id: str, priority: str) -> ConversationInfo:
    """Say how urgent a conversation is. Raises BadInput, NotFound, NotAllowed."""
    actor.require_role(Role.AGENT)
    if priority not in PRIORITIES:
        raise BadInput(f"A priority is one of {', '.join(PRIORITIES)}, not {priority!r}.", field="priority")
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        before = PRIORITIES[thread.priority]
        if priority != before:
            to_priority(thread, priority, by=actor.id)
            update(thread, MOVED)
            announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)
            audit(actor, "conversation.prioritised", thread.id, before=before, after=priority)
    return with_names(thread)


def decline(actor: Actor, *, conversation_id: str) -> ConversationInfo:
    """Let a conversation pass that one was offered; the next gets it. Raises Conflict where one was not, NotFound."""
    member_only(actor)
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        if thread.status != "waiting" or thread.offered_to != actor.id:
            raise Conflict("You are not offered this conversation.", conversation=thread.id)
        row = Route.objects.of(actor.workspace_id).get(conversation_id=thread.id)
        withdraw(thread, row)
        row.due_at = now()
        row.save()
    return with_names(thread)


def to_team(thread: Conversation, team_id: str, *, by: str) -> None:
    """Give a locked conversation to a team, in the caller's transaction; it is stored."""
    thread.team_id = team_id
    happened(thread, "teamed", by=by, team=team_id)
    if thread.status == "open" and team_id and not in_team(thread.workspace_id, team_id, thread.assignee_id):
        wait(thread, now(), by=by, team=team_id)
        save(thread, now())
        return
    update(thread, MOVED)
    announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)


def to_priority(thread: Conversation, priority: str, *, by: str) -> None:
    """Make a locked conversation more or less urgent; the caller stores and announces it."""
    thread.priority = PRIORITIES.index(priority)
    happened(thread, "prioritise", by=by, priority=priority)
    Route.objects.of(thread.workspace_id).filter(conversation_id=thread.id).update(due_at=now())


def withdraw(thread: Conversation, row: Route) -> None:
    """The member whom a waiting conversation was offered did not take it. The row is changed, not stored."""
    happened(thread, "passed", by="routing", member=row.member_id)
    row.passed = [*row.passed, row.member_id]
    row.state, row.member_id, row.offered_until = "waiting", "", now()
    thread.offered_to = ""
    update(thread, MOVED)
    announce(thread.workspace_id, "conversation.updated", thread.id, thread.id)


def routing_row(workspace_id: str) -> Routing:
    """The workspace's routing, held until the transaction ends, so that one gives conversations out at a time."""
    rows = Routing.objects.of(workspace_id)
    if not rows.exists():
        Routing.objects.bulk_create([Routing(workspace_id=workspace_id)], ignore_conflicts=True)
    return rows.select_for_update().get()


def follow(thread: Conversation, event: Happened) -> None:
    """Keep a conversation's route: it begins when it waits and ends when it waits no more."""
    if event.kind == "waits":
        _begin(thread, event)
    elif event.kind in {"owned", "assistant", "resolved"} and thread.waiting_since is not None:
        thread.offered_to, thread.escalated_at = "", None
        mine = Route.objects.of(thread.workspace_id).filter(conversation_id=thread.id)
        mine.update(state="left", due_at=event.at, member_id="")
    elif event.kind == "teamed" and event.by != "routing" and thread.status == "waiting":
        _begin(thread, event)


MOVED = ("team_id", "priority", "offered_to", "escalated_at", "clock", "sla_clock", "sla_state", "sla_due_at")


def _begin(thread: Conversation, event: Happened) -> None:
    thread.offered_to, thread.escalated_at = "", None
    given = {
        "state": "waiting",
        "wanted": str(event.detail.get("team", "")),  # a flow named it, or somebody has just moved it there
        "is_begun": False,
        "member_id": "",
        "offered_until": None,
        "passed": [thread.assignee_id] if thread.status == "open" and thread.assignee_id else [],
        "escalate_at": None,
        "due_at": event.at,
    }
    mine = Route.objects.of(thread.workspace_id).filter(conversation_id=thread.id)
    if not mine.update(**given):
        Route.objects.create(workspace_id=thread.workspace_id, conversation_id=thread.id, **given)


def _shown(row: Routing) -> dict[str, Any]:
    return {"rules": row.rules, "default_team": row.default_team, "tells_position": row.tells_position}


def _checked(actor: Actor, rules: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(rules) > _RULES:
        raise BadInput(f"At most {_RULES} rules can be kept, not {len(rules)}.", field="rules")
    return [_rule(actor, place, rule) for place, rule in enumerate(rules)]


def _rule(actor: Actor, place: int, rule: dict[str, Any]) -> dict[str, Any]:
    field = f"rules.{place}"
    unknown = sorted(set(rule) - {"team", "contact", *_FIELDS})
    if unknown:
        raise BadInput(f"Rule {place + 1}: there is no {unknown[0]!r} in a rule.", field=f"{field}.{unknown[0]}")
    kept: dict[str, Any] = {"team": _team(actor, str(rule.get("team", "")), f"{field}.team")}
    for name in _FIELDS:
        words = [str(each).strip() for each in rule.get(name) or []]
        kept[name] = checked_words(words, "skills") if name == "skills" else [each for each in words if each]
    kept["contact"] = {str(name): value for name, value in (rule.get("contact") or {}).items()}
    check_channels(actor, kept["channels"], f"{field}.channels")
    return kept


def check_channels(actor: Actor, channel_ids: Sequence[str], field: str) -> None:
    """Raises BadInput for a channel that is not the workspace's."""
    known = set(Channel.objects.of(actor.workspace_id).filter(id__in=channel_ids).values_list("id", flat=True))
    unknown = sorted(set(channel_ids) - known)
    if unknown:
        raise BadInput(f"There is no channel {unknown[0]!r}.", field=field)


def check_teams(actor: Actor, team_ids: Sequence[str], field: str) -> None:
    """Raises BadInput for a team that is not the workspace's."""
    unknown = sorted(set(team_ids) - set(team_rows(actor.workspace_id)))
    if unknown:
        raise BadInput(f"There is no team {unknown[0]!r}.", field=field)


def _team(actor: Actor, team_id: str, field: str) -> str:
    try:
        return str(team_row(actor.workspace_id, team_id).id)
    except NotFound:
        raise BadInput(f"There is no team {team_id!r}.", field=field) from None
