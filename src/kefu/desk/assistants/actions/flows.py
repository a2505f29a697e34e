"""Writes of flows and of the files of tests that guard them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.db import transaction

from kefu.brain.flow_tests.read import read_tests
from kefu.contracts.flow_state import Problem
from kefu.contracts.index import KnowledgeIndex
from kefu.contracts.suite import SuiteReport
from kefu.desk.accounts.actions import announce, audit
from kefu.desk.actor import Actor, Role
from kefu.desk.assistants.models import Flow, FlowVersion, SuiteFile
from kefu.desk.assistants.queries.flows import (
    FlowDetail,
    Names,
    SuiteFileInfo,
    checked_draft,
    checked_text,
    flow_detail,
    get_flow,
    get_version,
    suite_files,
)
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, Conflict, NotFound

_MOST_FLOWS, _MOST_FILES = 300, 200
_LONGEST = 300_000  # characters of a flow's text or a file of tests; the longest of the demo has some thousand
# Names of files, when flows and tests are pulled into a folder.
_FILE_NAME = re.compile(r"[^\W_][\w.-]{0,199}")
_ID = re.compile(r"""^(?:\{?\s*"id"|id)\s*:\s*["']?([a-z0-9][a-z0-9_-]{0,59})(?![\w-])""", re.MULTILINE)


class SuiteFailed(Conflict):
    """The workspace's tests fail, so nothing goes live; `report` says which."""

    code = "tests_failed"


class DraftChanged(Conflict):
    """Somebody else stored another draft since the one that this change began from was read."""

    code = "draft_changed"


def make_flow(actor: Actor, *, text: str) -> FlowDetail:
    """Add a flow as a draft; its text may have problems, but must name its id. Raises BadInput, Conflict."""
    actor.require_role(Role.ADMIN)
    key, name = _named(actor.workspace_id, text)
    with transaction.atomic():
        mine = Flow.objects.of(actor.workspace_id)
        if mine.filter(key=key).exists():
            raise Conflict(f"There is a flow {key!r} already.", key=key)
        if mine.count() >= _MOST_FLOWS:
            raise Conflict(f"A workspace has at most {_MOST_FLOWS} flows; remove one.")
        row = Flow.objects.create(workspace_id=actor.workspace_id, key=key, name=name, draft=text)
        announce(actor.workspace_id, "flow.updated", row.id)
        audit(actor, "flow.made", row.id, after={"key": key})
    return flow_detail(row)


def save_flow(actor: Actor, *, text: str, flow_id: str | None = None, base: str | None = None) -> FlowDetail:
    """Store a flow's draft, broken or not: `flow_id`'s, or of the flow that the text names, made if it is new.

    With `base`, the draft that the change began from, another one is not overwritten. Raises BadInput for a text
    without an id where none is given, DraftChanged, NotFound, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    if flow_id is None:
        key, _ = _named(actor.workspace_id, text)
        if not Flow.objects.of(actor.workspace_id).filter(key=key).exists():
            return make_flow(actor, text=text)
        flow_id = key
    _check_length(text)
    with transaction.atomic():
        row = get_flow(actor.workspace_id, flow_id, lock=True)
        if base is not None and row.draft not in (base, text):
            raise DraftChanged("Somebody changed this flow meanwhile.", flow=row.id)
        if row.draft != text:
            before = {"name": row.name, "lines": row.draft.count("\n") + 1}
            row.draft, row.updated_at = text, now()
            tree, _ = checked_draft(row, Names.of(actor.workspace_id))
            row.name = _title(tree, row.name)
            row.save(update_fields=["draft", "updated_at", "name"])
            announce(actor.workspace_id, "flow.updated", row.id)
            audit(actor, "flow.saved", row.id, before=before, after={"name": row.name, "lines": text.count("\n") + 1})
    return flow_detail(row)


def publish_flow(actor: Actor, *, flow_id: str, note: str = "", run_tests: bool = True) -> FlowDetail:
    """Let the draft run for customers from now on, as a version that never changes; else as `publish_flows`."""
    return publish_flows(actor, flow_ids=[flow_id], note=note, run_tests=run_tests)[0]


def publish_flows(actor: Actor, *, flow_ids: Sequence[str], note: str = "", run_tests: bool = True) -> list[FlowDetail]:
    """Let several drafts run from now on, all or none; they are tested together, since one may need another.

    Without the tests the note must say why; the audit trail keeps it. Raises BadInput where it does not, BadFlow with
    its problems, SuiteFailed where the workspace's tests do not pass with them, NotFound, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    drafts = {flow_id: get_flow(actor.workspace_id, flow_id).draft for flow_id in flow_ids}
    for flow_id in drafts:
        _require_sound(actor, flow_id)
    _test_or_say_why(actor, drafts, note=note, run_tests=run_tests)
    with transaction.atomic():
        return [_published(actor, flow_id, draft, note) for flow_id, draft in drafts.items()]


def _published(actor: Actor, flow_id: str, draft: str, note: str) -> FlowDetail:
    row = get_flow(actor.workspace_id, flow_id, lock=True)
    if row.draft != draft:
        raise Conflict("The draft was changed while it was tested; publish it again.", flow=row.id)
    live = get_version(row, row.live_number) if row.live_number is not None else None
    if live is None or live.text != draft:
        row.live_number = _new_version(actor, row, note)
    _rename(row)
    _go_live(actor, row, "flow.published", note)
    return flow_detail(row)


def roll_back_flow(actor: Actor, *, flow_id: str, number: int, note: str = "", run_tests: bool = True) -> FlowDetail:
    """Let an earlier version run again; the draft stays as it is. Raises as `publish_flow`."""
    actor.require_role(Role.ADMIN)
    text = get_version(get_flow(actor.workspace_id, flow_id), number).text
    _test_or_say_why(actor, {flow_id: text}, note=note, run_tests=run_tests)
    with transaction.atomic():
        row = get_flow(actor.workspace_id, flow_id, lock=True)
        row.live_number = get_version(row, number).number
        _go_live(actor, row, "flow.rolled_back", note)
    return flow_detail(row)


def _test_or_say_why(actor: Actor, texts: Mapping[str, str], *, note: str, run_tests: bool) -> None:
    """Run the workspace's tests with these texts of flows, or keep in the audit trail why they were not."""
    if run_tests:
        require_passing(actor, drafts=list(texts.values()))
        return
    if not note.strip():
        raise BadInput("To publish without the tests, say why in the note.", field="note")
    for flow_id in texts:
        row = get_flow(actor.workspace_id, flow_id)
        audit(actor, "flow.tests_passed_over", row.id, after={"reason": note.strip()[:1000]})


def pause_flow(actor: Actor, *, flow_id: str) -> FlowDetail:
    """Start it for nobody any more; runs under way go on. Raises NotFound, NotAllowed."""
    return _switch(actor, flow_id, is_live=False)


def resume_flow(actor: Actor, *, flow_id: str, reason: str = "") -> FlowDetail:
    """Start it for customers again, in the version that was live; `going_live.resume_flow` runs the tests before.

    Raises Conflict if none was live, NotFound, NotAllowed.
    """
    return _switch(actor, flow_id, is_live=True, reason=reason)


def remove_flow(actor: Actor, *, flow_id: str) -> None:
    """Delete a flow with its versions; customers in the middle of it get a person. Raises NotFound, NotAllowed."""
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        row = get_flow(actor.workspace_id, flow_id, lock=True)
        row_id, key, draft = row.id, row.key, row.draft
        row.delete()
        announce(actor.workspace_id, "flow.removed", row_id)
        audit(actor, "flow.removed", row_id, before={"key": key, "draft": draft})


def save_suite_file(actor: Actor, *, name: str, text: str) -> SuiteFileInfo:
    """Store a file of tests under its name.

    A file that cannot be read would keep everything from going live, so it is refused: BadTests names the line. Raises
    BadInput, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    _check_length(text)
    if not _FILE_NAME.fullmatch(name.strip()):
        raise BadInput("A file of tests is named with letters, digits, dots and hyphens.", field="name")
    read_tests(text, name.strip())
    with transaction.atomic():
        mine = SuiteFile.objects.of(actor.workspace_id)
        row = mine.select_for_update().filter(name=name.strip()).first()
        if row is None and mine.count() >= _MOST_FILES:
            raise Conflict(f"A workspace has at most {_MOST_FILES} files of tests; remove one.")
        row = row or SuiteFile(workspace_id=actor.workspace_id, name=name.strip())
        row.text, row.updated_at = text, now()
        row.save()
        announce(actor.workspace_id, "flow.tests_updated", row.id)
        audit(actor, "flow.tests_saved", row.id, after={"name": row.name})
    return SuiteFileInfo(row.id, row.name, row.text, row.updated_at)


def remove_suite_file(actor: Actor, *, file_id: str) -> None:
    """Raises NotFound, NotAllowed."""
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        rows = SuiteFile.objects.of(actor.workspace_id)
        row = rows.filter(id=file_id).first() or rows.filter(name=file_id).first()
        if row is None:
            raise NotFound("There is no such file of tests.", file=file_id)
        row_id, name = row.id, row.name
        row.delete()
        announce(actor.workspace_id, "flow.tests_removed", row_id)
        audit(actor, "flow.tests_removed", row_id, before={"name": name})


def run_workspace_tests(
    actor: Actor,
    *,
    drafts: Sequence[str] = (),
    models: Mapping[str, Any] | None = None,
    index: KnowledgeIndex | None = None,
) -> SuiteReport:
    """Run the workspace's tests with flows in place of the live ones of their ids, and loaded models by their roles.

    `index` is knowledge in place of the workspace's.

    Nothing to run is a pass.
    """
    actor.require_role(Role.AGENT)
    files = suite_files(actor)
    if not files:
        return SuiteReport(True, 0)
    from kefu.desk.suites import run_suite  # it converses, and so needs the engines

    return run_suite(actor, files=files, drafts=drafts, models=models, index=index)


def require_passing(actor: Actor, *, drafts: Sequence[str] = (), models: Mapping[str, Any] | None = None) -> None:
    """Raises SuiteFailed unless every test of the workspace passes with these flows and models."""
    require_passed(run_workspace_tests(actor, drafts=drafts, models=models))


def require_passed(report: SuiteReport) -> None:
    """Raises SuiteFailed for a report of failures."""
    if not report.passed:
        raise SuiteFailed(f"{report.failed} of {report.total} tests fail, so nothing goes live.", report=asdict(report))


def _named(workspace_id: str, text: str) -> tuple[str, str]:
    """A flow's id and title from its text, which may be broken otherwise. Raises BadFlow, BadInput."""
    _check_length(text)
    tree, problems = checked_text(workspace_id, text)
    if tree is not None:
        return tree.id, _title(tree, tree.id)
    named = _ID.search(text)  # a text that is broken elsewhere still says what it is called
    if named is not None:
        return named[1], named[1]
    _refuse(problems)
    raise BadInput("A flow's text begins with `schema: kefu.flow/v1` and its `id:`.", field="text")


def _refuse(problems: Sequence[Problem]) -> None:
    from kefu.brain.flow import BadFlow

    if any(problem.severity == "error" for problem in problems):
        raise BadFlow(tuple(problems))


def _require_sound(actor: Actor, flow_id: str) -> None:
    _, problems = checked_draft(get_flow(actor.workspace_id, flow_id), Names.of(actor.workspace_id))
    _refuse(problems)


def _new_version(actor: Actor, row: Flow, note: str) -> int:
    from kefu.brain.flow import flow_table, load_flow

    last = FlowVersion.objects.of(row.workspace_id).filter(flow_id=row.id).order_by("-number").first()
    number = 1 + (last.number if last is not None else 0)
    FlowVersion.objects.create(
        workspace_id=row.workspace_id,
        flow_id=row.id,
        number=number,
        text=row.draft,
        table=flow_table(load_flow(row.draft)),
        author_id=actor.id if actor.kind == "member" else "",
        note=note[:500],
    )
    return number


def _go_live(actor: Actor, row: Flow, what: str, note: str) -> None:
    row.is_live, row.updated_at = True, now()
    row.save(update_fields=["is_live", "live_number", "updated_at"])
    announce(row.workspace_id, what, row.id)
    audit(actor, what, row.id, after={"number": row.live_number, "note": note[:500]})


def _switch(actor: Actor, flow_id: str, *, is_live: bool, reason: str = "") -> FlowDetail:
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        row = get_flow(actor.workspace_id, flow_id, lock=True)
        if row.live_number is None:
            raise Conflict("This flow was never published.", flow=row.id)
        if row.is_live != is_live:
            row.is_live, row.updated_at = is_live, now()
            row.save(update_fields=["is_live", "updated_at"])
            what = "flow.resumed" if is_live else "flow.paused"
            announce(row.workspace_id, what, row.id)
            audit(actor, what, row.id, after={"reason": reason.strip()[:1000]} if reason.strip() else None)
    return flow_detail(row)


def _rename(row: Flow) -> None:
    """Take the title of a draft that is sound by now: one saved before the flow that it calls was read as broken."""
    tree, _ = checked_draft(row, Names.of(row.workspace_id))
    row.name = _title(tree, row.name)
    row.save(update_fields=["name"])


def _title(tree: Any, otherwise: str) -> str:
    if tree is None:
        return otherwise
    return str(next((text for text in tree.name.values() if text), tree.id))[:200]


def _check_length(text: str) -> None:
    if len(text) > _LONGEST:
        raise BadInput(f"The text has {len(text):,} characters; the most is {_LONGEST:,}.", field="text")
    if "\x00" in text:
        raise BadInput("The text cannot hold NUL characters.", field="text")
