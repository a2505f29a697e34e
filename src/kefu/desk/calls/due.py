"""What dispatch runs: calls that no process carries any more are ended. Safe to run twice."""

from kefu.desk.actor import system
from kefu.desk.calls.actions import end_call
from kefu.desk.calls.models import Call
from kefu.desk.rows import now

_AT_ONCE = 50


def end_lost() -> int:
    """End calls whose process is gone and to which nobody came back; gives how many."""
    rows = Call.objects.across_workspaces("dispatch works for all").exclude(state="ended")
    lost = list(rows.filter(lease_until__lt=now()).values_list("workspace_id", "id")[:_AT_ONCE])
    for workspace_id, call_id in lost:
        end_call(system(workspace_id, "dispatch"), call_id=call_id, by="lost")
    return len(lost)
