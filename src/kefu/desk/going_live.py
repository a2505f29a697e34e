"""What goes live, or comes back: models, paused flows and knowledge, if the workspace's own tests pass with them."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from kefu.contracts.index import IndexedPassage, PassageVectors
from kefu.contracts.suite import SuiteFailure, SuiteReport
from kefu.desk.accounts.actions import audit
from kefu.desk.actor import Actor, Role, Scope, system
from kefu.desk.assistants import actions as assistants
from kefu.desk.assistants.queries import FlowDetail, flow, for_workspace, suite_files
from kefu.desk.library import actions as library_actions
from kefu.desk.library import due
from kefu.desk.library import queries as library
from kefu.desk.library.due import Embed, Progress, Report, Trial
from kefu.desk.modelhub import actions, queries
from kefu.desk.modelhub.actions.registry import Registered
from kefu.desk.modelhub.queries.registry import get_model, get_version, previous_champion, served_version
from kefu.desk.wiring import wiring
from kefu.kit.errors import BadInput, KefuError


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


def register_folder(
    actor: Actor, *, name: str, folder: Path, role: str = "", note: str = ""
) -> tuple[Registered, SuiteReport | None]:
    """`modelhub.actions.register_folder`; a version that would go live at once does if the workspace's tests pass.

    Where they fail the version is kept, as challenger, and their report is given. Raises what that action raises.
    """
    if not suite_files(actor):
        return actions.register_folder(actor, name=name, folder=folder, role=role, note=note), None
    made = actions.register_folder(actor, name=name, folder=folder, role=role, note=note, hold=True)
    model = queries.model_named(actor, name)
    if model.champion is not None or not made.verdict.passed:
        return made, None
    report = _report(actor, model.id, made.version.id)
    if report is not None and not report.passed:
        return made, report
    done = actions.promote(actor, model_id=model.id, version_id=made.version.id, reason="Registered to go live")
    is_live = done.champion is not None and done.champion.id == made.version.id
    return replace(made, is_live=is_live), None


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


def knowledge_trial(workspace_id: str) -> Trial | None:
    """What a change of knowledge must pass before it answers; None where there are no tests or they are not wanted."""
    actor = system(workspace_id)
    wanted = for_workspace(workspace_id).policy.test_knowledge_changes
    return partial(_tried, actor) if wanted and suite_files(actor) else None


def read_sources(
    workspace_id: str, source_ids: Iterable[str], *, embed: Embed, progress: Progress | None = None
) -> Report:
    """`library.due.read_sources`, each source being tried against the workspace's tests before it answers."""
    trial = knowledge_trial(workspace_id)
    return due.read_sources(workspace_id, source_ids, embed=embed, progress=progress, trial=trial)


def remove_source(actor: Actor, *, source_id: str, override: bool = False, reason: str = "") -> None:
    """`library.actions.remove`, once the workspace's tests have passed without the source.

    `override` as in `promote`. Raises SuiteFailed with the report, and what that action raises.
    """
    actor.require(scope=Scope.KNOWLEDGE_WRITE, role=Role.SUPERVISOR)
    kefu = system(actor.workspace_id)  # a key that may write need not be able to read
    gone = [each.id for page in library.documents(kefu, source_id) for each in library.passages(kefu, page.id)]
    _require_passing_without(actor, gone, source_id, override, reason)
    library_actions.remove(actor, source_id=source_id)


def remove_faq(actor: Actor, *, passage_id: str, override: bool = False, reason: str = "") -> None:
    """`library.actions.remove_faq`, once the workspace's tests have passed without the entry; raises likewise."""
    actor.require(scope=Scope.KNOWLEDGE_WRITE, role=Role.SUPERVISOR)
    found, page = library.passage(system(actor.workspace_id), passage_id)
    _require_passing_without(actor, [found.id], page.source_id, override, reason)
    library_actions.remove_faq(actor, passage_id=passage_id)


def _require_passing_without(actor: Actor, gone: list[str], source_id: str, override: bool, reason: str) -> None:
    if override:
        actor.require_role(Role.ADMIN)
        if not reason:
            raise BadInput("To go past the tests, say why.", field="reason")
        audit(actor, "source.tests_passed_over", source_id, after={"reason": reason[:1000]})
        return
    trial = knowledge_trial(actor.workspace_id)
    report = trial(gone=gone, came=[]) if trial is not None and gone else None
    if report is not None:
        raise assistants.SuiteFailed(f"{report['failed']} of {report['total']} tests fail without it.", report=report)


def _tried(
    actor: Actor, *, gone: Iterable[str], came: list[tuple[IndexedPassage, PassageVectors]]
) -> dict[str, Any] | None:
    index = wiring().index_with(actor.workspace_id, gone=gone, came=came)
    try:
        report = assistants.run_workspace_tests(actor, index=index)
    except KefuError as error:  # a file of tests that cannot be read, a generator that is away: nothing was proved
        failure = SuiteFailure("", "The tests could not be run", 0, "", "a report", error.sentence)
        report = SuiteReport(False, 1, 1, failures=(failure,))
    return None if report.passed else asdict(report)


def _require_passing(actor: Actor, model_id: str, version_id: str) -> None:
    report = _report(actor, model_id, version_id)
    if report is not None:
        assistants.require_passed(report)


def _report(actor: Actor, model_id: str, version_id: str) -> SuiteReport | None:
    """What the workspace's tests say of a version; None where there are none, or the model has nothing to do."""
    role = queries.model(actor, model_id).role
    if not role or not suite_files(actor):
        return None
    loaded = wiring().version(served_version(get_version(actor.workspace_id, version_id)))
    return assistants.run_workspace_tests(actor, models={role: loaded})
