"""A folder of flows, tools and tests: what it holds, and what of the workspace it was made from."""

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from kefu.kit.errors import BadInput, Conflict, KefuError

if TYPE_CHECKING:
    from kefu.contracts.flow import Flow
    from kefu.desk.actor import Actor

# Beside the folder's files, in git with them: what each workspace held when the folder was last pulled or pushed.
_STATE = ".kefu-state.json"
_TOOLS = "tools.yaml"


@dataclass(frozen=True)
class Folder:
    """What a folder holds: flows and tests by their files' names, and tools."""

    flows: Mapping[str, str]
    tools: list[dict[str, Any]]
    tests: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The folder's files. Raises BadInput that names the one that cannot be read."""
        from kefu.desk.assistants.tools.files import tools_of

        if not folder.is_dir():
            raise BadInput(f"There is no folder {folder}.")
        inner = folder / "flows"
        paths = sorted((inner if inner.is_dir() else folder).glob("*.yaml"))
        flows = {path.name: text_of(path) for path in paths if path.name != _TOOLS}
        tests = {path.name: text_of(path) for path in sorted((folder / "tests").glob("*.yaml"))}
        tools = folder / _TOOLS
        return cls(flows, tools_of(text_of(tools)) if tools.exists() else [], tests)


def written(actor: "Actor") -> dict[str, str]:
    """The workspace's files by their places in a folder."""
    import yaml

    from kefu.desk.assistants import queries
    from kefu.desk.assistants.tools.spec import stored_spec

    files = {f"flows/{each.key}.yaml": queries.flow(actor, each.id).text for each in queries.flows(actor)}
    files |= {f"tests/{each.name}": each.text for each in queries.suite_files(actor)}
    tools = [_short(stored_spec(each.spec)) for each in queries.tools(actor)]
    if tools:
        files[_TOOLS] = yaml.safe_dump({"tools": tools}, allow_unicode=True, sort_keys=False, width=120)
    return files


def require_sound(actor: "Actor", found: Folder) -> dict[str, str]:
    """The folder's flows by their ids. Raises BadInput that names the file of the first that is not sound."""
    from kefu.brain.flow import load_flow
    from kefu.desk.assistants.queries import flow_keys, tool_names
    from kefu.desk.assistants.tools.spec import checked_spec

    tools = {checked_spec(definition).name for definition in found.tools} | tool_names(actor.workspace_id)
    texts = {_sound(name, lambda text=text: load_flow(text)).id: text for name, text in found.flows.items()}  # type: ignore[misc]
    names = {*flow_keys(actor.workspace_id), *texts}
    for name, text in found.flows.items():
        _sound(name, lambda text=text: load_flow(text, tools=tools, flows=names))  # type: ignore[misc]
    return texts


def require_unchanged(folder: Path, actor: "Actor", found: Folder, flows: Mapping[str, str]) -> None:
    """Raises Conflict where the folder would overwrite what somebody changed in the workspace meanwhile.

    A folder that was never pulled from this workspace or pushed to it overwrites: there is nothing to compare with.
    """
    known = _states(folder).get(actor.workspace_id, {})
    coming = {f"flows/{key}.yaml": text for key, text in flows.items()}
    coming |= {f"tests/{name}": text for name, text in found.tests.items()}
    if found.tools:
        coming[_TOOLS] = text_of(folder / _TOOLS)
    here = written(actor)
    changed = [
        name
        for name, text in coming.items()
        if name in here and name in known and here[name] != text and _mark(here[name]) != known[name]
    ]
    if changed:
        raise Conflict(
            f"{', '.join(changed)}: changed in the workspace since this folder was pulled or pushed. See how with "
            "`kefu flow diff`; take it over with `kefu flow pull`, or overwrite it with --overwrite.",
            files=changed,
        )


def note_state(folder: Path, workspace: str, files: Mapping[str, str]) -> None:
    """Keep what a workspace holds now, for `require_unchanged`."""
    states = {**_states(folder), workspace: {name: _mark(text) for name, text in sorted(files.items())}}
    # A folder that cannot be written to was read all the same; it only is not guarded.
    with contextlib.suppress(OSError):
        (folder / _STATE).write_text(json.dumps(states, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def text_of(path: Path) -> str:
    """A file's text. Raises BadInput where it cannot be read as UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read as UTF-8 text ({type(error).__name__}).") from None


def _states(folder: Path) -> dict[str, dict[str, str]]:
    """By workspace, then by file; nothing where git left the marks of a conflict between two branches in it."""
    try:
        found = json.loads((folder / _STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and all(isinstance(each, dict) for each in found.values()) else {}


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _sound(name: str, load: Callable[[], "Flow"]) -> "Flow":
    try:
        return load()
    except KefuError as error:
        raise BadInput(f"{name}: {error.sentence}") from None


def _short(definition: dict[str, Any]) -> dict[str, Any]:
    """A definition without what is empty anyway."""
    return {name: value for name, value in definition.items() if value not in ("", None, {}, [])}
