"""What an examination leaves: report.json for programs, report.html for people."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kefu.factory.evaluate.page import page

REPORT, PAGE = "report.json", "report.html"


def write_report(folder: Path, table: Mapping[str, Any]) -> Path:
    """Write both, each whole or not at all, and give the page's place. Raises OSError where that cannot be."""
    write_json(folder / REPORT, table)
    _replace(folder / PAGE, page(table))
    return folder / PAGE


def write_json(path: Path, table: Mapping[str, Any]) -> None:
    """Write a table as JSON, whole or not at all."""
    _replace(path, json.dumps(_sound(table), ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.partial")
    # A text of the data may hold half a surrogate pair, which UTF-8 has no form for.
    partial.write_text(text, encoding="utf-8", errors="replace")
    partial.replace(path)


def _sound(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, Mapping):
        return {str(name): _sound(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_sound(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
