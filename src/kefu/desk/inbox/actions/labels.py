"""Writes of labels: the workspace's own, and which of them a conversation has."""

import re
from collections.abc import Sequence

from django.db import IntegrityError, transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.inbox.actions.happenings import happened
from kefu.desk.inbox.models import Label
from kefu.desk.inbox.queries import ConversationInfo, get, with_names
from kefu.desk.inbox.queries.labels import LabelInfo, label_info, label_row, labels_of, written
from kefu.desk.statements import update
from kefu.kit.errors import BadInput, Conflict

MOST_OF_ONE = 12  # labels of a conversation: their ids, with commas, fill its column and that of its figures
_MOST = 200  # labels of a workspace: a menu that nobody scrolls to the end of
_COLOUR = re.compile(r"#[0-9a-f]{6}")


def add_label(actor: Actor, *, title: str, colour: str = "#64748b") -> LabelInfo:
    """Make a label. Raises BadInput, Conflict for a title that there is, NotAllowed."""
    actor.require_role(Role.SUPERVISOR)
    row = Label(workspace_id=actor.workspace_id, title=_title(title), colour=_colour(colour))
    if Label.objects.of(actor.workspace_id).filter(is_active=True).count() >= _MOST:
        raise BadInput(f"A workspace has at most {_MOST} labels.", field="title")
    _stored(actor, row, "label.created")
    return label_info(row)


def change_label(actor: Actor, *, label_id: str, title: str | None = None, colour: str | None = None) -> LabelInfo:
    """Call a label something else; what has it keeps it. Raises BadInput, Conflict, NotFound, NotAllowed."""
    actor.require_role(Role.SUPERVISOR)
    row = label_row(actor.workspace_id, label_id)
    before = {"title": row.title, "colour": row.colour}
    row.title = row.title if title is None else _title(title)
    row.colour = row.colour if colour is None else _colour(colour)
    _stored(actor, row, "label.updated", before=before)
    return label_info(row)


def remove_label(actor: Actor, *, label_id: str) -> None:
    """Offer a label no more. Conversations show it no more; figures of the past keep its title.

    Raises NotFound, NotAllowed.
    """
    actor.require_role(Role.SUPERVISOR)
    row = label_row(actor.workspace_id, label_id)
    row.is_active = False
    _stored(actor, row, "label.removed", before={"title": row.title, "colour": row.colour})


def label(
    actor: Actor, *, conversation_id: str, add: Sequence[str] = (), remove: Sequence[str] = ()
) -> ConversationInfo:
    """Give a conversation labels, or take some away, by their ids; twice is harmless.

    Raises BadInput for a label that there is not or one too many, NotFound, NotAllowed.
    """
    actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
    with transaction.atomic():
        thread = get(actor, conversation_id, lock=True)
        had = labels_of(thread.labels)
        known = set(_active(actor.workspace_id, [*had, *add]))
        unknown = [each for each in add if each not in known]
        if unknown:
            raise BadInput(f"There is no label {', '.join(unknown)}.", field="add")
        has = [each for each in dict.fromkeys((*had, *add)) if each in known and each not in set(remove)]
        if len(has) > MOST_OF_ONE:
            raise BadInput(f"A conversation has at most {MOST_OF_ONE} labels.", field="add")
        if has != list(had):
            thread.labels = written(has)
            happened(thread, "labelled", by=actor.id, labels=has)
            update(thread, ("labels", "clock", "sla_clock", "sla_state", "sla_due_at"))
            announce(actor.workspace_id, "conversation.updated", thread.id, thread.id)
    return with_names(thread)


def _active(workspace_id: str, ids: Sequence[str]) -> list[str]:
    rows = Label.objects.of(workspace_id).filter(id__in=set(ids), is_active=True)
    return list(rows.values_list("id", flat=True))


def _stored(actor: Actor, row: Label, kind: str, before: dict[str, str] | None = None) -> None:
    after = {"title": row.title, "colour": row.colour}
    try:
        with transaction.atomic():
            row.save()
            announce(actor.workspace_id, kind, row.id)
            audit(actor, kind, row.id, before=before, after=after if row.is_active else None)
    except IntegrityError:
        raise Conflict(f"There is a label {row.title!r} already.", field="title") from None


def _title(title: str) -> str:
    title = " ".join(title.split())
    if not 0 < len(title) <= 60:
        raise BadInput("A label's title has 1 to 60 characters.", field="title")
    return title


def _colour(colour: str) -> str:
    if not _COLOUR.fullmatch(colour.lower()):
        raise BadInput(f"A colour is #rrggbb, not {colour!r}.", field="colour")
    return colour.lower()
