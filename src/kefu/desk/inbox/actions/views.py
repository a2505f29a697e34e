"""Writes of saved views."""

from typing import Any

from django.db import IntegrityError, transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.filters import checked
from kefu.desk.inbox.models import SavedView
from kefu.desk.inbox.queries.views import ViewInfo, view_info
from kefu.kit.errors import BadInput, Conflict, NotFound

_MOST = 50  # views of one member, and of all: a list at the side of a list


def save_view(actor: Actor, *, name: str, chosen: dict[str, Any], is_shared: bool = False) -> ViewInfo:
    """Keep a way of narrowing the list, for oneself or for everybody.

    Raises BadInput for what narrows nothing, Conflict for a name that there is, NotAllowed.
    """
    actor.require_role(Role.SUPERVISOR if is_shared else Role.AGENT)
    owner = "" if is_shared else actor.id
    if SavedView.objects.of(actor.workspace_id).filter(member_id=owner).count() >= _MOST:
        raise BadInput(f"There are at most {_MOST} views.", field="name")
    row = SavedView(workspace_id=actor.workspace_id, member_id=owner, name=_name(name), chosen=checked(chosen))
    _stored(actor, row, "view.created")
    return view_info(row)


def change_view(
    actor: Actor, *, view_id: str, name: str | None = None, chosen: dict[str, Any] | None = None
) -> ViewInfo:
    """Change what is given of a view. Raises BadInput, Conflict, NotFound, NotAllowed."""
    row = _own(actor, view_id)
    row.name = row.name if name is None else _name(name)
    row.chosen = row.chosen if chosen is None else checked(chosen)
    _stored(actor, row, "view.updated")
    return view_info(row)


def remove_view(actor: Actor, *, view_id: str) -> None:
    """Raises NotFound, NotAllowed."""
    row = _own(actor, view_id)
    with transaction.atomic():
        announce(actor.workspace_id, "view.removed", row.id)
        if not row.member_id:
            audit(actor, "view.removed", row.id, before={"name": row.name, "chosen": row.chosen})
        row.delete()


def _own(actor: Actor, view_id: str) -> SavedView:
    actor.require_role(Role.AGENT)
    row = SavedView.objects.of(actor.workspace_id).filter(id=view_id, member_id__in=["", actor.id]).first()
    if row is None:
        raise NotFound("There is no such view.", view=view_id)
    if not row.member_id:
        actor.require_role(Role.SUPERVISOR)
    return row


def _stored(actor: Actor, row: SavedView, kind: str) -> None:
    try:
        with transaction.atomic():
            row.save()
            announce(actor.workspace_id, kind, row.id)
            if not row.member_id:
                audit(actor, kind, row.id, after={"name": row.name, "chosen": row.chosen})
    except IntegrityError:
        raise Conflict(f"There is a view {row.name!r} already.", field="name") from None


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= 60:
        raise BadInput("A view's name has 1 to 60 characters.", field="name")
    return name
