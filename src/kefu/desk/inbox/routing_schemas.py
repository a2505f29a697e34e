"""Requests and responses about routing and about what is promised."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from kefu.desk.inbox.schemas import Priority

Clock = Literal["first_reply", "next_reply", "resolution"]
Attributes = dict[str, str | int | float | bool]


class Request(Schema):
    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """What the request named."""
        whole = self.dict()
        return {name: whole[name] for name in self.model_fields_set}


class Rule(Request):
    """Conversations that fit go to `team`; what is empty fits all. Its members need the `skills` as well."""

    team: str
    channels: list[str] = Field(default_factory=list, max_length=100)
    languages: list[str] = Field(default_factory=list, max_length=100)
    intents: list[str] = Field(default_factory=list, max_length=500)
    labels: list[str] = Field(default_factory=list, max_length=100)
    contact: Attributes = Field(default_factory=dict, max_length=20)
    skills: list[str] = Field(default_factory=list, max_length=50)


class RoutingChange(Request):
    """What is given is changed. The first rule that fits counts; the empty `default_team` is none."""

    rules: list[Rule] | None = Field(default=None, max_length=200)
    default_team: str | None = None
    tells_position: bool | None = None


class Routing(Schema):
    rules: list[Rule]
    default_team: str
    tells_position: bool


class TeamChoice(Request):
    """Null: by the rules again."""

    team: str | None = None


class PriorityChoice(Request):
    priority: Priority


class Conditions(Request):
    """Of which conversations something is promised; what is empty fits all."""

    channels: list[str] = Field(default_factory=list, max_length=100)
    teams: list[str] = Field(default_factory=list, max_length=100)
    labels: list[str] = Field(default_factory=list, max_length=100)
    priorities: list[Priority] = Field(default_factory=list, max_length=4)
    contact: Attributes = Field(default_factory=dict, max_length=20)


class OnBreach(Request):
    """When it is late: a team that gets it, a priority that it is raised to, a mail to owner, leads and supervisors."""

    team: str = ""
    priority: Priority | Literal[""] = ""
    mail: bool = False


class PromiseChange(Request):
    """What is given is changed; a time that is null is not promised."""

    name: str | None = Field(default=None, max_length=100)
    place: int | None = None
    first_reply_seconds: int | None = None
    next_reply_seconds: int | None = None
    resolution_seconds: int | None = None
    in_business_hours: bool | None = None
    warn_seconds: int | None = None
    conditions: Conditions | None = None
    on_breach: OnBreach | None = None

    def given(self) -> dict[str, Any]:
        times = {"first_reply_seconds", "next_reply_seconds", "resolution_seconds"}
        return {name: value for name, value in super().given().items() if value is not None or name in times}


class NewPromise(PromiseChange):
    name: str = Field(max_length=100)


class Promise(Schema):
    id: str
    name: str
    place: int
    first_reply_seconds: int | None
    next_reply_seconds: int | None
    resolution_seconds: int | None
    in_business_hours: bool
    warn_seconds: int
    conditions: Conditions
    on_breach: OnBreach


class Promises(Schema):
    policies: list[Promise]


class ClockOfConversation(Schema):
    """`left_seconds` may be below zero; `ends_at` null: it stands or is over."""

    kind: Clock
    state: Literal["running", "paused", "met", "missed", "dropped"]
    policy_id: str
    policy_name: str
    target_seconds: float
    left_seconds: float
    in_business_hours: bool
    ends_at: datetime | None
    warned_at: datetime | None
    breached_at: datetime | None
    ended_at: datetime | None


class Clocks(Schema):
    clocks: list[ClockOfConversation]
