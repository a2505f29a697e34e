"""A dry run of a benchmark: the same steps on a few rows, in minutes, whose figures say nothing and are not kept."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

Row = TypeVar("Row")
HELP = "a dry run on so many rows of each file; its figures say nothing and are not kept"


def few(rows: Sequence[Row], limit: int) -> list[Row]:
    """So many rows, evenly spread; all of them without a limit."""
    return list(rows[:: max(1, len(rows) // limit)][:limit]) if limit else list(rows)


def few_of(file: Path, limit: int, folder: Path) -> Path:
    """A table's file, or with a limit a copy of so many of its rows in a folder."""
    if not limit:
        return file
    with file.open(encoding="utf-8", newline="") as opened:
        header, *rows = csv.reader(opened)
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / file.name
    with copy.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([header, *few(rows, limit)])
    return copy
