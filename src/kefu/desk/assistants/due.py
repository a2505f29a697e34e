"""Changing encoders: what dispatch runs until every passage has its vectors; safe to run twice, or to stop anywhere."""

from datetime import timedelta
from typing import Any

from django.db import transaction

from kefu.desk.accounts.actions import announce
from kefu.desk.assistants.models import Assistant
from kefu.desk.rows import now

_LEASE = timedelta(minutes=2)  # far longer than one batch takes on a slow machine


def due_encoders() -> list[str]:
    """Workspaces whose encoders are to be changed, or whose passages are to be looked through once more."""
    rows = Assistant.objects.across_workspaces("dispatch works for all").filter(encoders_due_at__lte=now())
    return list(rows.order_by("encoders_due_at").values_list("workspace_id", flat=True))


def take_encoders(workspace_id: str) -> bool:
    """Whether the work is ours now, until its lease ends."""
    mine = Assistant.objects.of(workspace_id).filter(encoders_due_at__lte=now())
    return bool(mine.update(encoders_due_at=now() + _LEASE))


def note_progress(workspace_id: str, wanted: dict[str, str] | None, *, done: int, total: int) -> bool:
    """A sign of life. False when something else is wanted by now."""
    fields = {"encoders_done": done, "encoders_total": total, "encoders_due_at": now() + _LEASE}
    return _change(workspace_id, wanted, is_told=False, **fields)


def switch_encoders(workspace_id: str, wanted: dict[str, str]) -> bool:
    """Serve with the new encoders; what was added meanwhile is looked through at once."""
    return _change(workspace_id, wanted, encoders=wanted, wanted_encoders=None, encoders_due_at=now())


def finish_encoders(workspace_id: str) -> bool:
    """All is as it should be."""
    return _change(workspace_id, None, encoders_due_at=None)


def give_up_encoders(workspace_id: str, wanted: dict[str, str], *, problem: str) -> bool:
    """Stay with the encoders that there are, and say why."""
    return _change(workspace_id, wanted, wanted_encoders=None, encoders_due_at=None, encoders_problem=problem)


def _change(workspace_id: str, wanted: dict[str, str] | None, *, is_told: bool = True, **fields: Any) -> bool:
    with transaction.atomic():
        row = Assistant.objects.of(workspace_id).select_for_update().first()
        if row is None or row.wanted_encoders != wanted:
            return False
        Assistant.objects.of(workspace_id).filter(id=row.id).update(**fields)
        if is_told:
            announce(workspace_id, "assistant.encoders", row.id)
        return True
