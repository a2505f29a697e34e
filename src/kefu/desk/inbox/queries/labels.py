"""Reads of labels."""

from collections.abc import Sequence
from dataclasses import dataclass

from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.inbox.models import Label
from kefu.kit.errors import NotFound


@dataclass(frozen=True)
class LabelInfo:
    id: str
    title: str
    colour: str


def labels(actor: Actor) -> list[LabelInfo]:
    """The labels that are offered, by title."""
    actor.require(scope=Scope.CONVERSATIONS, role=Role.VIEWER)
    rows = Label.objects.of(actor.workspace_id).filter(is_active=True)
    return sorted(map(label_info, rows), key=lambda each: each.title.casefold())


def label_titles(actor: Actor) -> dict[str, str]:
    """Titles by id, also of labels that are offered no more: past figures have them."""
    actor.require_role(Role.VIEWER)
    return dict(Label.objects.of(actor.workspace_id).values_list("id", "title"))


def label_row(workspace_id: str, label_id: str) -> Label:
    row = Label.objects.of(workspace_id).filter(id=label_id, is_active=True).first()
    if row is None:
        raise NotFound("There is no such label.", label=label_id)
    return row


def label_info(row: Label) -> LabelInfo:
    return LabelInfo(row.id, row.title, row.colour)


def labels_of(stored: str) -> tuple[str, ...]:
    """The ids in a conversation's column."""
    return tuple(stored.strip(",").split(",")) if stored else ()


def written(ids: Sequence[str]) -> str:
    """Ids as a conversation's column holds them: each between commas."""
    return f",{','.join(ids)}," if ids else ""
