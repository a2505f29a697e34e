"""Requests and responses about teams and about what members can do."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from kefu.desk.accounts.schemas import NewBusinessHours
from kefu.desk.actor import Role

Method = Literal["manual", "round_robin", "least_busy"]
Availability = Literal["online", "busy", "away"]


class Request(Schema):
    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """What the request named."""
        whole = self.dict()
        return {name: whole[name] for name in self.model_fields_set}


class TeamMemberIn(Request):
    id: str
    is_lead: bool = False


class TeamChange(Request):
    """What is given is changed; `hours` null: the workspace's."""

    name: str | None = Field(default=None, max_length=100)
    method: Method | None = None
    skills: list[str] | None = Field(default=None, max_length=50)
    languages: list[str] | None = Field(default=None, max_length=50)
    offer_seconds: int | None = None
    escalate_seconds: int | None = None
    hours: NewBusinessHours | None = None
    members: list[TeamMemberIn] | None = Field(default=None, max_length=500)

    def given(self) -> dict[str, Any]:
        return {name: value for name, value in super().given().items() if value is not None or name == "hours"}


class NewTeam(TeamChange):
    name: str = Field(max_length=100)


class TeamMember(Schema):
    id: str
    name: str
    is_lead: bool


class TeamHours(Schema):
    time_zone: str
    weekly: dict[str, list[list[str]]] | None
    holidays: list[str]


class Team(Schema):
    """`offer_seconds`: to take what one is offered; `escalate_seconds` (0: never): until leads are told."""

    id: str
    name: str
    method: Method
    skills: list[str]
    languages: list[str]
    offer_seconds: int
    escalate_seconds: int
    hours: TeamHours | None
    members: list[TeamMember]


class Teams(Schema):
    teams: list[Team]


class AvailabilityChoice(Request):
    availability: Availability


class StaffChange(Request):
    skills: list[str] | None = Field(default=None, max_length=50)
    languages: list[str] | None = Field(default=None, max_length=50)
    conversation_limit: int | None = None
    availability: Availability | None = None


class Staff(Schema):
    """Somebody who answers customers: `chosen` by themselves, `availability` with whether a window is open."""

    id: str
    name: str
    role: Role
    skills: list[str]
    languages: list[str]
    conversation_limit: int
    chosen: Availability
    availability: Availability
    seen_at: datetime | None
    teams: list[str]


class StaffWithLoad(Staff):
    """`load` counts the conversations that somebody has or is offered."""

    load: int


class AllStaff(Schema):
    staff: list[StaffWithLoad]
