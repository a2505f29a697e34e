"""What each kind of file is read into before its columns get their meaning."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kefu.contracts.dataset import BadRow


@dataclass(frozen=True)
class Record:
    """A row as it stands: its first line in the file, and its cells by column."""

    row: int
    cells: Mapping[str, str | None]


@dataclass
class Parsed:
    """A file's rows. `roles` (text, label, …) name columns where the format says so itself."""

    format: str
    columns: tuple[str, ...]
    records: list[Record] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    roles: Mapping[str, str] = field(default_factory=dict)


def cell(value: Any) -> str | None:
    """A JSON value as the text of a cell, so that the same content in CSV and JSON is the same dataset."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))  # 1.0 and 1 are one label
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
