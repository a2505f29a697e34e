"""Routes of flows, their versions, their simulator and their tests."""

import json
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Status

from kefu.contracts.engine import Said
from kefu.desk import going_live
from kefu.desk.actor import Actor, Role
from kefu.desk.assistants import actions, queries
from kefu.desk.assistants.schemas import flows as schemas
from kefu.desk.by_hand import HandAnswer
from kefu.desk.flow_traffic import flow_traffic, traffic_json
from kefu.desk.http.entry import member
from kefu.desk.simulation import Simulation
from kefu.kit.errors import BadInput

router = Router(auth=member, tags=["Flows"])


@router.get("/flows", response=schemas.Flows)
def flows(request: HttpRequest) -> dict[str, Any]:
    """The company's own business logic."""
    return {"flows": [schemas.flow(each) for each in queries.flows(_actor(request))]}


@router.post("/flows", response={201: schemas.FlowDetail})
def make_flow(request: HttpRequest, body: schemas.FlowText) -> Status[Any]:
    """Add a flow as a draft; its text must name its id."""
    return Status(201, schemas.detail(actions.make_flow(_actor(request), text=body.text)))


@router.get("/flows/traffic", response=schemas.Traffic)
def traffic(
    request: HttpRequest,
    first: str = Query("", alias="from"),  # type: ignore[type-arg]
    last: str = Query("", alias="to"),  # type: ignore[type-arg]
    time_zone: str = "",
) -> dict[str, Any]:
    """How often each flow was started, finished, left and handed over, and at which step; 7 days without dates."""
    return traffic_json(*flow_traffic(_actor(request), first=first, last=last, time_zone=time_zone))


@router.get("/flows/schema", response=dict[str, Any])
def schema(request: HttpRequest) -> dict[str, Any]:
    """The JSON Schema of a flow's YAML."""
    from kefu.brain.flow import flow_schema

    _actor(request).require_role(Role.VIEWER)
    return flow_schema()


@router.post("/flows/check", response=schemas.FlowShown)
def check(request: HttpRequest, body: schemas.FlowCheck) -> dict[str, Any]:
    """What a text means and what is wrong with it; of a table also its YAML. Nothing is stored."""
    actor = _actor(request)
    actor.require_role(Role.VIEWER)
    text = body.text
    if body.table is not None:
        text = _yaml(body.table)
    if text is None:
        raise BadInput("Give a text or a table.", field="text")
    return schemas.shown(text, *queries.checked_text(actor.workspace_id, text))


@router.post("/flows/simulate", response=schemas.Simulated)
def simulate(request: HttpRequest, body: schemas.Simulation) -> dict[str, Any]:
    """What the assistant would answer, with drafts in place of live flows; tools answer by samples, nothing is kept."""
    simulation = Simulation(
        _actor(request),
        drafts=body.drafts,
        contact=body.contact,
        now=body.now,
        state=body.state,
        remembered=body.remembered,
        history=[Said(each.author, each.text) for each in body.history],
    )
    answers = None if body.answers is None else [HandAnswer(**each.dict()) for each in body.answers]
    return schemas.simulated(simulation.say(body.text, pressed=body.pressed, answers=answers))


@router.get("/flows/tests", response=schemas.SuiteFiles)
def suite_files(request: HttpRequest) -> dict[str, Any]:
    """The files of tests that must pass before anything goes live."""
    return {"files": [vars(each) for each in queries.suite_files(_actor(request))]}


@router.put("/flows/tests", response=schemas.SuiteFile)
def save_suite_file(request: HttpRequest, body: schemas.SuiteFileChange) -> dict[str, Any]:
    """Store a file of tests under its name."""
    return dict(vars(actions.save_suite_file(_actor(request), name=body.name, text=body.text)))


@router.post("/flows/tests/run", response=schemas.SuiteReport)
def run_suite(request: HttpRequest, body: schemas.SuiteRun) -> dict[str, Any]:
    """Run every test, with drafts or with what is live."""
    actor = _actor(request)
    drafts = [queries.flow(actor, each.id).text for each in queries.flows(actor)] if body.drafts else []
    return schemas.report(actions.run_workspace_tests(actor, drafts=drafts))


@router.delete("/flows/tests/{file_id}", response={204: None})
def remove_suite_file(request: HttpRequest, file_id: str) -> Status[Any]:
    """Delete a file of tests."""
    actions.remove_suite_file(_actor(request), file_id=file_id)
    return Status(204, None)


@router.get("/flows/{flow_id}", response=schemas.FlowDetail)
def flow(request: HttpRequest, flow_id: str) -> dict[str, Any]:
    """One flow with its draft."""
    return schemas.detail(queries.flow(_actor(request), flow_id))


@router.put("/flows/{flow_id}", response=schemas.FlowDetail)
def save_flow(request: HttpRequest, flow_id: str, body: schemas.FlowDraft) -> dict[str, Any]:
    """Store a flow's draft, broken or not; 409 `draft_changed` where it is no longer `base`."""
    return schemas.detail(actions.save_flow(_actor(request), text=body.text, flow_id=flow_id, base=body.base))


@router.delete("/flows/{flow_id}", response={204: None})
def remove_flow(request: HttpRequest, flow_id: str) -> Status[Any]:
    """Delete a flow with its versions."""
    actions.remove_flow(_actor(request), flow_id=flow_id)
    return Status(204, None)


@router.post("/flows/{flow_id}/publish", response=schemas.FlowDetail)
def publish(request: HttpRequest, flow_id: str, body: schemas.Publishing) -> dict[str, Any]:
    """Let the draft run for customers, if the workspace's tests pass with it."""
    found = actions.publish_flow(_actor(request), flow_id=flow_id, note=body.note, run_tests=body.run_tests)
    return schemas.detail(found)


@router.post("/flows/{flow_id}/roll-back", response=schemas.FlowDetail)
def roll_back(request: HttpRequest, flow_id: str, body: schemas.RollingBack) -> dict[str, Any]:
    """Let an earlier version run again."""
    found = actions.roll_back_flow(
        _actor(request), flow_id=flow_id, number=body.number, note=body.note, run_tests=body.run_tests
    )
    return schemas.detail(found)


@router.post("/flows/{flow_id}/pause", response=schemas.FlowDetail)
def pause(request: HttpRequest, flow_id: str) -> dict[str, Any]:
    """Start it for nobody any more; runs under way go on."""
    return schemas.detail(actions.pause_flow(_actor(request), flow_id=flow_id))


@router.post("/flows/{flow_id}/resume", response=schemas.FlowDetail)
def resume(request: HttpRequest, flow_id: str, body: schemas.Resuming | None = None) -> dict[str, Any]:
    """Start it for customers again, if the workspace's tests let it."""
    body = body or schemas.Resuming()
    found = going_live.resume_flow(_actor(request), flow_id=flow_id, override=body.override, reason=body.reason)
    return schemas.detail(found)


@router.get("/flows/{flow_id}/versions", response=schemas.FlowVersions)
def versions(request: HttpRequest, flow_id: str) -> dict[str, Any]:
    """What was published, newest first."""
    return {"versions": [schemas.version(each) for each in queries.flow_versions(_actor(request), flow_id)]}


@router.get("/flows/{flow_id}/versions/{number}", response=schemas.FlowVersionDetail)
def version(request: HttpRequest, flow_id: str, number: int) -> dict[str, Any]:
    """One version with its text."""
    return schemas.version_detail(queries.flow_version(_actor(request), flow_id, number))


@router.get("/flows/{flow_id}/diff", response=schemas.FlowDiff)
def diff(
    request: HttpRequest,
    flow_id: str,
    old: str = Query("live", alias="from"),  # type: ignore[type-arg]
    new: str = Query("draft", alias="to"),  # type: ignore[type-arg]
) -> dict[str, Any]:
    """What changed between two versions, each a number, `live` or `draft`."""
    return schemas.diff(queries.flow_diff(_actor(request), flow_id, old=old, new=new))


def _yaml(table: dict[str, Any]) -> str:
    """A table's YAML; one that is no sound flow stays JSON, which is YAML too, so that its problems can be told."""
    from kefu.brain.flow import check_flow, dump_flow

    text = json.dumps(table, ensure_ascii=False, indent=2)
    tree = check_flow(text).flow
    return dump_flow(tree) if tree is not None else text


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]
