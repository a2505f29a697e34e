"""A model goes live: the gate says whether it is good enough, the workspace's own tests whether it still fits."""

from kefu.desk.actor import Actor
from kefu.desk.assistants.actions import require_passing
from kefu.desk.assistants.queries import suite_files
from kefu.desk.modelhub import actions, queries
from kefu.desk.modelhub.queries.registry import get_version, served_version
from kefu.desk.wiring import wiring


def promote(
    actor: Actor,
    *,
    model_id: str,
    version_id: str,
    alias: str = "champion",
    override: bool = False,
    reason: str = "",
) -> queries.ModelInfo:
    """`modelhub.actions.promote`, once the workspace's tests have passed with the version.

    `override`, which needs an admin and a reason, goes past the tests as it goes past the gate. Raises SuiteFailed
    with the report, and what that action raises.
    """
    role = queries.model(actor, model_id).role
    if role and alias == "champion" and not override and suite_files(actor):
        loaded = wiring().version(served_version(get_version(actor.workspace_id, version_id)))
        require_passing(actor, models={role: loaded})
    return actions.promote(
        actor, model_id=model_id, version_id=version_id, alias=alias, override=override, reason=reason
    )
