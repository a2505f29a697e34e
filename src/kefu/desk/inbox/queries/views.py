"""Reads of saved views, and of what there is to narrow the list by."""

from dataclasses import dataclass
from typing import Any

from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.filters import chosen, filter_of, number
from kefu.desk.inbox.models import SavedView
from kefu.desk.statements import execute

COUNTED = 100  # conversations of a view: more are told as that many
# What was wanted and spoken among the newest conversations: what is chosen from, not a figure.
_LOOKED_AT = 5_000
_AMONG = """
    SELECT DISTINCT {column} FROM (
        SELECT {column} FROM inbox_conversation WHERE workspace_id = %s ORDER BY last_activity_at DESC LIMIT %s
    ) AS newest WHERE {column} <> '' ORDER BY 1
"""


@dataclass(frozen=True)
class ViewInfo:
    id: str
    name: str
    is_shared: bool
    chosen: dict[str, Any]


@dataclass(frozen=True)
class Choices:
    """Languages and intents of the newest conversations."""

    languages: tuple[str, ...]
    intents: tuple[str, ...]


def views(actor: Actor) -> list[ViewInfo]:
    """The views that everybody has and the member's own, by name."""
    actor.require_role(Role.VIEWER)
    rows = SavedView.objects.of(actor.workspace_id).filter(member_id__in={"", actor.id})
    return sorted(map(view_info, rows), key=lambda each: (not each.is_shared, each.name.casefold()))


def view_counts(actor: Actor) -> dict[str, int]:
    """How many conversations each view shows, `COUNTED` at most, by the view's id."""
    return {each.id: number(chosen(actor, filter_of(actor, each.chosen)), COUNTED) for each in views(actor)}


def choices(actor: Actor) -> Choices:
    """What the list can be narrowed by beside what has a list of its own."""
    actor.require_role(Role.VIEWER)
    asked = [actor.workspace_id, _LOOKED_AT]
    languages, intents = (
        tuple(str(row[0]) for row in execute(_AMONG.format(column=column), asked)) for column in ("language", "intent")
    )
    return Choices(languages, intents)


def view_info(row: SavedView) -> ViewInfo:
    return ViewInfo(row.id, row.name, not row.member_id, row.chosen)
