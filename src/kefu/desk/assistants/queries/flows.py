"""Reads of flows, their versions, and the files of tests."""

import difflib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from kefu.contracts.flow import Flow as FlowTree
from kefu.contracts.flow_state import Problem
from kefu.desk.accounts.queries import member_names
from kefu.desk.actor import Actor, Role
from kefu.desk.assistants.models import Flow, FlowVersion, SuiteFile
from kefu.desk.assistants.queries.tools import tool_names
from kefu.kit.errors import KefuError, NotFound
from kefu.kit.log import Log

_log = Log(__name__)
_KEPT = 1_000  # versions in memory, of all workspaces: flows that run, and those that a run began in


@dataclass(frozen=True)
class FlowInfo:
    """A flow as lists show it; `names` in each of its languages, if its draft can be read.

    `state` is draft, live or paused; `problems` counts the errors of its draft.
    """

    id: str
    key: str
    name: str
    names: Mapping[str, str]
    state: str
    live_number: int | None
    has_draft_changes: bool
    problems: int
    updated_at: datetime


@dataclass(frozen=True)
class FlowDetail:
    """A flow with its draft: the text, what it means (None if that cannot be told), and what is wrong with it."""

    info: FlowInfo
    text: str
    tree: FlowTree | None
    problems: tuple[Problem, ...]
    live_text: str | None


@dataclass(frozen=True)
class FlowVersionInfo:
    """A version that was published; `author` is a member's name, empty for Kefu itself."""

    number: int
    note: str
    author: str
    created_at: datetime
    is_live: bool
    text: str
    table: dict[str, Any]


@dataclass(frozen=True)
class DiffLine:
    """A line of two texts compared: same, added or removed, with its number in each."""

    kind: str
    text: str
    from_line: int | None
    to_line: int | None


@dataclass(frozen=True)
class FlowDiff:
    """What changed from one text to another: as `diff -u` shows it, and line by line."""

    unified: str
    lines: tuple[DiffLine, ...]


@dataclass(frozen=True)
class SuiteFileInfo:
    id: str
    name: str
    text: str
    updated_at: datetime


def flows(actor: Actor) -> list[FlowInfo]:
    """Every flow, by name."""
    actor.require_role(Role.VIEWER)
    rows = list(Flow.objects.of(actor.workspace_id).order_by("key"))
    live = _texts(actor.workspace_id, rows)
    names = Names.of(actor.workspace_id)
    return [flow_info(row, live.get(row.id), *checked_draft(row, names)) for row in rows]


def flow(actor: Actor, flow_id: str) -> FlowDetail:
    """The flow of that id or key, with its draft. Raises NotFound, NotAllowed."""
    actor.require_role(Role.VIEWER)
    return flow_detail(get_flow(actor.workspace_id, flow_id))


def flow_versions(actor: Actor, flow_id: str) -> list[FlowVersionInfo]:
    """What was published of a flow, newest first. Raises NotFound, NotAllowed."""
    actor.require_role(Role.VIEWER)
    row = get_flow(actor.workspace_id, flow_id)
    found = list(FlowVersion.objects.of(actor.workspace_id).filter(flow_id=row.id).order_by("-number"))
    names = member_names(actor.workspace_id, {each.author_id for each in found if each.author_id})
    return [_version_info(row, each, names.get(each.author_id, "")) for each in found]


def flow_version(actor: Actor, flow_id: str, number: int) -> FlowVersionInfo:
    """Raises NotFound, NotAllowed."""
    actor.require_role(Role.VIEWER)
    row = get_flow(actor.workspace_id, flow_id)
    found = get_version(row, number)
    names = member_names(actor.workspace_id, {found.author_id} if found.author_id else set())
    return _version_info(row, found, names.get(found.author_id, ""))


def flow_diff(actor: Actor, flow_id: str, *, old: str = "live", new: str = "draft") -> FlowDiff:
    """What changed from `old` to `new`: a version's number, `live` or `draft`. Raises NotFound, NotAllowed."""
    actor.require_role(Role.VIEWER)
    row = get_flow(actor.workspace_id, flow_id)
    return compared(_text_of(row, old), _text_of(row, new), old, new)


def compared(old: str, new: str, old_name: str, new_name: str) -> FlowDiff:
    """Two texts compared."""
    before, after = old.splitlines(), new.splitlines()
    unified = "\n".join(difflib.unified_diff(before, after, old_name, new_name, lineterm=""))
    lines: list[DiffLine] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            pairs = zip(range(start, end), range(new_start, new_end), strict=True)
            lines += [DiffLine("same", before[at], at + 1, to + 1) for at, to in pairs]
            continue
        lines += [DiffLine("removed", before[at], at + 1, None) for at in range(start, end)]
        lines += [DiffLine("added", after[to], None, to + 1) for to in range(new_start, new_end)]
    return FlowDiff(unified, tuple(lines))


def suite_files(actor: Actor) -> list[SuiteFileInfo]:
    """The workspace's files of tests, by name."""
    actor.require_role(Role.VIEWER)
    rows = SuiteFile.objects.of(actor.workspace_id).order_by("name")
    return [SuiteFileInfo(row.id, row.name, row.text, row.updated_at) for row in rows]


def live_flows(workspace_id: str) -> list[FlowTree]:
    """The flows that run for customers, each in its live version. One that cannot be read is left out and logged."""
    rows = Flow.objects.of(workspace_id).filter(is_live=True, live_number__isnull=False).order_by("key")
    wanted = [(row.key, row.live_number) for row in rows]
    return flows_in_versions(workspace_id, wanted)


def flows_in_versions(workspace_id: str, wanted: list[tuple[str, int | None]]) -> list[FlowTree]:
    """Flows by key and version; those that are gone or cannot be read are left out."""
    pairs = set(wanted)
    keys = {key for key, _ in pairs}
    found = FlowVersion.objects.of(workspace_id).filter(flow__key__in=keys).select_related("flow")
    rows = [row for row in found if (row.flow.key, row.number) in pairs]
    trees = (_tree(row) for row in sorted(rows, key=lambda row: row.flow.key))
    return [tree for tree in trees if tree is not None]


def flow_keys(workspace_id: str) -> frozenset[str]:
    return frozenset(Flow.objects.of(workspace_id).values_list("key", flat=True))


def get_flow(workspace_id: str, flow_id: str, *, lock: bool = False) -> Flow:
    rows = Flow.objects.of(workspace_id)
    rows = rows.select_for_update() if lock else rows
    row = rows.filter(id=flow_id).first() or rows.filter(key=flow_id).first()
    if row is None:
        raise NotFound("There is no such flow.", flow=flow_id)
    return row


def get_version(row: Flow, number: int) -> FlowVersion:
    found = FlowVersion.objects.of(row.workspace_id).filter(flow_id=row.id, number=number).first()
    if found is None:
        raise NotFound(f"{row.key} has no version {number}.", flow=row.id, number=number)
    return found


def flow_detail(row: Flow) -> FlowDetail:
    tree, problems = checked_draft(row, Names.of(row.workspace_id))
    live = _texts(row.workspace_id, [row]).get(row.id)
    return FlowDetail(flow_info(row, live, tree, problems), row.draft, tree, problems, live)


def flow_info(row: Flow, live_text: str | None, tree: FlowTree | None, problems: Sequence[Problem]) -> FlowInfo:
    state = "draft" if row.live_number is None else "live" if row.is_live else "paused"
    errors = sum(problem.severity == "error" for problem in problems)
    names = dict(tree.name) if tree is not None else {}
    changed = row.draft != (live_text or "")
    return FlowInfo(row.id, row.key, row.name, names, state, row.live_number, changed, errors, row.updated_at)


@dataclass(frozen=True)
class Names:
    """What a workspace's flows may name: tools and flows."""

    tools: frozenset[str]
    flows: frozenset[str]

    @classmethod
    def of(cls, workspace_id: str) -> "Names":
        return cls(tool_names(workspace_id), flow_keys(workspace_id))


def checked_text(workspace_id: str, text: str) -> tuple[FlowTree | None, tuple[Problem, ...]]:
    """A flow's text as this workspace would read it, and what is wrong with it."""
    names = Names.of(workspace_id)
    return _checked(text, names.tools, names.flows)


def checked_draft(row: Flow, names: Names) -> tuple[FlowTree | None, tuple[Problem, ...]]:
    tree, problems = _checked(row.draft, names.tools, names.flows)
    if tree is not None and tree.id != row.key:
        said = f"The flow is called {tree.id} here, and {row.key} where it is kept."
        problems = (*problems, Problem("id_changed", said, f"Write `id: {row.key}`, or make a new flow.", 1, 1))
        return None, problems
    return tree, problems


@lru_cache(maxsize=512)
def _checked(
    text: str, tools: frozenset[str], flow_names: frozenset[str]
) -> tuple[FlowTree | None, tuple[Problem, ...]]:
    from kefu.brain.flow import check_flow  # templates need a library that only flows do

    found = check_flow(text, tools=tools, flows=flow_names)
    return found.flow, found.problems


# A flow is laid out for running by its identity, so the same object must serve every turn.
_trees: "OrderedDict[str, FlowTree]" = OrderedDict()


def _tree(row: FlowVersion) -> FlowTree | None:
    known = _trees.get(row.id)
    if known is not None:
        return known
    from kefu.brain.flow import load_flow

    try:
        tree = replace(load_flow(row.text), version=row.number)
    except KefuError as error:  # written for another version of Kefu
        _log.error(
            "flow_unreadable", workspace=row.workspace_id, flow=row.flow_id, number=row.number, reason=error.code
        )
        return None
    _trees[row.id] = tree
    while len(_trees) > _KEPT:
        _trees.popitem(last=False)
    return tree


def _texts(workspace_id: str, rows: Sequence[Flow]) -> dict[str, str]:
    """The live texts of flows, by their ids."""
    numbers = {row.id: row.live_number for row in rows if row.live_number is not None}
    found = FlowVersion.objects.of(workspace_id).filter(flow_id__in=list(numbers), number__in=set(numbers.values()))
    return {each.flow_id: each.text for each in found if numbers[each.flow_id] == each.number}


def _text_of(row: Flow, which: str) -> str:
    if which == "draft":
        return row.draft
    if which == "live":
        return get_version(row, row.live_number).text if row.live_number is not None else ""
    if not which.isdecimal():
        raise NotFound(f"{which!r:.20} is no version; name a number, live or draft.", flow=row.id)
    return get_version(row, int(which)).text


def _version_info(row: Flow, version: FlowVersion, author: str) -> FlowVersionInfo:
    return FlowVersionInfo(
        number=version.number,
        note=version.note,
        author=author,
        created_at=version.created_at,
        is_live=row.is_live and row.live_number == version.number,
        text=version.text,
        table=version.table,
    )
