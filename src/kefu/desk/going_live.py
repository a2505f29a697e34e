"""What goes live, or comes back: models and paused flows, if the workspace's own tests pass with them."""

from kefu.desk.actor import Actor, Role
from kefu.desk.assistants import actions as assistants
from kefu.desk.assistants.queries import FlowDetail, flow, suite_files
from kefu.desk.modelhub import actions, queries
from kefu.desk.modelhub.queries.registry import get_model, get_version, previous_champion, served_version
from kefu.desk.wiring import wiring
from kefu.kit.errors import BadInput


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
    if alias == "champion" and not override:
        _require_passing(actor, model_id, version_id)
    return actions.promote(
        actor, model_id=model_id, version_id=version_id, alias=alias, override=override, reason=reason
    )


def roll_back(actor: Actor, *, model_id: str, override: bool = False, reason: str = "") -> queries.ModelInfo:
    """`modelhub.actions.roll_back`, once the workspace's tests have passed with the version before.

    `override` as in `promote`. Raises SuiteFailed with the report, and what that action raises.
    """
    before = previous_champion(get_model(actor.workspace_id, model_id))
    if override:
        actor.require_role(Role.ADMIN)
        if not reason.strip():
            raise BadInput("To go back past the tests, say why.", field="reason")
    elif before is not None:
        _require_passing(actor, model_id, before.id)
    return actions.roll_back(actor, model_id=model_id, reason=reason)


def resume_flow(actor: Actor, *, flow_id: str, override: bool = False, reason: str = "") -> FlowDetail:
    """`assistants.actions.resume_flow`, once the workspace's tests have passed with the flow among the live ones.

    `override` as in `promote`. Raises SuiteFailed with the report, and what that action raises.
    """
    actor.require_role(Role.ADMIN)
    if override and not reason.strip():
        raise BadInput("To go past the tests, say why.", field="reason")
    found = flow(actor, flow_id)
    if not override and found.live_text is not None:
        assistants.require_passing(actor, drafts=[found.live_text])
    return assistants.resume_flow(actor, flow_id=flow_id, reason=reason)


def _require_passing(actor: Actor, model_id: str, version_id: str) -> None:
    role = queries.model(actor, model_id).role
    if role and suite_files(actor):
        loaded = wiring().version(served_version(get_version(actor.workspace_id, version_id)))
        assistants.require_passing(actor, models={role: loaded})
