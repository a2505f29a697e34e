"""Routes of routing, of who has how much, and of what is promised."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from kefu.desk.accounts import team_actions, team_queries
from kefu.desk.accounts import team_schemas as teams
from kefu.desk.actor import Actor
from kefu.desk.http.entry import member
from kefu.desk.inbox import queries, schemas
from kefu.desk.inbox import routing_schemas as shapes
from kefu.desk.inbox.actions import promises, routes
from kefu.desk.inbox.queries import promises as promised
from kefu.desk.inbox.queries.routing import loads, routing

router = Router(auth=member)


@router.get("/routing", response=shapes.Routing, tags=["Routing"])
def read_routing(request: HttpRequest) -> Any:
    """How those who wait come to teams."""
    return routing(_actor(request))


@router.patch("/routing", response=shapes.Routing, tags=["Routing"])
def set_routing(request: HttpRequest, body: shapes.RoutingChange) -> Any:
    """Change what is given of how those who wait come to teams."""
    given = {name: value for name, value in body.given().items() if value is not None}
    return routes.set_routing(_actor(request), **given)


@router.get("/staff", response=teams.AllStaff, tags=["Teams"])
def staff(request: HttpRequest) -> dict[str, Any]:
    """Everybody who answers customers: what they can do, whether they are there, and how much they have."""
    actor = _actor(request)
    have = loads(actor.workspace_id)
    return {"staff": [{**vars(each), "load": have[each.id]} for each in team_queries.staff(actor)]}


@router.patch("/staff/{member_id}", response=teams.StaffWithLoad, tags=["Teams"])
def change_staff(request: HttpRequest, member_id: str, body: teams.StaffChange) -> dict[str, Any]:
    """Say what a member can do, how many conversations they are given, and whether they are there."""
    actor = _actor(request)
    given = {name: value for name, value in body.given().items() if value is not None}
    availability = given.pop("availability", None)
    found = team_actions.set_staffing(actor, member_id=member_id, **given)
    if availability is not None:
        found = team_actions.choose_availability(actor, availability=availability, member_id=member_id)
    return {**vars(found), "load": loads(actor.workspace_id)[member_id]}


@router.put("/inbox/conversations/{conversation_id}/team", response=schemas.Conversation, tags=["Inbox"])
def set_team(request: HttpRequest, conversation_id: str, body: shapes.TeamChoice) -> dict[str, Any]:
    """Give it to a team; one whose owner is not in the team waits for the team."""
    routes.set_team(_actor(request), conversation_id=conversation_id, team_id=body.team)
    return _thread(request, conversation_id)


@router.put("/inbox/conversations/{conversation_id}/priority", response=schemas.Conversation, tags=["Inbox"])
def set_priority(request: HttpRequest, conversation_id: str, body: shapes.PriorityChoice) -> dict[str, Any]:
    """Say how urgent it is."""
    routes.set_priority(_actor(request), conversation_id=conversation_id, priority=body.priority)
    return _thread(request, conversation_id)


@router.post("/inbox/conversations/{conversation_id}/decline", response=schemas.Conversation, tags=["Inbox"])
def decline(request: HttpRequest, conversation_id: str) -> dict[str, Any]:
    """Let it pass: it is offered to the next."""
    routes.decline(_actor(request), conversation_id=conversation_id)
    return _thread(request, conversation_id)


@router.get("/inbox/conversations/{conversation_id}/clocks", response=shapes.Clocks, tags=["Inbox"])
def clocks(request: HttpRequest, conversation_id: str) -> dict[str, Any]:
    """What was promised about it, and what became of that."""
    return {"clocks": promised.clocks(_actor(request), conversation_id)}


@router.get("/sla", response=shapes.Promises, tags=["Promised times"])
def policies(request: HttpRequest) -> dict[str, Any]:
    """All promises, in the order in which they are tried: of those that fit, the first counts."""
    return {"policies": promised.policies(_actor(request))}


@router.post("/sla", response={201: shapes.Promise}, tags=["Promised times"])
def create_policy(request: HttpRequest, body: shapes.NewPromise) -> Status[Any]:
    """Promise something, from the next hand-over on."""
    return Status(201, promises.create_policy(_actor(request), **body.given()))


@router.patch("/sla/{policy_id}", response=shapes.Promise, tags=["Promised times"])
def change_policy(request: HttpRequest, policy_id: str, body: shapes.PromiseChange) -> Any:
    """Change what is given of a promise."""
    return promises.change_policy(_actor(request), policy_id=policy_id, **body.given())


@router.delete("/sla/{policy_id}", response={204: None}, tags=["Promised times"])
def remove_policy(request: HttpRequest, policy_id: str) -> Status[Any]:
    """Promise it no more; what runs is kept."""
    promises.remove_policy(_actor(request), policy_id=policy_id)
    return Status(204, None)


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]


def _thread(request: HttpRequest, conversation_id: str) -> dict[str, Any]:
    return schemas.conversation(queries.thread(_actor(request), conversation_id))
