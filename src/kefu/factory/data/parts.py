"""Parts of a split as files, with a note of what they are, so that nobody learns from what is measured on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kefu.contracts.dataset import Dataset
from kefu.kit.errors import BadInput
from kefu.knowledge.labels import read, write
from kefu.knowledge.labels.content import write_bytes

NOTE = "split.json"
NAMES = {2: ("train", "valid"), 3: ("train", "valid", "test")}


@dataclass(frozen=True)
class Written:
    """A part of a split as it was written."""

    name: str
    path: Path
    data: Dataset


def write_parts(parts: Sequence[Dataset], folder: Path, *, source: Dataset, seed: int, ending: str) -> list[Written]:
    """Write train and valid, or train, valid and test, and the note beside them.

    Raises BadInput for another number of parts and for a folder that cannot be written.
    """
    if len(parts) not in NAMES:
        raise BadInput(f"A split is written as two parts (train, valid) or three (and test), not {len(parts)}.")
    written = []
    for name, part in zip(NAMES[len(parts)], parts, strict=True):
        path = folder / f"{name}{ending}"
        write(part, path)
        written.append(Written(name, path, part))
    table = {
        "source": source.sha256,
        "seed": seed,
        "parts": {each.name: {"file": each.path.name, "sha256": each.data.sha256} for each in written},
    }
    write_bytes(folder / NOTE, (json.dumps(table, indent=1) + "\n").encode())
    return written


def measured_beside(path: Path, data: Dataset) -> list[Dataset]:
    """The other parts of the split that a file is the training part of; none for a file of no split.

    Raises BadInput when the file is itself a part that is measured on.
    """
    try:
        parts = json.loads((path.parent / NOTE).read_text(encoding="utf-8"))["parts"]
        named = {str(name): (str(part["file"]), str(part["sha256"])) for name, part in parts.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    for name, (_, sha256) in named.items():
        if name != "train" and sha256 == data.sha256:
            raise BadInput(
                f"{path} is the part {name!r} of a split: with made-up texts in it, figures would not be about "
                "customers. Augment the training part instead.",
                path=str(path),
            )
    if named.get("train", ("", ""))[1] != data.sha256:
        return []
    # A note names files beside itself, nothing elsewhere.
    others = [path.parent / Path(file).name for name, (file, _) in named.items() if name != "train"]
    return [read(each) for each in others if each.exists()]
