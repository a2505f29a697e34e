"""A run keeps the data it saw: a file for each part beside the model, named in a manifest with its content's hash."""

import json
from pathlib import Path
from typing import Any

from kefu.contracts.dataset import Dataset
from kefu.kit.errors import BadInstallation
from kefu.knowledge.labels import dataset_of, read, write
from kefu.knowledge.labels.content import write_bytes

MANIFEST = "manifest.json"


def keep(data: Dataset, folder: Path, *, name: str) -> Path:
    """Write a dataset as `folder/name.jsonl.gz` and note it in the manifest; the same data again change nothing."""
    path = folder / f"{name}.jsonl.gz"
    table = _manifest(folder)
    if table.get(name, {}).get("sha256") == data.sha256 and path.exists():
        return path
    write(data, path)
    table[name] = {"sha256": data.sha256, "rows": len(data.examples), "labels": len(data.labels), "file": path.name}
    write_bytes(folder / MANIFEST, (json.dumps(table, indent=1, sort_keys=True) + "\n").encode())
    return path


def kept(folder: Path, *, name: str) -> Dataset | None:
    """The dataset that was kept under a name, or None.

    Raises BadInstallation when its content is not what was kept.
    """
    noted = _manifest(folder).get(name)
    path = folder / f"{name}.jsonl.gz"
    if noted is None or not path.exists():
        return None
    data = read(path)
    if data.sha256 != noted["sha256"]:
        raise BadInstallation(
            f"{path} is not the data that the model was trained on: its hash differs.", file=str(path)
        )
    return data


def combined(first: Dataset, second: Dataset) -> Dataset:
    """Both datasets' examples, the first's first; a text that both hold with one label is there once."""
    known = {(each.text, each.label) for each in first.examples}
    added = tuple(each for each in second.examples if (each.text, each.label) not in known)
    return dataset_of((*first.examples, *added), mapping={**first.mapping, **second.mapping}, format=second.format)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        table = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadInstallation(f"{folder / MANIFEST} cannot be read.", file=str(folder / MANIFEST)) from error
    if not isinstance(table, dict):
        raise BadInstallation(f"{folder / MANIFEST} does not hold a table.", file=str(folder / MANIFEST))
    return table
