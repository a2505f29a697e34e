"""Options that name a version or a dataset of the workspace, in place of a folder or a file of a machine.

`version:ID` and `dataset:ID`, several with commas: `teachers=version:ver_1,version:ver_2`, `base_model=version:ver_1`,
`unlabelled=dataset:dver_1`. They stand among a run's inputs, and become paths where the run works.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kefu.desk.modelhub.models import Version
from kefu.desk.modelhub.queries.data import get_dataset_version, named_input
from kefu.desk.modelhub.queries.registry import VERSION, get_version

DATASET = "dataset:"


def named_inputs(workspace_id: str, options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The inputs that options name, by option and place. Raises NotFound."""
    found: dict[str, dict[str, Any]] = {}
    for option, part in _parts(options):
        kind, _, row_id = part.partition(":")
        row = (
            version_input(get_version(workspace_id, row_id))
            if kind == VERSION[:-1]
            else named_input(get_dataset_version(workspace_id, row_id))
        )
        number = sum(1 for each in found if each.partition(" ")[0] == option)
        found[f"{option} {number + 1}" if number else option] = row
    return found


def with_paths(options: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """The options with paths in place of names; `files` are by the ids of rows."""

    def path(part: str) -> str:
        bare = part.strip()
        if bare.startswith(VERSION):
            return f"path:{files[bare.removeprefix(VERSION)]}"
        return files[bare.removeprefix(DATASET)] if bare.startswith(DATASET) else part

    named = {option for option, _ in _parts(options)}
    return {
        name: ",".join(path(part) for part in value.split(",")) if name in named else value
        for name, value in options.items()
    }


def version_input(row: Version) -> dict[str, Any]:
    """A version as a run names it."""
    return {"id": row.id, "name": row.model.name, "number": row.number, "sha256": row.sha256}


def _parts(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for option, value in options.items():
        if isinstance(value, str):
            for part in value.split(","):
                if part.strip().startswith((VERSION, DATASET)):
                    yield option, part.strip()
