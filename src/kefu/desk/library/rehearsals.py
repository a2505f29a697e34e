"""Confidence fitted to a workspace's own FAQ, kept with its rows, and made again when its knowledge has changed."""

from collections.abc import Mapping

from django.db import transaction

from kefu.contracts.engine import Encoder
from kefu.desk.accounts.actions import announce
from kefu.desk.library import queries
from kefu.desk.library.models import Passage, Rehearsal
from kefu.desk.rows import now
from kefu.kit.runtime import run
from kefu.knowledge.confidence import Calibration
from kefu.knowledge.embedding import encoder_key
from kefu.knowledge.rehearsal import rehearse

# A fit holds until so many of a hundred passages came or went: half of that would move it less than its own error.
_CHANGED = 0.2


def calibrations(workspace_id: str, encoders: Mapping[str, Encoder]) -> dict[str, Calibration]:
    """What was fitted for each group of these encoders; nothing of an older encoder's figures."""
    row = Rehearsal.objects.of(workspace_id).first()
    keys = {group: encoder_key(encoder) for group, encoder in encoders.items()}
    return {
        group: Calibration(fitted["bias"], fitted["weights"])
        for group, fitted in (row.groups if row is not None else {}).items()
        if fitted["encoder"] == keys.get(group)
    }


def note_change(workspace_id: str) -> None:
    """Make the fit due, in the caller's transaction, if knowledge has changed much since it was made."""
    count = Passage.objects.of(workspace_id).count()
    row = Rehearsal.objects.of(workspace_id).first()
    if row is None:
        # Two readers may come here at once.
        Rehearsal.objects.bulk_create([Rehearsal(workspace_id=workspace_id, due_at=now())], ignore_conflicts=True)
    elif abs(count - row.passages) > _CHANGED * max(1, row.passages):
        Rehearsal.objects.of(workspace_id).update(due_at=now())


def due_workspaces(*, limit: int = 4) -> list[str]:
    """Workspaces whose fit is due, longest waiting first."""
    rows = Rehearsal.objects.across_workspaces("dispatch works for all").filter(due_at__lte=now())
    return list(rows.order_by("due_at").values_list("workspace_id", flat=True)[:limit])


def rehearse_if_due(workspace_id: str, encoders: Mapping[str, Encoder]) -> bool:
    """Fit a workspace's confidence anew if that is due; safe to run twice. Blocking, a few seconds for a large FAQ."""
    row = Rehearsal.objects.of(workspace_id).filter(due_at__isnull=False).first()
    if row is None:
        return False
    names = frozenset(encoder_key(encoder) for encoder in encoders.values())
    ids = queries.passage_ids(workspace_id)
    filed = [(passage, own) for passage, own in queries.indexed(workspace_id, ids, names) if own is not None]
    groups = {each.group: each.as_json() for each in run(rehearse(filed, encoders))}
    with transaction.atomic():
        # What came due meanwhile stays due.
        mine = Rehearsal.objects.of(workspace_id).filter(id=row.id, due_at=row.due_at)
        done = mine.update(groups=groups, passages=len(ids), due_at=None, updated_at=now())
        if done:
            announce(workspace_id, "library.changed", row.id)
    return bool(done)
