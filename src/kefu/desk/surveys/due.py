"""What dispatch runs: surveys that are due are asked. Safe to run twice."""

from kefu.desk.rows import now
from kefu.desk.surveys.actions import ask
from kefu.desk.surveys.models import Survey


def ask_due(*, limit: int = 100) -> int:
    """Ask the customers whose surveys are due, each once; gives how many."""
    everywhere = Survey.objects.across_workspaces("dispatch works for all")
    due = everywhere.filter(state="waiting", due_at__lte=now()).order_by("due_at")
    found = list(due.values_list("id", "workspace_id", "conversation_id")[:limit])
    return sum(ask(row[0], workspace_id=row[1], conversation_id=row[2]) for row in found)
