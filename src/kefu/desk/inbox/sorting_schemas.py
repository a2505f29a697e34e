"""Requests and responses about labels, views, snoozes and many conversations at once."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import Field

from kefu.desk.inbox.actions import Done
from kefu.desk.inbox.schemas import Request, Status


class Label(Schema):
    id: str
    title: str
    colour: str


class Labels(Schema):
    labels: list[Label]


class NewLabel(Request):
    title: str
    colour: str = "#64748b"


class LabelChange(Request):
    title: str | None = None
    colour: str | None = None


class Labelling(Request):
    """Ids of labels."""

    add: list[str] = Field(default_factory=list, max_length=50)
    remove: list[str] = Field(default_factory=list, max_length=50)


class Snooze(Request):
    """Without `until`: until the contact writes."""

    until: datetime | None = None


class ViewChoice(Request):
    """What a view narrows the list by, as the list itself is asked."""

    status: list[Status] | None = None
    assignee: str | None = None
    channel: str | None = None
    label: list[str] | None = Field(default=None, max_length=12)
    language: str | None = None
    intent: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    days: int | None = Field(default=None, ge=1, le=3660)
    unread: bool | None = None
    mentioned: bool | None = None
    snoozed: bool | None = None
    team: str | None = None
    priority: int | None = Field(default=None, ge=0, le=3)


class NewView(Request):
    name: str
    chosen: ViewChoice
    is_shared: bool = False


class ViewChange(Request):
    name: str | None = None
    chosen: ViewChoice | None = None


class View(Schema):
    id: str
    name: str
    is_shared: bool
    chosen: dict[str, Any]


class Views(Schema):
    views: list[View]


class ViewCounts(Schema):
    """By the view's id, 100 at most: those show at least as many."""

    counts: dict[str, int]


class ListChoices(Schema):
    languages: list[str]
    intents: list[str]


class Many(Request):
    """What is to be done to many conversations.

    `member` belongs to assign, `add` and `remove` to label, `team` (null: by the rules again) to team, `priority` to
    priority, `until` to snooze.
    """

    conversations: list[str] = Field(min_length=1, max_length=200)
    action: Literal["resolve", "assign", "take", "label", "team", "priority", "snooze", "wake", "read"]
    member: str | None = None
    team: str | None = None
    priority: str = ""
    add: list[str] = Field(default_factory=list, max_length=50)
    remove: list[str] = Field(default_factory=list, max_length=50)
    until: datetime | None = None

    def given(self) -> dict[str, Any]:
        """What belongs to the action."""
        belongs: dict[str, dict[str, Any]] = {
            "assign": {"member_id": self.member},
            "label": {"add": self.add, "remove": self.remove},
            "team": {"team_id": self.team},
            "priority": {"priority": self.priority},
            "snooze": {"until": self.until},
        }
        return belongs.get(self.action, {})


class Result(Schema):
    conversation: str
    done: bool
    code: str = ""
    detail: str = ""


class Results(Schema):
    results: list[Result]


def result(done: Done) -> dict[str, Any]:
    found: dict[str, Any] = {"conversation": done.conversation_id, "done": done.error is None}
    if done.error is not None:
        found |= {"code": done.error.code, "detail": done.error.sentence}
    return found
