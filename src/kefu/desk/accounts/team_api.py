"""Routes of teams, and of whether one is there."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from kefu.desk.accounts import team_actions, team_queries
from kefu.desk.accounts import team_schemas as schemas
from kefu.desk.actor import Actor
from kefu.desk.http.entry import member

router = Router(auth=member)


@router.get("/teams", response=schemas.Teams, tags=["Teams"])
def teams(request: HttpRequest) -> dict[str, Any]:
    """All teams by name."""
    return {"teams": team_queries.teams(_actor(request))}


@router.post("/teams", response={201: schemas.Team}, tags=["Teams"])
def create_team(request: HttpRequest, body: schemas.NewTeam) -> Status[Any]:
    """Make a team. By hand, nobody is offered what waits for it."""
    return Status(201, team_actions.create_team(_actor(request), **body.given()))


@router.get("/teams/{team_id}", response=schemas.Team, tags=["Teams"])
def team(request: HttpRequest, team_id: str) -> Any:
    """A team with its members."""
    return team_queries.team(_actor(request), team_id)


@router.patch("/teams/{team_id}", response=schemas.Team, tags=["Teams"])
def change_team(request: HttpRequest, team_id: str, body: schemas.TeamChange) -> Any:
    """Change what is given of a team."""
    return team_actions.change_team(_actor(request), team_id=team_id, **body.given())


@router.delete("/teams/{team_id}", response={204: None}, tags=["Teams"])
def remove_team(request: HttpRequest, team_id: str) -> Status[Any]:
    """Let a team end; figures keep its name, and rules that name it are passed over."""
    team_actions.remove_team(_actor(request), team_id=team_id)
    return Status(204, None)


@router.get("/session/availability", response=schemas.Staff, tags=["Session"])
def availability(request: HttpRequest) -> Any:
    """Whether I am there, and what I am given."""
    return team_queries.own_staffing(_actor(request))


@router.put("/session/availability", response=schemas.Staff, tags=["Session"])
def choose_availability(request: HttpRequest, body: schemas.AvailabilityChoice) -> Any:
    """I am online, busy or away: who is not online is offered nothing."""
    return team_actions.choose_availability(_actor(request), availability=body.availability)


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]
